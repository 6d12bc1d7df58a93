"""The runner: makes counterfactual runs on both cores, the urgent ones first, none of them twice."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from parity.court.work import MOST_RUNS, Work
from parity.errors import ParityError, WorkerError
from parity.explain.search import SpentError
from parity.prepare.sizes import at_once
from parity.run.freerun import free_run, kept_run, versions_of
from parity.run.jobs import Job
from parity.run.session import Session
from parity.run.trajectory import Trajectory
from parity.spec.resolve import Resolved

Place = tuple[str, str | None]
"""Framework and interpreter: what a worker, once started, stays with."""

URGENT, LATER, GUESSED = 0, 1, 2
"""Ranks: wanted now; wanted in the end; wanted perhaps, where a core is idle."""

PAUSE_SHARE, LONGEST_PAUSE = 0.03, 0.5
"""Share of a run's time, and seconds at most, that its worker then waits for something urgent before it begins what is
not: a search asks for the next run when it has seen the last one, and would find both workers busy with long ones."""


@dataclass(kw_only=True)
class Runner:
    """Two workers that take jobs from a queue; a context that ends them.

    Args:
        work: data, programs and store.
        done: told of every run that was really made, in the thread that made it.
        gate: called before a run begins; what it raises comes of the run instead.
    """

    work: Work
    done: Callable[[Job, Trajectory], None] = lambda job, run: None
    gate: Callable[[], None] = lambda: None
    made: int = 0
    _queue: queue.PriorityQueue[tuple[int, int, Job | None]] = field(default_factory=queue.PriorityQueue)
    _futures: dict[str, Future[Trajectory]] = field(default_factory=dict)
    _begun: set[str] = field(default_factory=set)
    _guesses: set[str] = field(default_factory=set)
    _free: dict[Place, list[Session]] = field(default_factory=dict)
    _opened: dict[Session, int] = field(default_factory=dict)
    _versions: dict[Place, dict[str, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _count: itertools.count[int] = field(default_factory=itertools.count)
    _threads: list[threading.Thread] = field(default_factory=list)
    _closing: bool = False

    def __enter__(self) -> Self:
        """Start the two threads; a worker starts with the first run that needs it."""
        for number in range(at_once(self.work.sides)):
            thread = threading.Thread(target=self._serve, name=f"explain-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers; a run under way is given up."""
        with self._lock:
            self._closing = True
            sessions = list(self._opened)
        for _ in self._threads:  # First: a thread whose worker is taken away must not begin another run.
            self._queue.put((-1, next(self._count), None))
        for session in sessions:
            session.close()
        for thread in self._threads:
            thread.join(timeout=10.0)

    def known(self, job: Job) -> Trajectory | None:
        """Return a run that was made before, None where it is still to be made.

        Raises:
            WorkerError: when the job's interpreter does not start.
        """
        return kept_run(self.work.bench(job.side), job, self._versions_of(job.side))

    def begun(self, job: Job) -> bool:
        """Return whether a job was made before, or is queued: asking for it costs nothing."""
        key = self._key(job)
        with self._lock:
            future = self._futures.get(key)
        return future is not None or self.known(job) is not None

    def start(self, job: Job, rank: int = URGENT) -> Future[Trajectory]:
        """Return what a job will come to; one that was made before, or is under way, is not made again.

        Args:
            job: to run.
            rank: ``URGENT``, ``LATER`` or ``GUESSED``.

        Raises:
            WorkerError: when the job's interpreter does not start.
        """
        key = self._key(job)
        with self._lock:
            future = self._futures.get(key)
            if future is not None and not (future.done() and future.exception()):
                ahead = rank == URGENT or (rank == LATER and key in self._guesses)
                if ahead and key not in self._begun:  # Again, further ahead: the later one finds it done.
                    self._queue.put((rank, next(self._count), job))
                if rank != GUESSED:
                    self._guesses.discard(key)
                return future
            future = self._futures[key] = Future()
            self._begun.discard(key)
            if rank == GUESSED:
                self._guesses.add(key)
        kept = self.known(job)
        if kept is not None:
            future.set_result(kept)
        else:
            self._queue.put((rank, next(self._count), job))
        return future

    def withdraw(self, job: Job) -> None:
        """Give up a job that was only guessed, unless it has begun or somebody else wants it, too."""
        key = self._key(job)
        with self._lock:
            if key in self._guesses and key not in self._begun:
                self._guesses.discard(key)
                self._futures.pop(key, None)

    def _key(self, job: Job) -> str:
        return self.work.bench(job.side).key(job, self._versions_of(job.side))

    def _versions_of(self, side: Resolved) -> dict[str, str]:
        place = _place(side)
        if place not in self._versions:
            session = self._take(side)
            self._versions[place] = versions_of(session, side.framework)
            self._give(place, session)
        return self._versions[place]

    def _take(self, side: Resolved) -> Session:
        place = _place(side)
        with self._lock:
            free = self._free.setdefault(place, [])
            session = free.pop() if free else None
        if session is None:
            session = self.work.session(side, f"explain-{side.framework}-{next(self._count)}")
            with self._lock:
                self._opened[session] = 0
                closing = self._closing
            if closing:  # It was started while the others were ended.
                session.close()
        return session

    def _give(self, place: Place, session: Session) -> None:
        with self._lock:
            if self._opened[session] < MOST_RUNS and not self._closing:
                self._free.setdefault(place, []).append(session)
                return
            del self._opened[session]
        session.close()

    def close_others(self, side: Resolved) -> None:
        """End idle workers in other places than a side's: each holds the memory of the last program it ran."""
        with self._lock:
            others = [one for place, free in self._free.items() if place != _place(side) for one in free]
            for place, free in self._free.items():
                if place != _place(side):
                    free.clear()
            for session in others:
                self._opened.pop(session, None)
        for session in others:
            session.close()

    def _serve(self) -> None:
        until = 0.0
        while True:
            rank, count, job = self._queue.get()
            if job is None or self._closing:
                return
            if rank != URGENT and time.monotonic() < until:
                self._queue.put((rank, count, job))
                time.sleep(0.005)
                continue
            begun, key = time.monotonic(), self._key(job)
            with self._lock:
                future = self._futures.get(key)
                if future is None or future.done() or key in self._begun:
                    continue  # Withdrawn; or it stood in the queue twice, and the other thread has it or had it.
                self._begun.add(key)
            try:
                self.gate()
                future.set_result(self._run(job))
            except (ParityError, SpentError) as error:
                future.set_exception(error)
            except Exception as error:  # A full disk, say: this run failed, and the others may not.
                future.set_exception(WorkerError(job.side.name, f"the run failed: {type(error).__name__}: {error}"))
            now = time.monotonic()
            until = now + min(LONGEST_PAUSE, PAUSE_SHARE * (now - begun))

    def _run(self, job: Job) -> Trajectory:
        session = self._take(job.side)
        try:
            run = free_run(session, self.work.bench(job.side), job)
        except BaseException:
            with self._lock:
                self._opened.pop(session, None)
            session.close()
            raise
        with self._lock:
            self._opened[session] = self._opened.get(session, 0) + 1
            self.made += 1
        self._give(_place(job.side), session)
        self.done(job, run)
        return run


def _place(side: Resolved) -> Place:
    return side.framework, side.python
