"""Schedules of two programs in one form, where both give every step of the run the same rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parity.lazy import np
from parity.reading.drawn_by import EXACT
from parity.rows import training_rows
from parity.run.epochs import of_steps
from parity.run.randomness import steps_per_epoch
from parity.schedules import Schedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parity.spec.sections import Spec

MOST = 4_000
"""Steps whose rates are worked out: all up to so many, else so many of them evenly, and those where epochs begin."""

SMALL = 1e-3
"""Share of the largest rate below which one is next to none, as at the end of a cosine."""


def rates_alike(specs: list[Spec], rows: int, names: Sequence[str]) -> list[str]:
    """Bring the second program's schedule to the first's form, where both give every step of the run the same rate.

    Of ``StepLR(optimizer, 4)`` at the end of every epoch, and ``ExponentialDecay(rate, 4 * batches, 0.1, staircase)``.

    Args:
        specs: of both readings; the second's optimizer is changed.
        rows: that they read, those to validate on among them.
        names: of the sides.

    Returns:
        What was two forms of one thing, in sentences.
    """
    mine, theirs = (one.optimizer.learning_rate for one in specs)
    if not isinstance(mine, Schedule) or not isinstance(theirs, Schedule) or mine == theirs:
        return []
    epochs = [_epoch(one, rows) for one in specs]
    if epochs[0] != epochs[1] or not epochs[0]:
        return []
    steps = _some(epochs[0], max(one.training.epochs for one in specs))
    rates, others = (np.array([of_steps(one, epochs[0]).rate(step) for step in steps]) for one in (mine, theirs))
    if not np.allclose(rates, others, rtol=EXACT, atol=EXACT * SMALL * np.max(rates)):
        return []
    specs[1] = specs[1].model_copy(update={"optimizer": specs[1].optimizer.replace(learning_rate=mine)})
    ways = [f"{name} says its schedule as {one.kind}" for name, one in zip(names, (mine, theirs), strict=True)]
    said = " and ".join(ways) if mine.kind != theirs.kind else "They say their schedule in two ways"
    return [f"{said}: every step of the run has the same rate."]


def _some(epoch: int, epochs: int) -> list[int]:
    """Return the steps whose rates are worked out."""
    steps = epoch * epochs
    if steps <= MOST:
        return list(range(steps))
    begun = (step + near for step in range(epoch, steps, epoch) for near in (-1, 0))
    return sorted({*np.linspace(0, steps - 1, MOST).astype(int).tolist(), *begun})


def _epoch(spec: Spec, rows: int) -> int:
    """Return how many updates an epoch has."""
    training = spec.training
    kept = training_rows(rows, spec.data.validation_split)
    return steps_per_epoch(kept, training.batch_size, training.drop_remainder)
