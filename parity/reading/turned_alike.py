"""Rows, and pictures that a model gives, whose channels one of two programs has first and the other last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from parity.code import axes_of
from parity.ops.opaque import Opaque
from parity.ops.permute import Permute
from parity.reading.plainly import channels_moved_last
from parity.spec.graph import graph_of, named

if TYPE_CHECKING:
    from parity.reading.pair_side import PairSide
    from parity.spec.sections import ModelSpec


def turned_alike(sides: Sequence[PairSide]) -> None:
    """Bring a model that reads channels first to channels last where the other one reads the same rows so.

    Args:
        sides: of a pair; the model of one is changed, and that it is given its rows, and gives its ends, otherwise.
    """
    # Of rows of two axes, either may be the other's turned: it is who has layers that read channels first.
    for one, other in sorted((sides, sides[::-1]), key=lambda pair: not _reads_first(pair[0].model)):
        shapes = [[given.shape for given in side.model.named_inputs().values()] for side in (one, other)]
        if any(len(every) != 1 for every in shapes):
            continue
        (mine,), (theirs,) = shapes
        if len(mine) < 2 or mine == theirs or (*mine[1:], mine[0]) != theirs:
            continue
        one.model, one.moved = channels_moved_last(one.model), True
        _turn_end(one, other)
        return


def _reads_first(model: ModelSpec) -> bool:
    """Return whether any layer of a model reads its channels first."""
    return any(op.channels_at() == "channels_first" for op in model.layers)


def _turn_end(one: PairSide, other: PairSide) -> None:
    """Let a model give its channels last where all that it does in the end is to move them first, and the other not.

    Where its targets are such images, too: they are moved with them. So is what is opaque, of which nothing more is
    known.
    """
    ends = [graph_of(named(side.model)).outputs for side in (one, other)]
    last, targets = one.model.layers[-1], one.reading.arrays.get("y")
    rank = len(ends[0][0].shape)
    shape = (*ends[0][0].shape[1:], ends[0][0].shape[0])
    if one.model.outputs or other.model.outputs or targets is None or targets.ndim != rank + 1 or rank < 2:
        return
    if shape != ends[1][0].shape or shape == ends[0][0].shape:
        return
    if isinstance(last, Opaque) and targets.shape[1:] == ends[0][0].shape:  # How its output lies, it does not say.
        one.model = one.model.model_copy(update={"layers": (*one.model.layers[:-1], last.replace(shape=shape))})
        one.ends_moved = True
    elif isinstance(last, Permute) and (0, *last.dims) == axes_of("to_first", rank) and last.said_inputs is None:
        one.model = one.model.model_copy(update={"layers": one.model.layers[:-1]})
        one.ends_moved = True
