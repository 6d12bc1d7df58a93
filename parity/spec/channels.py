"""Telling where the channels of a row stand from its shape, and bringing them last, where every layer reads them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from parity.entries import Shape

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


def brought_last(shape: Shape, transpose: Sequence[int] | None) -> dict[str, Any]:
    """Return the paths and values that bring the first axis of a row last.

    Args:
        shape: of a row, as the model is told.
        transpose: that the data have so far.

    >>> brought_last((3, 32, 32), None)
    {'model.input': [32, 32, 3], 'data.transpose': [1, 2, 0]}
    """
    order = [*range(1, len(shape)), 0]
    return {"model.input": [shape[axis] for axis in order], "data.transpose": composed(transpose, order)}


def composed(transpose: Sequence[int] | None, order: Sequence[int]) -> list[int]:
    """Return the one order that does what a first and then a second one do."""
    return [transpose[axis] if transpose is not None else axis for axis in order]


def fix(shape: Shape, transpose: Sequence[int] | None) -> str:
    """Return what to set where the first axis of a row looks like its channels; an empty string where it does not."""
    if not looks_first(shape):
        return ""
    told = " and ".join(f"{path}: {value}" for path, value in brought_last(shape, transpose).items())
    return (
        f"axis 0 of model.input {list(shape)} looks like the {shape[0]} channels, and layers read channels last: "
        f"set {told}"
    )


def reordering(given: Shape, wanted: Shape) -> list[int] | None:
    """Return an order of axes that makes one shape of another, the first axis moved last if that does; None if none."""
    if sorted(given) != sorted(wanted):
        return None
    rank = len(given)
    likely = [[*range(1, rank), 0], [rank - 1, *range(rank - 1)]]
    orders = [*likely, *map(list, itertools.permutations(range(rank)))]
    return next(order for order in orders if tuple(given[axis] for axis in order) == tuple(wanted))
