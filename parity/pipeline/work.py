"""Workers, scratch space and stores of one command, and the three kinds of work done with them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from parity.compare.judge import Judge
from parity.compare.lockstep import compare_initial, compare_step, compare_weights
from parity.compile import Program, compile_side
from parity.data.dataset import Dataset
from parity.data.load import load
from parity.errors import DataError, WorkerError
from parity.pipeline.prepare import Options, check_fit, is_file
from parity.run.freerun import Bench, Job, free_run
from parity.run.lockstep import TWIN, lockstep
from parity.run.session import Session, memory_folder
from parity.run.store import Store
from parity.run.trajectory import Trajectory
from parity.spec.resolve import Resolved, dump
from parity.spec.schema import Spec

Note = Callable[[str, float], None]
"""Called with (what is under way, share done from 0 to 1)."""

BYTES_LEFT, MOST_LEFT = 16, 2 << 30
"""Bytes a parameter that a worker may not give back after a run (weights and two slots, seen with compiled Keras
programs whose every object is freed), and how many of them a worker may gather before it is replaced."""

WORKERS = 2
"""Workers at once: sides' own runs keep their framework's default of a thread per core."""


@dataclass(kw_only=True)
class Work:
    """What one command works with; a context that cleans up after itself.

    Args:
        spec: the spec.
        sides: resolved, in order; the first is the reference.
        options: of the command.
        folder: of the reports.
    """

    spec: Spec
    sides: list[Resolved]
    options: Options
    folder: Path
    scratch: Path = field(init=False)
    _stack: ExitStack = field(default_factory=ExitStack)
    _benches: dict[str, Bench] = field(default_factory=dict)
    _programs: dict[str, Program] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        """Make the scratch folder."""
        self.scratch = memory_folder()
        self._stack.callback(shutil.rmtree, self.scratch, ignore_errors=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every worker, remove the scratch folder."""
        self._stack.close()

    def bench(self, side: Resolved) -> Bench:
        """Return the bench with a side's data; sides that read the same data share one.

        Raises:
            DataError: when the data are missing or do not fit.
        """
        key = side.config.data.model_dump_json()
        with self._lock:
            if key not in self._benches:
                given = self.options.data
                file = Path(given) if given and is_file(given) else None
                self._benches[key] = Bench(
                    dataset=load(side.config.data, file=file),
                    store=Store(self.folder / "runs"),
                    scratch=self.scratch / str(len(self._benches)),
                    programs=self.folder / "programs",
                    logs=self.folder / "logs",
                )
            bench = self._benches[key]
        data = bench.dataset
        training = side.config.training
        if training.drop_remainder and len(data.x) < training.batch_size:
            raise DataError(
                f"side {side.name}: {len(data.x)} rows do not fill a batch of {training.batch_size}, and "
                "training.drop_remainder leaves out what is not full; lower training.batch_size"
            )
        check_fit(side, data.x.shape[1:], data.y.shape[1:], data.description)
        return bench

    def dataset(self, side: Resolved) -> Dataset:
        """Return a side's data."""
        return self.bench(side).dataset

    def program(self, side: Resolved) -> Program:
        """Return a side's program, compiled once."""
        key = f"{side.framework} {side.name} {dump(side.config)}"
        if key not in self._programs:
            classes = self.dataset(side).classes
            self._programs[key] = compile_side(side, name=self.spec.name, question=self.spec.question, classes=classes)
        return self._programs[key]

    def epoch_steps(self, side: Resolved) -> int:
        """Return the number of batches in an epoch of a side."""
        return self.bench(side).epoch_steps(side)

    def steps(self, side: Resolved) -> int:
        """Return how many steps a side's free run takes."""
        return self.options.steps or self.epoch_steps(side) * side.config.training.epochs

    def session(self, side: Resolved, log: str) -> Session:
        """Start a worker for a side; it ends with this context at the latest."""
        session = Session(side.name, side.python, self.folder / "logs" / f"{log}.log", self.options.timeout)
        self._stack.callback(session.close)
        return session

    def free_runs(self, note: Note) -> tuple[dict[str, Trajectory], dict[str, WorkerError]]:
        """Train every side on its own; what one side fails at does not touch the others.

        Returns:
            trajectories by side, and errors by side.
        """
        runs: dict[str, Trajectory] = {}
        errors: dict[str, WorkerError] = {}
        shares = {side.name: 0.0 for side in self.sides}
        jobs = {
            side.name: Job(
                side=side,
                program=self.program(side),
                steps=self.steps(side),
                precision=self.options.precision or "float32",
            )
            for side in self.sides
        }

        def one(side: Resolved) -> None:
            def progress(done: int, total: int, loss: float) -> None:
                shares[side.name] = done / total
                note(
                    f"training {side.name}: step {done} of {total}, loss {loss:.4g}", sum(shares.values()) / len(shares)
                )

            try:
                session = self.session(side, f"{side.name}-train")
                try:
                    runs[side.name] = free_run(session, self.bench(side), jobs[side.name], progress)
                finally:
                    session.close()
            except WorkerError as error:
                errors[side.name] = error
            shares[side.name] = 1.0

        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(one, self.sides))
        return {side.name: runs[side.name] for side in self.sides if side.name in runs}, errors

    def judged(self, sides: Sequence[Resolved], steps: int, precision: str, note: Note) -> list[Judge]:
        """Run sides in lockstep and judge each against the first.

        Args:
            sides: at least one; the first is the reference.
            steps: to take; fewer are taken once every side has parted.
            precision: of the lockstep.
            note: told how far it is.

        Raises:
            WorkerError: when a worker fails.
        """
        reference, *others = sides
        judges = [Judge(a=reference.name, b=side.name, precision=precision) for side in others]
        if not judges:
            return []
        jobs = {
            side.name: Job(side=side, program=self.program(side), steps=steps, precision=precision) for side in sides
        }
        openings = {side.name: self.bench(side).opening(jobs[side.name]) for side in sides}
        self._compare_start(judges, openings, sides)
        with ExitStack() as stack:
            sessions = {side.name: self.session(side, f"{side.name}-lockstep") for side in sides}
            for session in sessions.values():
                stack.callback(session.close)
            note(f"lockstep in {precision}: starting {len(sides)} programs", 0.0)
            for step in lockstep(sessions, openings, self.scratch / "lockstep", reference.config.training.seed, steps):
                for judge in judges:
                    compare_step(judge, step, TWIN)
                note(f"lockstep in {precision}: step {step.number} of {steps}", step.number / steps)
                if all(judge.first is not None for judge in judges):
                    break
        return judges

    def _compare_start(
        self, judges: list[Judge], openings: Mapping[str, Mapping[str, Any]], sides: Sequence[Resolved]
    ) -> None:
        """Compare the parameters the sides have, and how they start."""
        import numpy as np

        shapes = {side.name: {name: p.shape for name, p in side.parameters().items()} for side in sides}
        for judge in judges:
            compare_weights(judge, shapes[judge.a], shapes[judge.b])
            ours, theirs = (openings[name]["weights"] for name in (judge.a, judge.b))
            for name in shapes[judge.a]:
                if name not in theirs or shapes[judge.a][name] != shapes[judge.b][name]:
                    continue
                if ours[name] == theirs[name]:
                    judge.add(1, "weights", name, shapes[judge.a][name], 0.0)
                else:
                    compare_initial(judge, name, *(np.load(one[name], mmap_mode="r") for one in (ours, theirs)))

    def evaluate(
        self, jobs: Sequence[Job], note: Callable[[int, Job, Trajectory | WorkerError], None]
    ) -> list[Trajectory | WorkerError]:
        """Make many runs of one framework, a worker per core, and return in order what each came to.

        Args:
            jobs: what to run; all on one framework and interpreter.
            note: told (index, job, run or what went wrong) as each ends.
        """
        results: list[Trajectory | WorkerError | None] = [None] * len(jobs)
        free: list[Session] = []
        opened: dict[Session, int] = {}

        def one(index: int) -> None:
            job = jobs[index]
            with self._lock:
                session = free.pop() if free else None
            session = session or self.session(job.side, f"explain-{threading.get_ident()}")
            try:
                run = results[index] = free_run(session, self.bench(job.side), job)
            except WorkerError as error:
                results[index] = error
                session.close()
                note(index, job, error)
                return
            opened[session] = opened.get(session, 0) + (0 if run.cached else run.parameters * BYTES_LEFT)
            with self._lock:
                if opened[session] > MOST_LEFT:
                    session.close()
                else:
                    free.append(session)
            note(index, job, run)

        pool = ThreadPoolExecutor(WORKERS)
        try:
            for future in [pool.submit(one, index) for index in range(len(jobs))]:
                future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            for session in free:
                session.close()
        return [run for run in results if run is not None]

    def counterfactual(self, config_of: Resolved, steps: int) -> Job:
        """Return the job of a counterfactual run: short, one thread, so that two run side by side."""
        program = self.program(config_of)
        program = replace(program, file_name=f"explain/{program.digest[:16]}.py")
        return Job(side=config_of, program=program, steps=steps, precision="float32", threads=1)
