"""Terms that layers add to the loss by themselves, and the same in a loss function: one, wherever they are computed.

Keras's ``add_loss`` within a layer that is opaque shows nothing of what it is computed of; a loss function that is
opaque, too, is given these layers' outputs beside the prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from parity.losses.opaque import Opaque
from parity.reading.one_form import put_losses
from parity.spec.per_output import each_loss

if TYPE_CHECKING:
    from parity.reading.pair_side import PairSide
    from parity.spec.sections import Spec

ADDED = ".add_loss"
"""How the name ends of what a layer adds to an opaque loss."""


def added_alike(sides: Sequence[PairSide], specs: list[Spec]) -> None:
    """Let two opaque losses read the same layers, where one of them is added to by a layer within the model.

    Args:
        sides: of a pair, whose layers have one another's names; their losses are changed.
        specs: of both readings; so are the losses there.
    """
    losses = [each_loss(one.loss).get("") for one in specs]
    read = [one.loss or one.reading.spec["loss"] for one in sides]
    if not all(isinstance(one, Opaque) for one in losses) or not any(ADDED in one["opaque"]["what"] for one in read):
        return
    every = sorted({name for one in read for name in one["opaque"].get("reads", ())})
    if any(name not in {str(op.name) for op in side.model.layers} for name in every for side in sides):
        return
    for number, (side, loss) in enumerate(zip(sides, losses, strict=True)):
        if loss is not None:
            put_losses(side, specs, number, {"": loss.replace(reads=tuple(every))})
