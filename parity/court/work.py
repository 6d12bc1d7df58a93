"""Workers, scratch space and stores of one command, and the three kinds of work done with them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from parity.compare.free import FreeVerdict, judge_free
from parity.compare.judge import Judge
from parity.compare.noise import Rounding
from parity.compare.steps import chosen_steps
from parity.compile import Program, compile_side
from parity.court.freeruns import FreeRuns, gaps
from parity.court.judging import OWN_STATE_STEPS, Court, Judged
from parity.court.starting import compare_extras, compare_start, note_draws, note_ignored, speak_alike
from parity.data.dataset import Dataset
from parity.errors import DataError, WorkerError
from parity.prepare.forms import dataset_of
from parity.prepare.matching import Ports
from parity.prepare.options import Options, check_fit
from parity.run.epochs import counted
from parity.run.jobs import Bench, Job
from parity.run.local_imports import source_of
from parity.run.lockstep import Lockstep, looked_at_bytes
from parity.run.session import Scratch, Session, memory_bytes, release, remove_left, scratch_folder
from parity.run.store import Store
from parity.run.weights_file import check_fitting
from parity.spec.plain import dump
from parity.spec.resolve import Resolved
from parity.spec.sections import Spec
from parity.spec.targets import ignored_classes, numbers_classes, settled

Note = Callable[[str, float], None]
"""Called with (what is under way, share done from 0 to 1)."""

MOST_RUNS = 256
"""Runs after which a worker is replaced: a compiled program leaves 1 to 4 MB in its process, whatever its size."""

LARGEST_SHARE = 1 / 8
"""Share of the machine's memory from which the tensors of a step are put on disk: programs take as much again."""


@dataclass(kw_only=True)
class Work(Scratch):
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
    shows_programs: ClassVar[bool] = True  # Compiled programs are read by people, and so formatted.
    _benches: dict[str, Bench] = field(default_factory=dict)
    _programs: dict[str, Program] = field(default_factory=dict)
    _failed: dict[str, WorkerError] = field(default_factory=dict)
    _idle: dict[str, Session] = field(default_factory=dict)
    undetermined: dict[str, list[str]] = field(default_factory=dict)
    devices: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def ports(self) -> Ports:
        """The programs written by hand."""
        return Ports(
            name=self.spec.name, sides=self.sides, scratch=self.scratch, bench=self.bench, session=self.session
        )  # fmt: skip

    def bench(self, side: Resolved) -> Bench:
        """Return the bench with a side's data; sides that read the same data share one.

        Raises:
            DataError: when the data are missing or do not fit.
        """
        # Sides that are given the same targets in other forms read the same data.
        key = f"{side.config.data.model_dump_json(exclude={'targets'})} {numbers_classes(side)} {ignored_classes(side)}"
        with self._lock:
            if key not in self._benches:
                self._benches[key] = Bench(
                    dataset=dataset_of(side, self.options.data),
                    store=Store(self.folder / "runs"),
                    scratch=self.scratch / str(len(self._benches)),
                    programs=self.folder / "programs",
                    logs=self.folder / "logs",
                )
            bench = self._benches[key]
        data, training = bench.dataset, side.config.training
        if training.drop_remainder and len(data.x) < training.batch_size:
            raise DataError(
                f"side {side.name}: {len(data.x)} rows do not fill a batch of {training.batch_size}, and "
                "training.drop_remainder leaves out what is not full; lower training.batch_size"
            )
        check_fit(side, data)
        check_fitting(side)
        return bench

    def dataset(self, side: Resolved) -> Dataset:
        """Return a side's data."""
        return self.bench(side).dataset

    def program(self, side: Resolved) -> Program:
        """Return a side's program, compiled once.

        Raises:
            WorkerError: when one written by hand cannot be imported; it is tried once.
        """
        key = _key(side)
        if key in self._failed:
            raise self._failed[key]
        if key not in self._programs:
            compiled = self._compiled(side)
            try:
                self._programs[key] = compiled if side.program is None else self.ports.program(side, compiled)
            except WorkerError as error:
                self._failed[key] = error
                raise
        return self._programs[key]

    def _compiled(self, side: Resolved) -> Program:
        data, name, question = self.dataset(side), self.spec.name, self.spec.question
        read = self.shows_programs and side.program is None
        return compile_side(side, name=name, question=question, **data.stored, formatted=read)

    def shown(self, side: Resolved) -> Program:
        """Return a side's program to be read: also one written by hand that cannot be imported."""
        try:
            return self.program(side)
        except WorkerError:
            assert side.program is not None  # What is compiled needs no worker.
            file = Path(side.program.shown)
            return replace(self._compiled(side), source=source_of(file), file_name=file.name, path=str(file))

    def failing(self) -> dict[str, WorkerError]:
        """Return why programs written by hand cannot be imported, by side."""
        found: dict[str, WorkerError] = {}
        for side in self.sides:
            try:
                self.program(side)
            except WorkerError as error:
                found[side.name] = error
        return found

    def damaged(self) -> list[str]:
        """Return the names of stored files that did not hold what had been put into them."""
        return sorted({name for bench in self._benches.values() for name in bench.store.damaged})

    def trial_program(self, side: Resolved) -> Program:
        """Return the program of a counterfactual run: compiled from the config in any case, and not formatted."""
        side = replace(side, program=None)
        key = f"trial {side.framework} {side.python} {dump(side.config)}"
        if key not in self._programs:
            data = self.dataset(side)
            made = compile_side(side, name=self.spec.name, **data.stored, formatted=False)
            self._programs[key] = replace(made, file_name=f"explain/{made.digest[:16]}.py")
        return self._programs[key]

    def settle(self) -> list[Resolved]:
        """Return the sides with the form of their targets and epochs in their configs; the work is now about these.

        Programs written by hand are matched for it, since what their loss takes is tried. One that fails is left as it
        is: where it is run, that is said.
        """
        for number, one in enumerate(self.sides):
            data, program = self.dataset(one), None
            side = self.sides[number] = counted(one, len(data.x))
            if side.program is not None:
                try:
                    program = self.program(side)
                except WorkerError:
                    continue
            given = program.given if program else None
            found = self.sides[number] = settled(side, data.target, data.classes is not None, given)
            if program is not None:
                self._programs[_key(found)] = program  # It is not matched a second time.
        return self.sides

    def epoch_steps(self, side: Resolved) -> int:
        """Return the number of batches in an epoch of a side."""
        return self.bench(side).epoch_steps(side)

    def steps(self, side: Resolved) -> int:
        """Return how many steps a side's free run takes."""
        return self.options.steps or self.epoch_steps(side) * side.config.training.epochs

    def session(self, side: Resolved, log: str) -> Session:
        """Start a worker for a side; it ends with this context at the latest."""
        file = self.folder / "logs" / f"{log}.log"
        forked = self.forks.command(side.framework) if side.python is None else []
        return self.kept(Session(side.name, side.python, file, self.options.timeout, forked))

    def taken(self, side: Resolved, log: str) -> Session:
        """Return a worker for a side: the one that :meth:`left` keeps, else a new one, which ends with this context."""
        with self._lock:
            idle = self._idle.pop(side.name, None)
        return idle or self.session(side, log)

    def left(self, side: Resolved, session: Session) -> None:
        """Keep a worker that has done its work for what comes next: its framework takes seconds to import.

        What ran a program written by hand is ended: what that program leaves in its process is not known.
        """
        with self._lock:
            if side.program is None and side.name not in self._idle:
                self._idle[side.name] = session
                return
        session.close()

    def parted_free(self, found: FreeRuns) -> list[FreeVerdict]:
        """Judge the free runs of the first side and each other one by the first side's twin."""
        first = self.sides[0]
        if first.name not in found.runs:
            return []
        others = [side for side in self.sides[1:] if side.name in found.runs]
        store, mine = self.bench(first).store, found.runs[first.name]
        runs = gaps(store, mine, [*found.twins.values(), *(found.runs[side.name] for side in others)])
        twins, parted = runs[: len(found.twins)], runs[len(found.twins) :]
        low = first.config.numerics.mixed_precision
        return [
            # What is rounded to fewer bits than the weights have moves by a whole unit of those.
            judge_free(first.name, side.name, one, twins, low or mine.precision)
            for side, one in zip(others, parted, strict=True)
        ]

    def judged(self, sides: Sequence[Resolved], steps: int, precision: str, note: Note) -> Judged:
        """Run sides in lockstep and judge each against the first.

        Args:
            sides: at least one; the first is the reference.
            steps: how far to go; which of them are checked, the options say.
            precision: of the lockstep.
            note: told how far it is.

        Raises:
            WorkerError: when a worker fails.
        """
        reference, *others = sides
        judges = [Judge(a=reference.name, b=side.name, precision=precision) for side in others]
        if not judges:
            return Judged(judges=[], rounding=Rounding(precision=precision))
        jobs = {
            side.name: Job(side=side, program=self.program(side), steps=steps, precision=precision) for side in sides
        }
        openings = {side.name: self.bench(side).opening(jobs[side.name]) for side in sides}
        programs = {name: job.program for name, job in jobs.items()}
        speak_alike(openings, sides, programs)
        compare_start(judges, openings, sides)
        for judge in judges:
            told = [text for name in (judge.a, judge.b) for text in programs[name].unmatched]
            # Parameters that one side lacks have been told when the sides' parameters were compared.
            judge.unmatched += [text for text in told if "(weights)" not in text]
            compare_extras(judge, programs)
            note_draws(judge, {side.name: side for side in sides})
            note_ignored(judge, {side.name: side for side in sides})
        numbers = chosen_steps(steps, self.options.check_steps)
        if any("optimizer slot" in text for judge in judges for text in judge.unmatched):
            # A side that keeps its own slots must take every step; after a few its rounding errors are in them, too.
            numbers = [number for number in range(1, steps + 1) if number <= OWN_STATE_STEPS]
        with ExitStack() as stack:
            sessions = {side.name: self.taken(side, side.name) for side in sides}
            root, spill = self.scratch / "lockstep", None
            shutil.rmtree(root, ignore_errors=True)
            stack.callback(shutil.rmtree, root, ignore_errors=True)  # Gigabytes, of a large network.
            remove_left(self.folder)
            if looked_at_bytes(sides) > LARGEST_SHARE * memory_bytes():
                spill = scratch_folder(self.folder)
                stack.callback(release, spill)
            for session in sessions.values():
                stack.callback(session.close)
            note(f"lockstep in {precision}: starting {len(sides)} programs", 0.0)
            lock = Lockstep(
                sessions=sessions, openings=openings, root=root, seed=reference.config.training.seed,
                precision=precision, spill=spill,
            )  # fmt: skip
            lock.open()
            court = Court(lock=lock, judges=judges, sides={side.name: side for side in sides})
            step_of = f"lockstep in {precision}: step {{}} of {steps}"
            judged = court.sit(numbers, lambda number: note(step_of.format(number), number / steps))
            self.undetermined |= lock.undetermined()
            self.devices |= lock.devices
            return judged


def _key(side: Resolved) -> str:
    """Return what a side's program is kept by."""
    return f"{side.framework} {side.name} {side.program} {dump(side.config)}"
