"""Weights of classes in the loss of one program, and weights of rows in the other: both as weights of rows.

``fit(class_weight=...)`` and ``nn.CrossEntropyLoss(weight=...)`` look up what a row counts by its class;
``(losses * w).mean()`` and ``fit(sample_weight=w)`` are told. By rows they are one thing, and whether a mean is divided
by the rows or by the sum of their weights is the loss's ``reduction``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from parity.lazy import np
from parity.losses.crossentropies import OfClasses
from parity.losses.reducing import OVER_WEIGHTS
from parity.reading.one_form import put_losses
from parity.reading.prepared import alike
from parity.reading.same_rows import WEIGHTS, class_numbers, laid
from parity.spec.per_output import each_loss

if TYPE_CHECKING:
    from parity.reading.pair_side import PairSide
    from parity.spec.sections import Spec


def weighed_alike(sides: Sequence[PairSide], specs: list[Spec]) -> list[str]:
    """Say the weights of classes of one program as those of its rows, where the other weighs its rows.

    Args:
        sides: of a pair; loss and arrays of the one that weighs classes are changed, weights that are the same to
            float32 are those of the classes in both.
        specs: of both readings; so is the loss there.

    Returns:
        What was said in another way, in sentences.
    """
    if any(one.reading.made_up or one.reading.redrawn for one in sides):
        return []
    rows: list[dict[str, Any]] = [laid(one) for one in sides]
    weighs = [WEIGHTS in one for one in rows]
    losses = [each_loss(one.loss) for one in specs]
    if weighs[0] == weighs[1] or any(set(one) != {""} for one in losses):
        return []
    at = weighs.index(False)
    side, other, loss, theirs = sides[at], sides[1 - at], losses[at][""], losses[1 - at][""]
    numbers = class_numbers(rows[at]["y"])
    plain = theirs.ignored is None and getattr(theirs, "class_weight", None) is None
    if not isinstance(loss, OfClasses) or loss.class_weight is None or loss.ignored is not None or not plain:
        return []
    if numbers is None or not numbers.size or not 0 <= numbers.min() <= numbers.max() < len(loss.class_weight):
        return []
    weights, given = np.array(loss.class_weight)[numbers], rows[1 - at][WEIGHTS]
    side.instead[WEIGHTS], count = weights, min(len(weights), len(given))
    same = alike(weights[:count], given[:count])
    if same:
        other.instead[WEIGHTS] = np.concatenate([weights[:count], given[count:]])
    over = OVER_WEIGHTS if loss.over_weights() else loss.reduction
    put_losses(side, specs, at, {"": loss.replace(class_weight=None, divisor="rows", reduction=over)})
    told = f"{side.name} weighs its classes in its loss, {other.name} its rows"
    return [f"{told}: what a row counts is the same." if same else f"{told}, which count otherwise."]
