"""Probes: a few steps with one difference put in, to see where it strikes first and how strongly."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from parity.errors import ParityError
from parity.explain.contest import Paths
from parity.explain.strikes import PROBE_STEPS, Shapes, Strike, moved, strike
from parity.run.jobs import Job
from parity.run.randomness import batches, steps_per_epoch
from parity.spec import exactness
from parity.spec.resolve import Resolved
from parity.trials.trials import Trials

WATCHED: dict[str, Any] = {"steps": PROBE_STEPS, "precision": "float64", "trace": True}

WAYS: dict[str, dict[str, Any]] = {
    "watched in float64": WATCHED,
    "watched in float32": WATCHED | {"precision": "float32"},
    # A step that is watched is not compiled: what one step has moved is looked at.
    "not watched": {"steps": 1, "precision": "float32", "trace": False, "ends": True},
}
"""How a probe is made, and the good side's beside it."""

WAY_OF = {f"numerics.{field}": "watched in float32" for field in exactness.HIDDEN} | {"numerics.compile": "not watched"}
"""How that of a difference is made which the first way does not show."""


def way_of(path: str) -> str:
    """Return how the probe of a difference is made."""
    return WAY_OF.get(path, "watched in float64")


def probes(trials: Trials) -> dict[str, Strike]:
    """Return where each live difference strikes, put alone into the good side; all start from the good side's seed.

    A difference that cannot stand alone, or whose probe fails, is left out.

    Args:
        trials: the contest, the framework and the workers.

    Raises:
        ParityError: when the good side itself fails.
    """
    contest, runner = trials.contest, trials.runner
    jobs: dict[str, Job] = {}
    bases: dict[str, Job] = {}
    for one in contest.live:
        way = way_of(one.path)
        if way not in bases:
            bases[way] = _job(trials, frozenset(), way)
        try:
            jobs[one.path] = _job(trials, frozenset({one.path}), way)
        except ParityError:
            continue  # It cannot stand alone; the search will say so of the sets it cannot try.
    trials.note(f"explaining: where {len(jobs)} differences strike first, {PROBE_STEPS} steps each", 0.05)
    futures = {path: runner.start(job) for path, job in {**bases, **jobs}.items()}
    starts = {way: runner.work.bench(base.side).store.read(futures[way].result().key) for way, base in bases.items()}
    found: dict[str, Strike] = {}
    for one in contest.live:
        base, first = bases[way_of(one.path)], starts[way_of(one.path)]
        if not first:
            continue  # Damaged since it was made: where a difference strikes is not known, and all else is.
        try:
            run = futures[one.path].result()
            trace = runner.work.bench(jobs[one.path].side).store.read(run.key)
        except (KeyError, ParityError):
            continue  # Not looked at: nothing is known of it.
        if not trace:
            continue
        side = jobs[one.path].side
        found[one.path] = strike(
            first, trace, (_shapes(base.side), _shapes(side)), (_trained(base.side), _trained(side)),
            _other_batch(trials, base.side, side),
        )  # fmt: skip
    return found


def end_share(trials: Trials, paths: Paths) -> float | None:
    """Return the share of all that training moved that a set changes; None where a run was not made to its end."""
    seed = trials.seeds[0]
    runs = [trials.runs.get((one, seed)) for one in (frozenset[str](), paths)]
    traces, sides = [], []
    for one, run in zip((frozenset[str](), paths), runs, strict=True):
        if run is None:
            return None
        job = trials.job(one, seed)
        side = job.side
        if len(run.losses) < job.steps:
            return None
        trace = trials.runner.work.bench(side).store.read(run.key)
        if not trace:
            return None
        traces.append(trace)
        sides.append(side)
    return moved(traces[0], traces[1], _trained(sides[0]), _trained(sides[1]), steps=1).share


def _job(trials: Trials, paths: Paths, way: str) -> Job:
    """Return the job of a probe: a few steps, made in one of the ``WAYS``."""
    side, program = trials.placed(paths, trials.seeds[0])
    return Job(side=side, program=program, threads=1, metrics=False, **WAYS[way])


def _shapes(side: Resolved) -> Shapes:
    return {name: parameter.shape for name, parameter in side.parameters().items()}


def _trained(side: Resolved) -> Shapes:
    return {name: parameter.shape for name, parameter in side.parameters().items() if parameter.trainable}


def _rows(trials: Trials, side: Resolved) -> Iterator[np.ndarray]:
    training = side.config.training
    rows = len(trials.runner.work.dataset(side).x)
    return batches(training.seed, rows, training.batch_size, training.shuffle, training.drop_remainder)


def _other_batch(trials: Trials, a: Resolved, b: Resolved) -> tuple[int, str] | None:
    """Return the first step, counted from 1, in which two configs read another batch, and the first array that differs.

    None where they never do.
    """
    work = trials.runner.work
    one, other = work.dataset(a), work.dataset(b)
    if one is not other:
        pairs = {"x": (one.x, other.x), "y": (one.y, other.y)}
        if one.weights is not None and other.weights is not None:
            pairs["sample_weights"] = one.weights, other.weights
        for name, (mine, theirs) in pairs.items():
            if not np.array_equal(mine, theirs):
                return 1, name
    if a.config.training == b.config.training:
        return None
    training = a.config.training
    epoch = steps_per_epoch(len(one.x), training.batch_size, training.drop_remainder)
    both = zip(_rows(trials, a), _rows(trials, b), strict=False)
    for number, (mine, theirs) in enumerate(itertools.islice(both, min(trials.steps, epoch + 1)), 1):
        if not np.array_equal(mine, theirs):
            return number, "x"
    return None
