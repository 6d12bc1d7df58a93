"""The worker: runs one side's program in a process of its own, as the parent says.

Only the standard library, NumPy and, once a program is opened, its framework. Messages are (command, payload)
in, and (kind, value) out with kind ``event``, ``done`` or ``failed``; tensors go through an ``Exchange``.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np

from parity.frameworks import part_of
from parity.rows import beside
from parity.run import randomness
from parity.run.asked import Asked
from parity.run.axes import inverse, permuted
from parity.run.driver.base import Driver
from parity.run.driver.generators import first
from parity.run.exchange import Exchange
from parity.run.memory import OwnState, Report, everything, see_state
from parity.run.probe import DigestProbe, Guide, TensorProbe
from parity.run.threads import Threads, clock_of
from parity.run.unmatched import Unmatched
from parity.tensors import predictions

PREDICT_ROWS = 256
"""Rows predicted at once."""

PILE = 20_000
"""Objects that outlived their programs, so many that no garbage is looked for in them: it would take seconds in all."""


def driver_of(framework: str) -> type[Driver]:
    """Return the driver of a framework, which imports it."""
    driver: type[Driver] = part_of(framework, "driver.driver").DRIVER
    return driver


class Worker(Unmatched, Asked):
    """One side's state between commands: its program, and where asked the same program in another precision."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self.driver: Driver
        self.shadow: Driver | None = None
        self.x: np.ndarray
        self.y: np.ndarray
        self.x_val: np.ndarray | None = None
        self.plan: dict[str, Any] = {}
        self.following: Iterator[np.ndarray]
        self.limited = False
        self.before: dict[bool, Callable[[str], np.ndarray | None]] = {}
        self.own = OwnState()
        self._exchanges: dict[str, Exchange] = {}

    def exchange(self, folder: str) -> Exchange:
        """Return the exchange of a folder, always the same one: its files are then written over, not made anew."""
        return self._exchanges.setdefault(folder, Exchange(folder))

    def event(self, **values: Any) -> None:
        """Tell the parent something while a command is still running."""
        self.channel.send(("event", values))

    def undetermined(self) -> list[str]:
        """Return the operations of the steps taken that have no deterministic form here."""
        return [*self.driver.undetermined, *(self.shadow.undetermined if self.shadow else ())]

    def gpus(self, framework: str) -> dict[str, Any]:
        """Return what a framework sees of GPUs."""
        return self._driver(framework).gpus()

    def _driver(self, framework: str, threads: int | None = None) -> type[Driver]:
        driver = driver_of(framework)
        if threads is not None and not self.limited:
            driver.set_threads(threads)  # Once: TensorFlow refuses when it has computed something.
            Threads.limit(threads)
            self.limited = True
        return driver

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
        fused: bool = False,
        shadow: str | None = None,
        device: str = "auto",
        compiled: bool = False,
        given: str = "",
    ) -> dict[str, Any]:
        """Load a program, its data and its initial weights.

        Args:
            framework: which driver.
            program: path of the program.
            bindings: where its tensors live.
            precision: ``float32``, ``float64`` or ``bfloat16``.
            data: folder of the exchange with ``x``, ``y``, and, where there are such, ``sample_weights`` and ``x_val``.
            weights: canonical parameter to the .npy file with its initial value.
            plan: seed, batch_size, shuffle, drop_remainder; random: ``recorded``, ``native``; given_weights: of a file.
            threads: limit, None for the framework's own choice.
            fused: compile the optimizer's update into one pass over memory, where the framework can.
            device: ``auto``, ``cpu``, ``gpu`` or ``gpu:N``.
            compiled: take steps as the framework's own compiler makes them.
            shadow: precision in which the program is loaded a second time, to measure rounding by.
            given: what the data call the rows of which the program makes ``x`` by itself; empty for ``x``.
        """
        driver = self._driver(framework, threads)
        self._let_go()
        self._exchanges.clear()  # Of folders that may be gone, and are made anew under the same name.
        if hasattr(self, "driver"):
            self.driver.close()
            del self.driver
            if self.shadow is not None:
                self.shadow.close()
                self.shadow = None
            gc.collect()  # A program and its compiled step refer to each other.
            if len(gc.get_objects(generation=2)) > PILE:
                gc.freeze()
        native = plan.get("random") == "native"
        told = {"drawn": first(driver.generators, plan["seed"], randomness.FIRST)} if native else {}
        self.driver = driver(program, bindings, precision, plan["seed"], device, native, compiled)
        if fused:
            self.driver.fuse_update()
        self.shadow = driver(program, bindings, shadow, plan["seed"], device) if shadow else None
        self.plan, self.own = plan, OwnState()
        arrays, host = self.exchange(data), self._host()
        self.x = np.ascontiguousarray(arrays.get("x"), dtype=host)
        y = beside(arrays.get("y"), arrays.get("sample_weights") if bindings.get("sample_weights") else None)
        self.y = np.ascontiguousarray(y, dtype=host)
        self.given = np.ascontiguousarray(arrays.get(given), dtype=host) if given else self.x
        kept = f"{given or 'x'}_val"
        self.x_val = np.ascontiguousarray(arrays.get(kept), dtype=host) if arrays.has(kept) else None
        if native:
            own = self.driver.own_rows(len(self.x))
            following = self._recorded() if own is None else own
            rows = next(following)
            self.following = chain([rows], following)
            told["drawn"] |= {"rows": rows.tolist(), "dealt": "recorded" if own is None else "native"}
        if not native or plan.get("given_weights"):
            self.driver.set_weights(lambda name: np.load(weights[name], mmap_mode="r") if name in weights else None)
        trainable = set(self.driver.trainable())
        count = sum(value.size for name, value, _ in self.driver.raw_weights() if name in trainable)
        return {"parameters": count, "device": self.driver.device(), **told}

    def _host(self) -> np.dtype[Any]:
        """Return the type of the rows: a program in low precision rounds them itself where another one has them all."""
        driver, shadow = self.driver, self.shadow
        whole = shadow is not None and shadow.precision == "float64" != driver.precision
        return np.dtype("float64") if whole else driver.host_dtype()

    def _recorded(self, first: int = 0) -> Iterator[np.ndarray]:
        plan = self.plan
        return randomness.batches(
            plan["seed"], len(self.x), plan["batch_size"], plan["shuffle"], plan["drop_remainder"], first=first
        )

    def _batches(self, start: int, stop: int) -> Any:
        # What a framework deals out it deals out once: a free run takes its steps one after another.
        return islice(self.following if self.driver.native else self._recorded(start), stop - start)

    def predict(self, folder: str, name: str, validation: str | None = None, most: int | None = None) -> None:
        """Write the predictions for the rows that are trained on, in evaluation mode, to an exchange.

        Args:
            folder: of the exchange.
            name: of the predictions in it.
            validation: name of those for the rows kept for validation, where there are any.
            most: rows of each to predict, evenly spaced; None for all.
        """
        wanted = [(name, self.given)]
        if validation is not None and self.x_val is not None:
            wanted.append((validation, self.x_val))
        for one, x in wanted:
            x = x[randomness.evenly(len(x), most)]
            starts = range(0, len(x), PREDICT_ROWS)
            parts = [self.driver.answer(x[start : start + PREDICT_ROWS], "metrics") for start in starts]
            self.exchange(folder).post(one, np.concatenate(parts).astype(np.float64))

    def train(self, steps: int, measure: list[int], folder: str, trace: bool = False, first: int = 0) -> dict[str, Any]:
        """Train, reporting losses as events and predictions through an exchange.

        Args:
            steps: taken when it ends, those before ``first`` included.
            measure: numbers of steps taken after which predictions are written, as ``predictions/STEP`` and, for the
                rows kept for validation, ``validation/STEP``.
            folder: of the exchange.
            trace: report the digests of every step's tensors, too.
            first: number of the step to go on with; a run may be made in pieces.
        """
        report, wanted, spent, begin = Report(self.event), set(measure), 0.0, 0.0
        clock = clock_of(self.limited and self.driver.gpu is None)
        if trace and first == 0:
            report.trace(0, self._state_digests())
        for number, rows in enumerate(self._batches(first, steps), first):
            begun = clock()
            if trace:
                probe = DigestProbe()
                loss = self.driver.watched_step(self.given[rows], self.y[rows], number, probe, signals=False)
                see_state(probe, self.driver)
                report.trace(number + 1, probe)
            else:
                loss = self.driver.step(self.given[rows], self.y[rows], number)
            spent += clock() - begun
            begin = begin or spent
            report.loss(loss)
            if number + 1 in wanted:
                self.predict(folder, f"predictions/{number + 1}", f"validation/{number + 1}")
                report.send(measured=number + 1)
        report.send()
        return {"seconds": spent, "begin": begin, "undetermined": self.driver.undetermined}

    def digest_state(self, number: int) -> None:
        """Report the digests of the full state, as a trace does.

        Args:
            number: of steps taken.
        """
        (report := Report(self.event)).trace(number, self._state_digests())
        report.send()

    def _state_digests(self) -> DigestProbe:
        see_state(probe := DigestProbe(), self.driver)
        return probe

    def advance(self, start: int, stop: int) -> list[float]:
        """Take steps as a free run takes them, from number ``start`` to before ``stop``; return their losses."""
        rows = enumerate(self._batches(start, stop), start)
        return [self.driver.step(self.given[chosen], self.y[chosen], number) for number, chosen in rows]

    def adopt(self, folder: str, iterations: int, nudge: int | None = None, shadow: bool = False) -> None:
        """Take over the full state that the reference side published.

        Args:
            folder: of the exchange with ``weights/...`` and ``slots/...``.
            iterations: updates made.
            nudge: seed of a one-unit-in-the-last-place perturbation of the weights, None for the state as it is.
            shadow: the program in the other precision takes it.
        """
        state, driver = self.exchange(folder), self._which(shadow)

        def has(name: str, shape: tuple[int, ...]) -> bool:
            return state.has(name) and state.get(name).shape == shape

        def begins(value: np.ndarray, name: str) -> np.ndarray:
            value = value.astype(driver.host_dtype(), copy=False)
            if nudge is None:
                return value
            return randomness.nudged(value, nudge, name, iterations, driver.precision == "bfloat16")

        def start(name: str) -> np.ndarray:
            return own[name] if name in own else state.get(name)

        self.own.begin(self.driver, iterations, has)
        own = self.own.kept
        self.before[shadow] = lambda name: (
            None if f"weights/{name}" in own else begins(state.get(f"weights/{name}"), name)
        )
        driver.set_weights(lambda name: begins(start(f"weights/{name}"), name))
        driver.set_slots(lambda name: self.own.begun(f"slots/{name}", start(f"slots/{name}")), iterations)
        driver.set_leftovers(self.own.leftovers)

    def _which(self, shadow: bool) -> Driver:
        if shadow and self.shadow is None:
            raise ValueError("the program is not open in a second precision")
        return self.shadow if shadow and self.shadow is not None else self.driver

    def publish(self, folder: str) -> list[str]:
        """Write the full state for others to adopt, and name its tensors."""
        state, found = self.exchange(folder), everything(self.driver)
        for name, value in found.items():
            state.put(name, value)
        return list(found)

    def _moved(self, driver: Driver, name: str, before: Callable[[str], np.ndarray | None]) -> bool:
        """Return whether the step just taken has moved a parameter or buffer."""
        start = before(name)
        kept = self.own.kept.get(f"weights/{name}") if start is None else start
        now = permuted(driver.lies(name, driver.read(driver.parameter(name))), driver.out_axes(name))
        return kept is not None and not np.array_equal(now, kept, equal_nan=True)

    def leftovers(self, folder: str) -> list[str]:
        """Write what was left before the step taken last, gradients and slots of its own, and name it."""
        found = self.own.left(self.driver)
        for name, value in found.items():
            self.exchange(folder).put(f"leftovers/{name}", value)
        return list(found)

    def probe(
        self, number: int, out: str | None = None, guide: dict[str, Any] | None = None, shadow: bool = False
    ) -> dict[str, Any]:
        """Take one watched step from the state adopted last, and tell what it computed.

        Args:
            number: of the step, counted from 0.
            out: folder of the exchange that takes the tensors themselves; None keeps their digests only.
            guide: ``folder`` and ``names`` of the reference side's tensors, to go on with in the place of its own.
            shadow: the program in the other precision takes it.
        """
        driver = self._which(shadow)
        probe = DigestProbe(exact=True) if out is None else TensorProbe(self.exchange(out))
        rows, follow = next(self._batches(number, number + 1)), None
        x, y = self.given[rows], self.y[rows]
        targets, weights = driver.parted(y)
        if guide is None:
            probe.see("batch", "x", self.x[rows])
            probe.see("batch", "y", targets)
            if weights is not None:
                probe.see("batch", "sample_weights", weights)
            driver.clock.update(step=number, call=0)
            for output, one in driver.answers(x, "lockstep").items():
                probe.see("metric", predictions(output), one)
        else:
            follow = Guide(self.exchange(guide["folder"]), [tuple(one) for one in guide["names"]])
            read, y = follow.batch(self.x[rows], targets, weights)
            x = read if self.given is self.x else x
        loss = driver.watched_step(x, y, number, probe, guide=follow)
        trainable, before = set(driver.trainable()), self.before[shadow]
        for name, value, axes in driver.raw_weights():
            start = before(name)
            if name not in trainable:
                probe.see("state", name, value, axes)
            elif start is not None:
                probe.see("update", name, value - permuted(start, inverse(axes)), axes)
        for name, value, axes in driver.raw_slots():
            probe.see("state", name, value, axes)
        count = driver.iterations()
        if count is not None:
            probe.see("state", "iterations", np.array(float(count)))
        if guide is None and not shadow:
            self.own.end(driver)
        moved = [name for name in driver.bindings.get("extras", ()) if self._moved(driver, name, before)]
        return {
            "loss": loss,
            "names": [list(one) for one in probe.names],
            "digests": probe.packed(),
            "moved": moved,
            "drifts": driver.drifts(self.own.leftovers),
        }
