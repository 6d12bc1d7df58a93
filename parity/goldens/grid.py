"""States that two runs make alike, bit for bit, though their numbers differ by rounding.

A step can only be held against a recorded one where both start from the same state. To keep every state would take all
of its bytes at every step. Instead, both runs round the state before each step to a grid that is far coarser than
rounding errors: almost every number of both then falls into the same cell. Of the few that lie so near to a border that
rounding could carry them across, the record says on which side they are. What a number becomes is exact, so the states
are equal in every bit, which a checksum shows; steps start from the same state although none was kept.

The grid of a tensor is made of what rounding can do to it: its cells are ``CELL`` times as wide as the largest error
that the noise rule lets pass, so one number in ``CELL / 2`` is written down. A tensor that is nothing but rounding, the
slot of a bias ahead of a batch norm say, is washed away by that, as it should be.

Only the standard library and NumPy.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, field

import numpy as np

CELL = 2**14
"""Width of a cell, in errors that the noise rule lets pass."""

UPPER = 0.6204567
"""Where a cell ends above its number, in widths: a slot that only decays is 0.9 or 0.999 times a multiple of the width,
and would end on a border in the middle between two cells."""

LEAST = 2.0**-50
"""Error, relative to a tensor's largest number, that any tensor is allowed: a few units of roundoff."""

COARSE = 2.0**-6
"""Cells wider than this share of the tensor's root mean square would change what it means."""

WHOLE = 1 << 16
"""Elements up to which a tensor whose cells would be too wide is kept as it is."""


def _no_places() -> np.ndarray:
    return np.zeros(0, np.uint32)


def _no_sides() -> np.ndarray:
    return np.zeros(0, bool)


@dataclass(frozen=True, kw_only=True)
class Cells:
    """How a tensor of a state is made again.

    Args:
        width: of a cell, a power of two; 0 where the numbers are taken as they are: all of them whole.
        upward: numbers become their cell's upper border, so that none of a tensor without negative ones is 0: an
            optimizer divides by the root of it.
        places: flat indices of the numbers that lie near a border.
        above: whether each of these is above it.
        values: all numbers, of a tensor that is kept as it is; None for the others.
        checksum: of the bytes that the numbers become.
    """

    width: float
    upward: bool = False
    places: np.ndarray = field(default_factory=_no_places)
    above: np.ndarray = field(default_factory=_no_sides)
    values: np.ndarray | None = None
    checksum: int = 0


def cells_of(value: np.ndarray, error: float, keep: bool = False) -> tuple[Cells, np.ndarray]:
    """Return how a tensor is made again, and what it becomes.

    Args:
        value: the tensor, float64.
        error: the largest error of any of its numbers that the noise rule lets pass.
        keep: keep all numbers as they are, whatever their count.
    """
    finite = np.isfinite(value)
    known = value[finite]
    largest = float(np.abs(known).max(initial=0.0))
    if not keep and largest < 2.0**53 and bool(np.all(known == np.rint(known))):
        found = _exactly(value)
        return Cells(width=0.0, checksum=_checksum(found)), found
    error = max(error, LEAST * largest)
    width = math.ldexp(1.0, max(-1000, min(1000, math.frexp(error * CELL)[1]))) if math.isfinite(error) else math.inf
    mean = float(np.sqrt(np.mean((known / largest) ** 2))) * largest if largest else 0.0
    if keep or (width > COARSE * mean and value.size <= WHOLE) or math.isinf(width):
        found = _exactly(value)
        return Cells(width=width if math.isfinite(width) else 0.0, values=found, checksum=_checksum(found)), found
    upward = bool(largest) and bool((known >= 0.0).all())
    cell, border = _cells(value, width)
    with np.errstate(invalid="ignore"):
        near = np.flatnonzero(np.abs(value.reshape(-1) / width + 1.0 - UPPER - border) * width <= error)
    found = _rounded(value, cell, width, upward)
    cells = Cells(
        width=width, upward=upward, places=near.astype(np.uint32), above=cell[near] >= border[near],
        checksum=_checksum(found),
    )  # fmt: skip
    return cells, found


def made_again(cells: Cells, value: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return what a tensor of another run becomes, and whether that is what the recorded one became.

    Args:
        cells: of the recorded tensor.
        value: the other run's, float64.
    """
    if cells.values is not None:
        same = cells.values.shape == value.shape
        return (cells.values if same else _exactly(value)), same
    if cells.width == 0.0:
        found = _exactly(value)
        return found, _checksum(found) == cells.checksum
    if len(cells.places) and int(cells.places.max()) >= value.size:
        return _exactly(value), False
    cell, border = _cells(value, cells.width)
    cell[cells.places] = border[cells.places] - np.where(cells.above, 0.0, 1.0)
    found = _rounded(value, cell, cells.width, cells.upward)
    return found, _checksum(found) == cells.checksum


def _cells(value: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell of each number, around whole multiples of the width, and the one above its nearest border."""
    with np.errstate(invalid="ignore", over="ignore"):
        share = value.reshape(-1) / width + (1.0 - UPPER)
        return np.floor(share), np.rint(share)


def _rounded(value: np.ndarray, cell: np.ndarray, width: float, upward: bool) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        return _exactly(((cell + UPPER if upward else cell) * width).reshape(value.shape))


def _exactly(value: np.ndarray) -> np.ndarray:
    """Return a tensor in which equal numbers have equal bits: one zero, one NaN."""
    return np.where(np.isnan(value), np.nan, value + 0.0)


def _checksum(value: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(value).tobytes(), zlib.crc32(repr(value.shape).encode()))
