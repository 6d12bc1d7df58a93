"""A sum over the rows of a batch that is divided by as many, and a mean of them: one form, the mean.

``criterion(model(xb), yb) / len(xb)`` with ``reduction="sum"`` is read as a sum that counts one over the rows of a
batch. Of batches of one size that is the mean; a smaller one at the end of an epoch has another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from parity.losses.crossentropies import CrossEntropy
from parity.losses.elementwise import Elementwise
from parity.reading.one_form import put_losses
from parity.rows import training_rows
from parity.spec.graph import graph_of, named
from parity.spec.per_output import each_loss

if TYPE_CHECKING:
    from parity.losses import Loss
    from parity.reading.pair_side import PairSide
    from parity.spec.sections import Spec, TrainingSpec

CLOSE = 1e-9
"""Share by which what a sum counts, times the rows, may miss what the mean counts: the rounding of the division."""


def summed_alike(sides: Sequence[PairSide], specs: list[Spec]) -> list[str]:
    """Say the sums of one program as means, where the other has a mean and every batch as many rows.

    Args:
        sides: of a pair; the loss of one that sums is changed.
        specs: of both readings; so is it there.

    Returns:
        What was said in another way, in sentences.
    """
    notes: list[str] = []
    for number, (side, other) in enumerate((sides, sides[::-1])):
        mine, theirs = (each_loss(specs[at].loss) for at in (number, 1 - number))
        at = 1 - number if side.reading.made_up else number  # Who brings no data learns from the other's.
        batch = _batch(sides[at].reading.arrays, specs[at].data.validation_split, specs[number].training)
        means = {} if batch is None else {
            name: mean for name, one in mine.items()
            if name in theirs and (mean := _as_mean(one, theirs[name], side, name, batch)) is not None
        }  # fmt: skip
        if not means:
            continue
        put_losses(side, specs, number, mine | means)
        notes += [
            f"{side.name} sums its loss{f' of {name}' if name else ''} over the {batch} rows of each batch and divides "
            f"by as many, {other.name} takes the mean: the same loss."
            for name in means
        ]
    return notes


def _batch(arrays: Mapping[str, Any], validation_split: float, training: TrainingSpec) -> int | None:
    """Return how many rows every batch of a program has; None where they have not all as many."""
    rows = training_rows(len(next(iter(arrays.values()))), validation_split)
    return training.batch_size if training.drop_remainder or rows % training.batch_size == 0 else None


def _as_mean(loss: Loss, other: Loss, side: PairSide, output: str, batch: int) -> Loss | None:
    """Return a sum as the mean that it comes to; None where it is none, or counts otherwise than the other's mean."""
    if loss.kind != other.kind or other.reduction != "mean" or loss.ignored is not None:
        return None
    graph = graph_of(named(side.model))
    end = graph.by_name[side.model.outputs[output] if output else graph.layers[-1].name]
    if end.gives_mask is not None:  # The mean is over the steps that count, however many there are.
        return None
    shape = end.output_shape
    if isinstance(loss, Elementwise):
        if "stretch" in (loss.broadcast, vars(other)["broadcast"]):  # Of all pairs, which are more.
            return None
        counted = {"sum": math.prod(shape), "sum_over_rows": math.prod(shape[:-1])}
    elif isinstance(loss, CrossEntropy):
        counted = {"sum": math.prod(shape[:-1])}
    else:
        return None
    if loss.reduction not in counted:
        return None
    weight = loss.weight * batch * counted[loss.reduction]
    if not math.isclose(weight, other.weight, rel_tol=CLOSE):
        return None
    rows = {"divisor": "rows"} if "divisor" in type(loss).model_fields else {}
    return loss.replace(reduction="mean", weight=other.weight, **rows)
