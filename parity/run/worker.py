"""The worker: runs one side's program in a process of its own, as the parent says.

Only the standard library, NumPy and, once a program is opened, its framework. Messages are (command, payload)
in, and (kind, value) out with kind ``event``, ``done`` or ``failed``; tensors go through an ``Exchange``.
"""

from __future__ import annotations

import gc
import importlib
import importlib.metadata
import os
import sys
import time
import traceback
from itertools import islice
from typing import Any

import numpy as np

from parity.run import randomness
from parity.run.drivers.base import Driver
from parity.run.exchange import Exchange

DRIVERS = {
    "keras": ("parity.run.drivers.keras", "KerasDriver"),
    "tensorflow": ("parity.run.drivers.tensorflow", "TensorFlowDriver"),
    "torch": ("parity.run.drivers.torch", "TorchDriver"),
}

EVENT_SECONDS = 0.25
"""How often a training run reports its losses: a message a step would cost more than a small step."""

PREDICT_ROWS = 256
"""Rows predicted at once."""


class Worker:
    """One side's state between commands."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self.driver: Driver
        self.x: np.ndarray
        self.y: np.ndarray
        self.plan: dict[str, Any] = {}
        self.limited = False
        self._exchanges: dict[str, Exchange] = {}

    def exchange(self, folder: str) -> Exchange:
        """Return the exchange of a folder, always the same one: its files are then written over, not made anew."""
        return self._exchanges.setdefault(folder, Exchange(folder))

    def event(self, **values: Any) -> None:
        """Tell the parent something while a command is still running."""
        self.channel.send(("event", values))

    def versions(self, packages: list[str]) -> dict[str, str]:
        """Return installed versions, without importing anything."""
        found = {"python": ".".join(map(str, sys.version_info[:3])), "executable": sys.executable}
        for package in packages:
            try:
                found[package] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                found[package] = ""
        return found

    def open(
        self,
        framework: str,
        program: str,
        bindings: dict[str, Any],
        precision: str,
        data: str,
        weights: dict[str, str],
        plan: dict[str, Any],
        threads: int | None = None,
    ) -> dict[str, Any]:
        """Load a program, its data and its initial weights.

        Args:
            framework: which driver.
            program: path of the program.
            bindings: where its tensors live.
            precision: ``float32`` or ``float64``.
            data: folder of the exchange with ``x`` and ``y``.
            weights: canonical parameter to the .npy file with its initial value.
            plan: seed, batch_size, shuffle, drop_remainder.
            threads: limit, None for the framework's own choice.
        """
        module, name = DRIVERS[framework]
        driver = getattr(importlib.import_module(module), name)
        if threads is not None and not self.limited:
            driver.set_threads(threads)  # Once: TensorFlow refuses when it has computed something.
            self.limited = True
        if hasattr(self, "driver"):
            self.driver.close()
            del self.driver
            gc.collect()  # A program and its compiled step refer to each other.
        self.driver = driver(program, bindings, precision, plan["seed"])
        self.plan = plan
        arrays = self.exchange(data)
        self.x = np.ascontiguousarray(arrays.get("x"), dtype=precision)
        self.y = np.ascontiguousarray(arrays.get("y"), dtype=precision)
        self.driver.set_weights(lambda name: np.load(weights[name], mmap_mode="r").astype(precision, copy=False))
        trainable = set(self.driver.trainable())
        count = sum(int(np.prod(value.shape)) for name, value in self.driver.weights().items() if name in trainable)
        return {"parameters": count, "device": self.driver.device()}

    def _batches(self, start: int, stop: int) -> Any:
        plan = self.plan
        everything = randomness.batches(
            plan["seed"], len(self.x), plan["batch_size"], plan["shuffle"], plan["drop_remainder"]
        )
        return islice(everything, start, stop)

    def predict(self, folder: str, name: str) -> None:
        """Write the predictions for the whole training set, in evaluation mode, to an exchange."""
        parts = [
            self.driver.predict(self.x[start : start + PREDICT_ROWS]) for start in range(0, len(self.x), PREDICT_ROWS)
        ]
        self.exchange(folder).put(name, np.concatenate(parts).astype(np.float64))

    def train(self, steps: int, measure: list[int], folder: str) -> dict[str, Any]:
        """Train, reporting losses as events and predictions through an exchange.

        Args:
            steps: how many.
            measure: numbers of steps taken after which predictions are written, as ``predictions/STEP``.
            folder: of the exchange.
        """
        losses: list[float] = []
        wanted = set(measure)
        sent, last, spent = 0, time.monotonic(), 0.0
        for number, rows in enumerate(self._batches(0, steps)):
            begun = time.perf_counter()
            losses.append(self.driver.step(self.x[rows], self.y[rows], number))
            spent += time.perf_counter() - begun
            if time.monotonic() - last > EVENT_SECONDS:
                self.event(losses=losses[sent:])
                sent, last = len(losses), time.monotonic()
            if number + 1 in wanted:
                self.predict(folder, f"predictions/{number + 1}")
                self.event(losses=losses[sent:], measured=number + 1)
                sent, last = len(losses), time.monotonic()
        self.event(losses=losses[sent:])
        return {"seconds": spent}

    def adopt(self, folder: str, iterations: int, nudge: int | None = None) -> None:
        """Take over the full state that the reference side published.

        Args:
            folder: of the exchange with ``weights/...`` and ``slots/...``.
            iterations: updates made.
            nudge: seed of a one-unit-in-the-last-place perturbation of the weights, None for the state as it is.
        """
        state = self.exchange(folder)

        def weight(name: str) -> np.ndarray:
            value = state.get(f"weights/{name}")
            return value if nudge is None else randomness.nudged(value, nudge, name, iterations)

        self.driver.set_weights(weight)
        self.driver.set_slots(
            lambda name: state.get(f"slots/{name}") if state.has(f"slots/{name}") else None, iterations
        )

    def publish(self, folder: str) -> None:
        """Write the full state for others to adopt."""
        state = self.exchange(folder)
        for name, value in self.driver.weights().items():
            state.put(f"weights/{name}", value)
        for name, value in self.driver.slots().items():
            state.put(f"slots/{name}", value)

    def lockstep(self, number: int, state: str, out: str) -> dict[str, Any]:
        """Take one watched step from the published state, and write what it computed.

        Args:
            number: of the step, counted from 0.
            state: exchange with the state the step starts from.
            out: exchange for ``batch/...``, ``forward/...``, ``gradient/...``, ``update/...`` and ``state/...``.
        """
        results, before = self.exchange(out), self.exchange(state)
        seen: dict[str, list[str]] = {"batch": [], "forward": [], "gradient": [], "update": [], "state": []}

        def put(phase: str, name: str, value: np.ndarray) -> None:
            results.put(f"{phase}/{name}", value)
            if name not in seen[phase]:
                seen[phase].append(name)

        rows = next(self._batches(number, number + 1))
        put("batch", "x", self.x[rows])
        put("batch", "y", self.y[rows])
        loss = self.driver.watched_step(self.x[rows], self.y[rows], number, put)
        trainable = set(self.driver.trainable())
        for name, value in self.driver.weights().items():
            if name not in trainable:
                put("state", name, value)
                continue
            start = before.get(f"weights/{name}") if before.has(f"weights/{name}") else np.zeros_like(value)
            put("update", name, value - start)
        for name, value in self.driver.slots().items():
            put("state", name, value)
        return {"loss": loss, "seen": seen}


COMMANDS = ("versions", "open", "predict", "train", "adopt", "publish", "lockstep")
"""What a parent may ask for."""


def print_program_error(error: BaseException) -> None:
    """Print an error from where the program begins: what stands above is the harness."""
    here, trace = os.path.dirname(__file__), error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(here):
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace or error.__traceback__)


def serve(channel: Any, log: str) -> None:
    """Answer commands until the parent hangs up.

    Args:
        channel: execnet's channel to the parent.
        log: file that takes everything the process prints.
    """
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    worker = Worker(channel)
    for command, payload in channel:
        try:
            if command not in COMMANDS:
                raise ValueError(f"unknown command {command!r}")
            channel.send(("done", getattr(worker, command)(**payload)))
        except Exception as error:
            print_program_error(error)
            channel.send(("failed", f"{type(error).__name__}: {error}"))
