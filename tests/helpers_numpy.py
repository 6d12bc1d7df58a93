"""Sides whose framework is a few lines of NumPy: in worker processes, or in this one where nothing has to die.

The programs are a rate and, where a test plants a fault, a few lines more; see ``helpers_numpy_driver``.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity.compile import compile_side
from parity.data.dataset import Dataset
from parity.errors import WorkerError
from parity.run import session, worker
from parity.run.driver.base import Driver
from parity.run.jobs import Bench, Job
from parity.run.session import memory_folder
from parity.run.store import Store
from parity.spec.load import parse_spec
from parity.spec.resolve import Resolved, changed, resolve

HERE = Path(__file__).parent


def numpy_driver(framework: str) -> type[Driver]:
    """Return this driver, whatever the framework."""
    from helpers_numpy_driver import NumPyDriver

    return NumPyDriver


NET = """\
name: net
data: {source: made_up}
model:
  input: [3]
  layers:
    - dense: {units: 4, activation: tanh, name: hidden, kernel_initializer: fan_in_uniform}
    - dropout: 0.25
    - dense: {units: 2, name: out, kernel_initializer: fan_in_uniform}
loss: mse
optimizer: {sgd: {learning_rate: 0.1, momentum: 0.5}}
training: {batch_size: 4, seed: 9}
metrics: [accuracy]
"""
"""What the driver computes: the reference in NumPy is told the same by the same words."""

ROWS = 10
RIGHT = "RATE = 0.1\n"


def net_side(name: str = "keras", framework: str = "keras", **changes: Any) -> Resolved:
    """Return the side that a right program is of; its framework says how the tensors lie."""
    (side,) = resolve(parse_spec(NET), (framework,))
    return replace(changed(side, changes, "a test"), name=name)


def net_job(source: str = RIGHT, name: str = "keras", steps: int = 7, framework: str = "keras", **changes: Any) -> Job:
    """Return a job whose program is the given source."""
    side = net_side(name, framework, **changes)
    compiled = compile_side(side, name="net", formatted=False)
    program = replace(compiled, source=textwrap.dedent(source), file_name=f"{name}.py")
    return Job(side=side, program=program, steps=steps)


@contextmanager
def numpy_bench(folder: Path) -> Iterator[Bench]:
    """Give what runs share, with data made up."""
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(ROWS, 3)), rng.integers(0, 2, ROWS)
    scratch = memory_folder()
    try:
        yield Bench(
            dataset=Dataset(x=x, y=np.eye(2)[labels], raw_x=x, raw_y=labels, description="made up"),
            store=Store(folder / "runs"), scratch=scratch, programs=folder / "programs", logs=folder / "logs",
        )  # fmt: skip
    finally:
        shutil.rmtree(scratch)


def numpy_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers know no framework but this one, and tell every step as it is taken."""
    code = f"""
        import sys
        sys.path[:0] = [root, {str(HERE)!r}]
        from parity.run import memory, serving, worker
        from helpers_numpy_driver import NumPyDriver
        worker.driver_of = lambda framework: NumPyDriver
        memory.EVENT_SECONDS = 0.0
        serving.serve(channel, log)
        """
    monkeypatch.setattr(session, "BOOT", textwrap.dedent(code))


class LocalSession:
    """A worker in this process: for what needs a worker's commands and not its death."""

    def __init__(self, side: str) -> None:
        self.side, self.asked, self.events = side, [], []
        self.worker = worker.Worker(self)
        self.waiting: Any = None

    def send(self, message: tuple[str, Any]) -> None:
        """Take an event, as execnet's channel does."""
        self.events.append(message[1])

    def start(self, command: str, **payload: Any) -> None:
        """Do it at once."""
        self.asked.append(command)
        try:
            self.waiting = getattr(self.worker, command)(**payload)
        except Exception as error:
            raise WorkerError(self.side, f"{type(error).__name__}: {error}") from error

    def finish(self, on_event: Any = None) -> Any:
        """Return what came of it."""
        for event in self.events if on_event else ():
            on_event(event)
        self.events = []
        return self.waiting

    def ask(self, command: str, on_event: Any = None, **payload: Any) -> Any:
        """Do it and return what came of it."""
        self.start(command, **payload)
        return self.finish(on_event)

    def close(self) -> None:
        """Let go of the programs."""
        for driver in (getattr(self.worker, "driver", None), self.worker.shadow):
            if driver is not None:
                driver.close()
