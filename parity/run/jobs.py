"""What a run is made of: the job, and the bench that jobs share."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from parity import __version__
from parity.atomic import sweep, whole
from parity.compile.program import Program
from parity.data.dataset import Dataset
from parity.data.loading import fingerprint, own_inputs
from parity.frameworks import frameworks
from parity.run.exchange import Exchange
from parity.run.initial import InitialWeights, weights_key
from parity.run.local_imports import beside
from parity.run.randomness import steps_per_epoch
from parity.run.store import Store, run_key
from parity.run.trajectory import Measured
from parity.spec.plain import dump
from parity.spec.resolve import Resolved

RUN_FROM = "run"
"""Folder, among the programs, of those that are run."""


class Until(Protocol):
    """Decides whether a run may end at a checkpoint."""

    def reads(self, losses: Sequence[float], steps: int) -> bool:
        """Return whether it takes metrics to decide now; arguments as :meth:`decided`."""
        ...

    def plain(self) -> dict[str, Any]:
        """Return all that decides, as plain data."""
        ...

    def decided(self, losses: Sequence[float], curve: Sequence[Measured], steps: int) -> str:
        """Return why a run may end, empty where it may not.

        Args:
            losses: of the steps so far.
            curve: metrics of a sample of the rows at those checkpoints so far at which it read them.
            steps: length of the whole run.
        """
        ...


@dataclass(kw_only=True)
class Job:
    """One free run to make.

    Args:
        side: the resolved side.
        program: compiled for it.
        steps: to take.
        precision: ``float32`` or ``float64``.
        threads: limit, None for the framework's own choice; part of what decides the last bit.
        fused: compile the optimizer's update into one pass over memory, where the framework can: sums are rounded
            elsewhere, and part of what decides the last bit.
        nudge: number of the twin that starts from weights moved by one unit in the last place; None for the side
            itself.
        trace: keep the digests of every step's tensors.
        ends: keep the digests of the state as the run begins and ends.
        checkpoints: numbers of steps after which the metrics of a sample of the rows are recorded; also before the
            first, where there are any.
        curve: record them at every checkpoint, not only where ``until`` reads them.
        epochs: record the metrics of all rows after each epoch, not only at the end.
        metrics: record them at all; a probe is about something else.
        until: decides at each of them whether the run may end there.
    """

    side: Resolved
    program: Program
    steps: int
    precision: str = "float32"
    threads: int | None = None
    fused: bool = False
    nudge: int | None = None
    trace: bool = False
    ends: bool = False
    checkpoints: tuple[int, ...] = ()
    curve: bool = True
    epochs: bool = True
    metrics: bool = True
    until: Until | None = None


@dataclass(kw_only=True)
class Bench:
    """What free runs share: data, store, scratch space.

    Args:
        dataset: to learn from.
        store: of finished runs.
        scratch: folder for exchanges, best in memory.
        programs: folder the programs are written to and imported from.
        logs: folder for what workers print.
    """

    dataset: Dataset
    store: Store
    scratch: Path
    programs: Path
    logs: Path
    data_key: str = field(init=False)
    initial: InitialWeights = field(init=False)

    def __post_init__(self) -> None:
        """Put the data where workers can read it."""
        self.data_key = fingerprint(self.dataset)
        self.initial = InitialWeights(self.scratch / "weights")
        for folder in (self.programs, self.programs / RUN_FROM, self.programs / "explain"):
            sweep(folder)
        exchange = Exchange(self.scratch / "data")
        exchange.put("x", self.dataset.x)
        exchange.put("y", self.dataset.y)
        if self.dataset.weights is not None:
            exchange.put("sample_weights", self.dataset.weights)
        if self.dataset.x_val is not None:
            exchange.put("x_val", self.dataset.x_val)

    def write(self, program: Program) -> Path:
        """Return the file that a program's worker imports: one named by the hash of what is in it, or written by hand.

        Two commands in one folder may compile different programs for sides of one name. Each runs its own: a worker
        holds what it reads against the whole hash (:func:`parity.run.verify.verified`). Where people look for it,
        at ``programs/NAME_SIDE.py``, is a copy, the last command's.
        """
        if program.path is not None:
            return Path(program.path)
        shown = self.programs / program.file_name
        file = shown
        if program.digest[:16] not in shown.name:
            file = self.programs / RUN_FROM / f"{shown.stem[:60]}-{program.digest[:16]}.py"
            _written(shown, program.source)
        _written(file, program.source)
        return file

    def epoch_steps(self, side: Resolved) -> int:
        """Return the number of batches in an epoch of a side."""
        training = side.config.training
        return steps_per_epoch(len(self.dataset.x), training.batch_size, training.drop_remainder)

    def opening(self, job: Job) -> dict[str, Any]:
        """Return the arguments of a worker's ``open`` for a job."""
        training, program = job.side.config.training, self.write(job.program)
        files = dict(job.program.files) if job.program.path is not None else {program.name: job.program.digest}
        return {
            "framework": job.side.framework,
            "program": str(program.absolute()),  # A program may go to another folder, and its worker with it.
            "bindings": {**job.program.bindings.plain(), "files": files},
            "precision": job.precision,
            "data": str(self.scratch / "data"),
            "weights": {**self.initial.files(job.side, job.precision, job.nudge), **job.program.starts},
            "plan": {
                "seed": training.seed,
                "batch_size": training.batch_size,
                "shuffle": training.shuffle,
                "drop_remainder": training.drop_remainder,
                "random": training.random,
                "given_weights": training.initial_weights is not None,
            },
            "device": job.side.config.numerics.device,
            "threads": job.threads,
            "fused": job.fused,
            # A step that is watched is taken as it is written: what a compiler makes of it has no layers to be seen.
            "compiled": job.side.config.numerics.compile and not job.trace,
            "given": self._given(job.side),
        }

    def _given(self, side: Resolved) -> str:
        """Return what the data call the rows that a side's program is given in place of the spec's; empty for none.

        Raises:
            DataError: when their file does not hold them.
        """
        file = side.program.inputs if side.program is not None else None
        if file is None:
            return ""
        name, exchange = f"given_{side.name}", Exchange(self.scratch / "data")
        if not exchange.has(name):
            kept = 0 if self.dataset.x_val is None else len(self.dataset.x_val)
            rows = own_inputs(file, len(self.dataset.x) + kept)
            exchange.put(name, rows[: len(self.dataset.x)])
            if kept:
                exchange.put(f"{name}_val", rows[len(self.dataset.x) :])
        return name

    def key(self, job: Job, versions: dict[str, str]) -> str:
        """Return the hash of everything that decides a run."""
        own = job.side.program
        return run_key(
            program=job.program.source,
            config=dump(job.side.config),
            data=self.data_key,
            steps=job.steps,
            precision=job.precision,
            threads=job.threads,
            **(_by_hand(job.program) if job.program.path is not None else {}),
            **({"given": hashlib.sha256(Path(own.inputs).read_bytes()).hexdigest()} if own and own.inputs else {}),
            **({"initial_weights": known} if (known := weights_key(job.side)) else {}),
            **({"fused": True} if job.fused else {}),
            **({} if job.nudge is None else {"nudge": job.nudge}),
            **({"checkpoints": job.checkpoints, "ends": job.ends} if job.checkpoints else {}),
            **({} if job.curve else {"curve": False}),
            **({} if job.epochs else {"epochs": False}),
            **({} if job.metrics else {"metrics": False}),
            **({} if job.until is None else {"until": job.until.plain()}),
            versions={name: versions[name] for name in frameworks()[job.side.framework].packages},
            machine=[platform.machine(), platform.processor(), *filter(None, [versions.get("gpus")])],
            parity=__version__,
        )


def _written(file: Path, source: str) -> None:
    """Let a file hold a source, whole at every moment."""
    wanted = source.encode()
    with suppress(OSError):
        if file.read_bytes() == wanted:
            return
    with whole(file) as part:
        part.write(wanted)


def _by_hand(program: Program) -> dict[str, Any]:
    """Return what decides the runs of a program written by hand beside its source: what it imports, what it binds."""
    assert program.path is not None
    starts = {name: hashlib.sha256(Path(file).read_bytes()).hexdigest() for name, file in program.starts.items()}
    found = {"beside": program.files or beside(program.path), "bindings": program.bindings.plain()}
    return found | ({"starts": starts} if starts else {})
