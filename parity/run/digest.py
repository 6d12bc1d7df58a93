"""Digests: what is kept of a tensor when the tensor itself is not.

A digest is the norm and 16 projections on fixed random signs. Projecting is linear, so the projections of a - b are
the difference of the projections, and their root mean square estimates norm(a - b): two tensors that were never in
memory together can be compared, and an update is the difference of the weights' digests.

Signs are drawn for every axis and multiplied: s[i, j, ...] = s_0[i] s_1[j] .... A tensor can then be projected as it
lies in a framework's memory, channels first or last, kernel transposed or not, by one matrix product over the axes that
run fastest; the digest is that of the canonical tensor.

How good the estimate is, over 4000 draws: for a - b spread over many elements within a factor 2 in 99.8 %, never below
a third; for an outer product of two vectors within a factor 2 in 96 %, never below a fifth; of four vectors, the worst
kind a convolution kernel has, in 71 %, and below a tenth once in a thousand. A difference in a single element is exact.

Summing rounds too: digests of equal tensors that lie otherwise in memory differ by up to ``RESOLUTION`` units of
roundoff; those of equal tensors that lie alike are equal bit for bit, whatever the number of threads.
Source: Achlioptas, Database-friendly random projections (2003); tensor products of signs: Rakhshan and Rabusseau,
Tensorized random projections (2020).

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache, partial

import numpy as np

from parity.run import randomness
from parity.run.threads import Threads, at_once

PROJECTIONS = 16
"""Numbers kept of each tensor beside its norm."""

RECORD = np.dtype([("norm", "f8"), ("projections", "f8", PROJECTIONS)])
"""One digest: 136 bytes."""

RUN = 64
"""Elements that a row of the matrix product spans at least, where the tensor has them."""

RESOLUTION = 64.0
"""Units of roundoff, relative to the norm, below which two digests say nothing."""

TILE = 48 * 1024
"""Elements of one product over rows of at least ``LONG``: OpenBLAS multiplies matrices as small as that without packing
them first, which takes two thirds of the time."""

LONG = 1024

BLOCK = 6 * TILE
"""Elements projected at once: they stay in the cache between the two sums that read them."""

PIECE = 2048
"""Elements of a row that one product sums: over a longer sum rounding would grow beyond ``RESOLUTION``."""

SHARED = 4 * BLOCK
"""Elements from which on threads share a tensor."""

SMALL = 1e-280
"""A float64 sum of squares below this has lost digits, or all of them."""

SAFE = (1e-15, 1e15)
"""Projections of a float32 block between which its squares, of at most ``BLOCK`` elements, are float32 numbers. Others
are squared in float64: as subnormal numbers they would be wrong, and take ten times as long."""


@lru_cache(maxsize=512)
def signs(axis: int, length: int, dtype: str) -> np.ndarray:
    """Return the signs of an axis, (length, ``PROJECTIONS``), each -1 or 1.

    Args:
        axis: number of the axis in the canonical tensor.
        length: of the axis; a longer one begins as a shorter one does.
        dtype: of the signs.
    """
    words = randomness.raw(0, randomness.DIGEST, axis, 0, -(-length * PROJECTIONS // 64))
    bits = np.unpackbits(words.astype("<u8").view(np.uint8), count=length * PROJECTIONS, bitorder="little")
    return (bits.reshape(length, PROJECTIONS) * 2.0 - 1.0).astype(dtype)


@lru_cache(maxsize=512)
def joint_signs(axes: tuple[tuple[int, int], ...], dtype: str) -> np.ndarray:
    """Return the signs of several axes taken together, in the order in which they lie."""
    found = np.ones((1, PROJECTIONS), dtype)
    for axis, length in axes:
        found = (found[:, None, :] * signs(axis, length, dtype)).reshape(-1, PROJECTIONS)
    return found


def split_rows(shape: Sequence[int]) -> tuple[int, int]:
    """Return how many axes, from the slowest on, count the rows of the matrix product, and how long a row is."""
    split, run = len(shape), 1
    while split and run < RUN:
        split -= 1
        run *= shape[split]
    return split, run


def digest(value: np.ndarray, axes: Sequence[int] | None = None) -> np.ndarray:
    """Return the digest of a tensor as a ``RECORD`` scalar, summed in the tensor's own precision, then in float64.

    Args:
        value: the tensor as it lies in memory, float32 or float64.
        axes: number of the canonical axis that each of its axes is; None where both are the same.
    """
    value = np.atleast_1d(value)
    known = list(zip(axes or range(value.ndim), value.shape, strict=True))
    if not value.flags.c_contiguous:
        # PyTorch's channels-last tensors and transposed kernels: read in the order in which they lie.
        order = sorted(range(value.ndim), key=lambda axis: -abs(value.strides[axis]))
        value, known = value.transpose(order), [known[axis] for axis in order]
        value = np.ascontiguousarray(value)
    if value.dtype not in (np.float32, np.float64):
        value = value.astype(np.float64)
    dtype = value.dtype.str
    split, run = split_rows(value.shape)
    rows = value.reshape(-1, max(run, 1)) if value.size else value.reshape(0, 1)
    left, right = _left(tuple(known[:split]), rows.shape[0], dtype), joint_signs(tuple(known[split:]), dtype)
    found = np.zeros((), RECORD)
    projections, square, step = np.zeros(PROJECTIONS), 0.0, max(1, BLOCK // rows.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        for projected, squared in _blocks(rows, left, right, step):
            projections += projected
            square += squared
    zero = square == 0.0 and value.dtype == np.float32  # Where no square is lost.
    usual = not value.size or zero or SMALL < square < np.inf
    found["norm"], found["projections"] = np.sqrt(square) if usual else _norm(value), projections
    return found


def digests(tensors: Sequence[tuple[np.ndarray, Sequence[int] | None]]) -> list[np.ndarray]:
    """Return the :func:`digest` of each tensor; threads share every large one, and deal the small ones among them.

    Args:
        tensors: with the number of the canonical axis that each axis is, as :func:`digest` takes them.
    """
    found: list[np.ndarray] = [np.empty(0)] * len(tensors)
    order = sorted(range(len(tensors)), key=lambda index: -tensors[index][0].size)

    def take(indices: Iterable[int]) -> None:
        for index in indices:
            found[index] = digest(*tensors[index])

    take(index for index in order if tensors[index][0].size >= SHARED)
    small = iter([index for index in order if tensors[index][0].size < SHARED])
    at_once([partial(take, small)] * Threads.count)  # Each takes the next one when it has done with its own.
    return found


def _blocks(rows: np.ndarray, left: np.ndarray, right: np.ndarray, step: int) -> list[tuple[np.ndarray, float]]:
    """Return the projections and the sum of squares of each block of rows, in order; threads share many blocks."""
    starts = range(0, rows.shape[0], step)
    if Threads.count == 1 or rows.size < SHARED:
        return _sums(rows, left, right, starts, step)
    share = -(-len(starts) // Threads.count)
    parts = [starts[first : first + share] for first in range(0, len(starts), share)]
    return [one for sums in at_once([partial(_sums, rows, left, right, part, step) for part in parts]) for one in sums]


def _sums(
    rows: np.ndarray, left: np.ndarray, right: np.ndarray, starts: Sequence[int], step: int
) -> list[tuple[np.ndarray, float]]:
    """Return the projections and the sum of squares of the blocks that begin at some rows."""
    found = []
    with np.errstate(over="ignore", invalid="ignore"):
        for start in starts:
            block = rows[start : start + step]
            part = _product(block, right)
            part *= left[start : start + step]
            # Along contiguous memory NumPy sums in pairs; down the rows it would add one after another.
            projected = np.ascontiguousarray(part.T).sum(axis=1, dtype=np.float64)
            flat = block.reshape(-1)
            if flat.dtype == np.float32 and not SAFE[0] < np.abs(projected).max() < SAFE[1]:
                flat = flat.astype(np.float64)
            found.append((projected, float(flat @ flat)))
    return found


def _product(block: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the projections of rows, long ones summed in pieces and the pieces in float64."""
    length = block.shape[1]
    if length <= PIECE:
        return _tiled(block, right)
    found = np.zeros((len(block), PROJECTIONS))
    for start in range(0, length, PIECE):
        found += _tiled(block[:, start : start + PIECE], right[start : start + PIECE])
    return found


def _tiled(block: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return ``block @ right``, a few rows at a time where they are long."""
    count, length = block.shape
    tile = TILE // length
    whole = count - count % tile if tile else 0
    if length < LONG or not whole:
        return block @ right
    found = np.empty((count, PROJECTIONS), block.dtype)
    tiles = block[:whole].reshape(-1, tile, length)  # A view, of pieces of rows too.
    np.matmul(tiles, right, out=found[:whole].reshape(-1, tile, PROJECTIONS))
    if whole < count:
        np.matmul(block[whole:], right, out=found[whole:])
    return found


def _norm(value: np.ndarray) -> float:
    """Return the norm of a tensor whose squares are too large or too small for its precision."""
    largest = float(np.abs(value).max())
    if not 0.0 < largest < np.inf:
        return largest
    scaled = value.reshape(-1).astype(np.float64) / largest
    return largest * float(np.sqrt(scaled @ scaled))


def _left(axes: tuple[tuple[int, int], ...], rows: int, dtype: str) -> np.ndarray:
    # The signs of the slow axes are large for large tensors, and kept only while they are small.
    return (joint_signs if rows <= 1 << 16 else joint_signs.__wrapped__)(axes, dtype)


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """Return the estimate of norm(a - b) / norm(a) from two digests.

    0 where all numbers of both are equal, infinity where a is zero and b is not, or where one is not finite.

    Args:
        a: digest of the reference side's tensor.
        b: of the other side's.
    """
    if a.tobytes() == b.tobytes():
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        distance = _estimate(a["projections"] - b["projections"])
    norm = float(a["norm"])
    if not (np.isfinite(distance) and np.isfinite(norm) and np.isfinite(b["norm"])):
        return float("inf")
    if norm == 0.0:
        return 0.0 if float(b["norm"]) == 0.0 else float("inf")
    return distance / norm


def _estimate(projections: np.ndarray) -> float:
    """Return the root mean square, in which no square is lost."""
    largest = float(np.abs(projections).max())
    if not 0.0 < largest < np.inf:
        return largest
    scaled = projections / largest
    return largest * float(np.sqrt(np.mean(scaled * scaled)))


def minus(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the digest of a - b, its norm estimated: of an update, from the weights after and before it.

    Args:
        a: a digest.
        b: another one.
    """
    found = np.zeros((), RECORD)
    found["projections"] = a["projections"] - b["projections"]
    found["norm"] = _estimate(found["projections"])
    return found
