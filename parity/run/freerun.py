"""Free runs: a side trains on its own, its losses and metrics are recorded and kept."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from parity import __version__
from parity.compile.program import Program
from parity.data.dataset import Dataset
from parity.data.load import fingerprint
from parity.run.exchange import Exchange
from parity.run.initial import InitialWeights
from parity.run.randomness import batch_sizes, steps_per_epoch
from parity.run.session import Session
from parity.run.store import Store, run_key
from parity.run.trace import TraceWriter
from parity.run.trajectory import Measured, Trajectory
from parity.spec.resolve import Resolved, dump

PACKAGES = {
    "keras": ("keras", "tensorflow", "numpy"),
    "tensorflow": ("tensorflow", "numpy"),
    "torch": ("torch", "numpy"),
}
"""What is asked for its version: whatever can move the last bit of a run."""

VALIDATION = "val_"
"""Stands before a metric's name where it is that of the validation rows, as in Keras."""

Progress = Callable[[int, int, float], None]
"""Called with (steps taken, steps in all, last loss)."""


@dataclass(kw_only=True)
class Job:
    """One free run to make.

    Args:
        side: the resolved side.
        program: compiled for it.
        steps: to take.
        precision: ``float32`` or ``float64``.
        threads: limit, None for the framework's own choice; part of what decides the last bit.
        nudge: number of the twin that starts from weights moved by one unit in the last place; None for the side
            itself.
        trace: keep the digests of every step's tensors.
    """

    side: Resolved
    program: Program
    steps: int
    precision: str = "float32"
    threads: int | None = None
    nudge: int | None = None
    trace: bool = False


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
        exchange = Exchange(self.scratch / "data")
        exchange.put("x", self.dataset.x)
        exchange.put("y", self.dataset.y)
        if self.dataset.x_val is not None:
            exchange.put("x_val", self.dataset.x_val)

    def write(self, program: Program) -> Path:
        """Write a program where its worker imports it, unless it stands there already or was written by hand."""
        if program.path is not None:
            return Path(program.path)
        file = self.programs / program.file_name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text() != program.source:
            file.write_text(program.source)
        return file

    def epoch_steps(self, side: Resolved) -> int:
        """Return the number of batches in an epoch of a side."""
        training = side.config.training
        return steps_per_epoch(len(self.dataset.x), training.batch_size, training.drop_remainder)

    def opening(self, job: Job) -> dict[str, Any]:
        """Return the arguments of a worker's ``open`` for a job."""
        training = job.side.config.training
        return {
            "framework": job.side.framework,
            "program": str(self.write(job.program)),
            "bindings": job.program.bindings.plain(),
            "precision": job.precision,
            "data": str(self.scratch / "data"),
            "weights": self.initial.files(job.side, job.precision, job.nudge),
            "plan": {
                "seed": training.seed,
                "batch_size": training.batch_size,
                "shuffle": training.shuffle,
                "drop_remainder": training.drop_remainder,
            },
            "threads": job.threads,
        }

    def key(self, job: Job, versions: dict[str, str]) -> str:
        """Return the hash of everything that decides a run."""
        return run_key(
            program=job.program.source,
            config=dump(job.side.config),
            data=self.data_key,
            steps=job.steps,
            precision=job.precision,
            threads=job.threads,
            **({} if job.nudge is None else {"nudge": job.nudge}),
            versions={name: versions[name] for name in PACKAGES[job.side.framework]},
            machine=[platform.machine(), platform.processor()],
            parity=__version__,
        )


def versions_of(session: Session, framework: str) -> dict[str, str]:
    """Return the versions of what a framework's runs depend on, as the session's interpreter has them."""
    found: dict[str, str] = session.ask("versions", packages=list(PACKAGES[framework]))
    return found


def free_run(session: Session, bench: Bench, job: Job, progress: Progress | None = None) -> Trajectory:
    """Make a run, or take it from the store.

    Args:
        session: a worker with the job's framework.
        bench: what runs share.
        job: what to run.
        progress: told about every few steps.

    Raises:
        WorkerError: when the worker fails, dies or hangs.
    """
    versions = versions_of(session, job.side.framework)
    key = bench.key(job, versions)
    kept = bench.store.get(key)
    if kept is not None and (bench.store.traced(key) or not job.trace):
        return replace(kept, side=job.side.name)  # Another side may have made it.
    opened = session.ask("open", **bench.opening(job))
    folder = bench.scratch / "predictions" / key
    losses: list[float] = []
    measured: list[Measured] = []
    epoch_steps = max(1, bench.epoch_steps(job.side))
    measure = sorted({*range(epoch_steps, job.steps + 1, epoch_steps), job.steps})

    def heard(event: dict[str, Any]) -> None:
        losses.extend(event["losses"])
        if writer is not None:
            writer.add(event.get("trace", ()))
        if "measured" in event:
            measured.append(measure_epoch(job, bench, event["measured"], losses, Exchange(folder)))
        if progress is not None and losses:
            progress(len(losses), job.steps, losses[-1])

    with ExitStack() as stack:
        writer = stack.enter_context(TraceWriter(bench.store.trace(key))) if job.trace else None
        done = session.ask("train", heard, steps=job.steps, measure=measure, folder=str(folder), trace=job.trace)
    run = Trajectory(
        key=key,
        side=job.side.name,
        framework=job.side.framework,
        version=versions[PACKAGES[job.side.framework][0]],
        interpreter=versions["executable"],
        precision=job.precision,
        device=opened["device"],
        parameters=opened["parameters"],
        losses=tuple(losses),
        measured=tuple(measured),
        seconds=done["seconds"],
    )
    bench.store.put(run)
    return run


def measure_epoch(job: Job, bench: Bench, step: int, losses: Sequence[float], predicted: Exchange) -> Measured:
    """Return what is known after a step: its metrics, and how the epoch went up to there.

    Metrics are computed here, with one code for all sides.

    Args:
        job: the run.
        bench: with its data.
        step: number of steps taken.
        losses: of these steps.
        predicted: with the predictions that the weights give after that step, in evaluation mode.
    """
    per_epoch = max(1, bench.epoch_steps(job.side))
    epoch = -(-step // per_epoch)
    sets = [("", "predictions", bench.dataset.y)]
    if bench.dataset.y_val is not None:
        sets.append((VALIDATION, "validation", bench.dataset.y_val))
    metrics = {
        f"{prefix}{metric.kind}": metric.value(predicted.get(f"{name}/{step}"), targets)
        for prefix, name, targets in sets
        for metric in job.side.config.metrics
    }
    training = job.side.config.training
    sizes = batch_sizes(len(bench.dataset.x), training.batch_size, training.drop_remainder)
    running = running_loss(losses[(epoch - 1) * per_epoch : step], sizes)
    return Measured(step=step, epoch=epoch, metrics=metrics, running_loss=running)


def running_loss(losses: Sequence[float], sizes: Sequence[int]) -> float:
    """Return the mean loss of the rows of an epoch, as Keras prints it when the last of these steps is done.

    Args:
        losses: of the epoch's steps so far, each before its own update.
        sizes: rows in each batch of the epoch.

    Example:
        >>> running_loss([4.0, 1.0], [32, 8])
        3.4
    """
    rows = sizes[: len(losses)]
    return sum(loss * size for loss, size in zip(losses, rows, strict=True)) / sum(rows)
