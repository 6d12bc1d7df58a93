"""Free runs: a side trains on its own, its losses and metrics are recorded and kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from parity.frameworks import frameworks
from parity.metrics import VALIDATION
from parity.run.exchange import Exchange
from parity.run.jobs import Bench, Job
from parity.run.randomness import batch_sizes, evenly
from parity.run.session import Session
from parity.run.trace import TraceWriter
from parity.run.trajectory import Measured, Trajectory

Progress = Callable[[int, int, float], None]
"""Called with (steps taken, steps in all, last loss)."""


SAMPLE = 128
"""Rows of the sample, evenly spaced: evaluating all of them at every checkpoint would cost as much as the training."""


def versions_of(session: Session, framework: str) -> dict[str, str]:
    """Return the versions of what a framework's runs depend on, as the session's interpreter has them."""
    found: dict[str, str] = session.ask("versions", packages=list(frameworks()[framework].packages))
    return found


def kept_run(bench: Bench, job: Job, versions: dict[str, str]) -> Trajectory | None:
    """Return a run that is in the store, None where there is none.

    Args:
        bench: what runs share.
        job: what would be run.
        versions: of what its framework's runs depend on.
    """
    # A run that went to its end does for one that might have stopped, and one with a curve for one without.
    curves = [True] if job.curve else [True, False]
    jobs = [replace(job, until=None, curve=curve) for curve in curves]
    for one in [*jobs, job]:
        key = bench.key(one, versions)
        kept = bench.store.get(key)
        if kept is not None and (bench.store.traced(key) or not (job.trace or job.ends)):
            return replace(kept, side=job.side.name)  # Another side may have made it.
    return None


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
    kept = kept_run(bench, job, versions)
    if kept is not None:
        return kept
    key, whole = bench.key(job, versions), bench.key(replace(job, until=None), versions)
    opened = session.ask("open", **bench.opening(job))
    with ExitStack() as stack:
        recording = Recording(session=session, bench=bench, job=job, progress=progress, folder=f"predictions/{key}")
        if job.trace or job.ends:
            # Whether the run will stop is not known yet: the file takes its name when it is.
            recording.writer = stack.enter_context(TraceWriter(bench.store.trace(key)))
        recording.train()
    if not recording.stopped and whole != key:
        if job.trace or job.ends:
            bench.store.trace(key).replace(bench.store.trace(whole))
        key = whole
    run = Trajectory(
        key=key,
        side=job.side.name,
        framework=job.side.framework,
        version=versions[frameworks()[job.side.framework].packages[0]],
        interpreter=versions["executable"],
        precision=job.precision,
        device=opened["device"],
        parameters=opened["parameters"],
        drawn=opened.get("drawn", {}),
        undetermined=tuple(recording.undetermined),
        losses=tuple(recording.losses),
        measured=tuple(recording.measured),
        seconds=recording.seconds,
        begin=recording.begin,
        curve=tuple(recording.curve),
        stopped=recording.stopped,
    )
    bench.store.put(run)
    return run


@dataclass(kw_only=True)
class Recording:
    """A run under way, in pieces that end at its checkpoints, and what it has recorded.

    Args:
        session: a worker in which the job's program is open.
        bench: what runs share.
        job: what is run.
        progress: told about every few steps.
        folder: of the predictions, in the scratch space.
        writer: of the trace, None where none is kept.
    """

    session: Session
    bench: Bench
    job: Job
    progress: Progress | None
    folder: str
    writer: TraceWriter | None = None
    losses: list[float] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    curve: list[Measured] = field(default_factory=list)
    seconds: float = 0.0
    begin: float = 0.0
    stopped: str = ""
    undetermined: list[str] = field(default_factory=list)

    def train(self) -> None:
        """Take the steps, and stop where the job's rule says so."""
        job = self.job
        if job.ends:
            self.session.ask("digest_state", self._heard, number=0)
        taken = 0
        if self._looks:
            self._check(taken)
        for stop in sorted({*(step for step in job.checkpoints if step < job.steps), job.steps}):
            self._advance(taken, stop)
            taken = stop
            if self._looks:
                self._check(taken)
            if job.until is not None and taken < job.steps:
                self.stopped = job.until.decided(self.losses, self.curve, job.steps)
            if self.stopped:
                break
        if self.stopped and job.metrics and (not self.measured or self.measured[-1].step != taken):
            self.session.ask(
                "predict", folder=self._path("all"), name=f"predictions/{taken}", validation=f"validation/{taken}"
            )
            self.measured.append(self._metrics(taken))
        if job.ends:
            self.session.ask("digest_state", self._heard, number=taken)

    @property
    def _looks(self) -> bool:
        """Return whether the sample is measured at the checkpoint that has been reached."""
        job = self.job
        reads = job.until is not None and job.until.reads(self.losses, job.steps)
        return bool(job.checkpoints) and (job.curve or reads)

    def _advance(self, first: int, stop: int) -> None:
        epoch_steps = self._epoch_steps()
        ends = range(epoch_steps, stop + 1, epoch_steps) if self.job.epochs else ()
        wanted = {step for step in ends if step > first} | ({stop} if stop == self.job.steps else set())
        measure = sorted(wanted) if self.job.metrics else []
        done = self.session.ask(
            "train", self._heard, steps=stop, first=first, measure=measure, folder=self._path("all"),
            trace=self.job.trace,
        )  # fmt: skip
        self.seconds += done["seconds"]
        self.begin = self.begin or done["begin"]
        self.undetermined = done["undetermined"]

    def _epoch_steps(self) -> int:
        return max(1, self.bench.epoch_steps(self.job.side))

    def _path(self, part: str) -> str:
        return str(self.bench.scratch / self.folder / part)

    def _check(self, step: int) -> None:
        """Record the metrics of the sample."""
        self.session.ask(
            "predict", folder=self._path("sample"), name=f"predictions/{step}", validation=f"validation/{step}",
            most=SAMPLE,
        )  # fmt: skip
        self.curve.append(self._metrics(step, sample=True))

    def _heard(self, event: dict[str, Any]) -> None:
        self.losses.extend(event["losses"])
        if self.writer is not None:
            self.writer.add(event.get("trace", ()))
        if "measured" in event:
            self.measured.append(self._metrics(event["measured"]))
        if self.progress is not None and self.losses:
            self.progress(len(self.losses), self.job.steps, self.losses[-1])

    def _metrics(self, step: int, sample: bool = False) -> Measured:
        predicted = Exchange(self._path("sample" if sample else "all"))
        told = measure_epoch(self.job, self.bench, step, self.losses, predicted, SAMPLE if sample else None)
        for name in ("predictions", "validation"):  # One an epoch: they would fill the memory.
            predicted.drop(f"{name}/{step}")
        return told


def measure_epoch(
    job: Job, bench: Bench, step: int, losses: Sequence[float], predicted: Exchange, most: int | None = None
) -> Measured:
    """Return what is known after a step: its metrics, and how the epoch went up to there.

    Metrics are computed here, with one code for all sides.

    Args:
        job: the run.
        bench: with its data.
        step: number of steps taken.
        losses: of these steps.
        predicted: with the predictions that the weights give after that step, in evaluation mode.
        most: rows that were predicted, evenly spaced; None for all.
    """
    per_epoch = max(1, bench.epoch_steps(job.side))
    epoch = -(-step // per_epoch)
    sets = [("", "predictions", bench.dataset.y)]
    if bench.dataset.y_val is not None:
        sets.append((VALIDATION, "validation", bench.dataset.y_val))
    metrics = {
        f"{prefix}{metric.name}": metric.value(predicted.get(f"{name}/{step}"), targets[evenly(len(targets), most)])
        for prefix, name, targets in sets
        for metric in job.side.measured
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
    return sum(loss * size for loss, size in zip(losses, rows, strict=True)) / sum(rows) if rows else math.nan
