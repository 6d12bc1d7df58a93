"""What comes of the free runs, and how far apart two of them are."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from parity.compare.free import Series, digest_gap, loss_gap
from parity.errors import WorkerError
from parity.prepare.sizes import at_once
from parity.run.freerun import free_run
from parity.run.jobs import Job
from parity.run.store import Store
from parity.run.trajectory import Trajectory

if TYPE_CHECKING:
    from parity.court.work import Note, Work

Trace = dict[tuple[str, str], np.ndarray]
"""Digests by phase and tensor, one record a step."""

TWIN = "(twin)"
"""Name of the first side's twin among the free runs."""


@dataclass(kw_only=True)
class FreeRuns:
    """What came of the free runs.

    Args:
        runs: by side, in the order of the sides.
        errors: of the sides that did not finish.
        twins: of the first side.
    """

    runs: dict[str, Trajectory] = field(default_factory=dict)
    errors: dict[str, WorkerError] = field(default_factory=dict)
    twins: dict[str, Trajectory] = field(default_factory=dict)


def gaps(store: Store, first: Trajectory, others: Sequence[Trajectory]) -> list[Series]:
    """Return how far other runs are from one in every step: in their losses, and in every tensor that both traced.

    Args:
        store: has their traces; each is read once, and of the others one at a time is held.
        first: the run that the others are compared with.
        others: in the order of the answer.
    """
    ours = _trace(store, first) if others else {}
    return [_gap(first, ours, other, _trace(store, other) if ours else {}) for other in others]


def _trace(store: Store, run: Trajectory) -> Trace:
    return store.read(run.key)


def _gap(a: Trajectory, ours: Trace, b: Trajectory, theirs: Trace) -> Series:
    found = {("loss", "loss"): loss_gap(a.losses, b.losses)}
    for name in (one for one in ours if one in theirs):
        # The weights are also kept as they start; what a step computes stands one further on.
        late = slice(1, None) if len(ours[name]) > len(a.losses) else slice(None)
        found[name] = digest_gap(ours[name][late], theirs[name][late])
    return found


@dataclass
class Ahead:
    """A run that another one waits for, as long as its worker will be free sooner than a new one could be started."""

    begun: float = field(default_factory=time.monotonic)
    starting: float | None = None
    left: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def seen(self, share: float) -> None:
        """Take note of how much of it is done, and of the seconds that it took to start and has still to go."""
        taken = time.monotonic() - self.begun
        if self.starting is None:
            self.starting = taken
        self.left = (taken - self.starting) * (1.0 - share) / share

    def wait(self) -> None:
        """Wait until it is over, or would go on for longer than a worker takes to start."""
        while not self.over.wait(0.05) and (self.starting is None or self.left <= self.starting):
            pass


def free_runs(work: Work, note: Note) -> FreeRuns:
    """Train every side on its own, and a twin of the first; what one fails at does not touch the others.

    Args:
        work: of the command.
        note: told what is under way.
    """
    found, first = FreeRuns(errors=work.failing()), work.sides[0]
    sides = [side for side in work.sides if side.name not in found.errors]
    jobs = {
        side.name: Job(
            side=side,
            program=work.program(side),
            steps=work.steps(side),
            precision=work.options.precision or "float32",
            # What is watched is another graph, in which TensorFlow's operations draw other numbers; and it is not
            # what a compiler makes of it.
            trace=work.options.trace and not (side.draws_itself or side.config.numerics.compile),
        )
        for side in sides
    }
    if len(sides) > 1 and first in sides and not first.draws_itself:
        jobs[TWIN] = replace(jobs[first.name], nudge=first.config.training.seed)
    shares, ahead, stopped = dict.fromkeys(jobs, 0.0), Ahead(), threading.Event()

    def one(name: str) -> None:
        job = jobs[name]
        if name == TWIN and first.program is None:  # What a program written by hand ran in is ended.
            ahead.wait()
        if stopped.is_set():
            return

        def progress(done: int, total: int, loss: float) -> None:
            shares[name] = done / total
            if name == first.name:
                ahead.seen(shares[name])
            told = f"training {name}: step {done} of {total}, loss {loss:.4g}"
            note(told, sum(shares.values()) / len(shares))

        try:
            session = work.taken(job.side, f"{job.side.name}-twin" if name == TWIN else job.side.name)
            try:
                run = free_run(session, work.bench(job.side), job, progress)
            except BaseException:
                session.close()
                raise
            work.left(job.side, session)
        except WorkerError as error:
            if name != TWIN:  # Without a twin there is no horizon, and that is said there.
                found.errors[name] = error
            return
        finally:
            shares[name] = 1.0
            if name == first.name:
                ahead.over.set()
        (found.twins if name == TWIN else found.runs)[name] = run

    with ThreadPoolExecutor(at_once(sides)) as pool:
        try:
            list(pool.map(one, jobs))
        except BaseException:  # The pool would wait for what is under way, hours perhaps.
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            work.end_workers()
            raise
    found.runs = {side.name: found.runs[side.name] for side in work.sides if side.name in found.runs}
    return found
