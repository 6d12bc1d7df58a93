"""Telling where the channels of a row stand from its shape, and bringing them to where the layers read them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from parity.entries import Shape
from parity.ops import Op
from parity.ops.windows import DataFormat

MOST = 4
"""Channels that a raw input may have to look like one: grey, a pair, colours, colours with transparency."""

LEAST = 8
"""Length from which the other axes look like places rather than channels."""

ROW = 16
"""For rows of two axes, which could be a few steps of many features, the other axis is to be at least so long."""


def looks_first(shape: Shape) -> bool:
    """Return whether the first axis of a row looks like its channels.

    >>> looks_first((3, 32, 32)), looks_first((32, 32, 3)), looks_first((3, 64)), looks_first((10, 300))
    (True, False, True, False)
    """
    if len(shape) < 2 or shape[0] > MOST or min(shape[1:]) < LEAST:
        return False
    return len(shape) > 2 or shape[1] >= max(ROW, LEAST * shape[0])


def read_by(layers: Iterable[Op]) -> DataFormat:
    """Return where the first layer that says so reads the channels; last if none does."""
    return next((said for op in layers if (said := op.channels_at()) is not None), "channels_last")


def misplaced(shape: Shape, read: DataFormat) -> bool:
    """Return whether the channels of a row look as if they stood at the other end than where they are read.

    >>> misplaced((3, 32, 32), "channels_last"), misplaced((32, 32, 3), "channels_first")
    (True, True)
    """
    return looks_first(shape if read == "channels_last" else (shape[-1], *shape[:-1]))


def put_right(shape: Shape, read: DataFormat, transpose: Sequence[int] | None) -> dict[str, Any]:
    """Return the paths and values that bring misplaced channels where they are read.

    Args:
        shape: of a row, as the model is told.
        read: where the layers read channels.
        transpose: that the data have so far.

    >>> put_right((3, 32, 32), "channels_last", None)
    {'model.input': [32, 32, 3], 'data.transpose': [1, 2, 0]}
    """
    last = len(shape) - 1
    order = [*range(1, last + 1), 0] if read == "channels_last" else [last, *range(last)]
    return {"model.input": [shape[axis] for axis in order], "data.transpose": composed(transpose, order)}


def composed(transpose: Sequence[int] | None, order: Sequence[int]) -> list[int]:
    """Return the one order that does what a first and then a second one do."""
    return [transpose[axis] if transpose is not None else axis for axis in order]


def fix(shape: Shape, read: DataFormat, transpose: Sequence[int] | None) -> str:
    """Return what to set where channels look misplaced, an empty string where they do not; arguments as above."""
    if not misplaced(shape, read):
        return ""
    axis, other = (0, "channels_first") if read == "channels_last" else (len(shape) - 1, "channels_last")
    told = " and ".join(f"{path}: {value}" for path, value in put_right(shape, read, transpose).items())
    return (
        f"axis {axis} of model.input {list(shape)} looks like the {shape[axis]} channels, and layers read {read}: "
        f"set {told}; or data_format: {other} in the layers that have it"
    )


def reordering(given: Shape, wanted: Shape) -> list[int] | None:
    """Return an order of axes that makes one shape of another, the first axis moved last if that does; None if none."""
    if sorted(given) != sorted(wanted):
        return None
    rank = len(given)
    likely = [[*range(1, rank), 0], [rank - 1, *range(rank - 1)]]
    orders = [*likely, *map(list, itertools.permutations(range(rank)))]
    return next(order for order in orders if tuple(given[axis] for axis in order) == tuple(wanted))
