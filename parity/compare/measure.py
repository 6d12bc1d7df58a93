"""How far apart two tensors are, and where most."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from parity.rows import numbers_of

CHUNK = 1 << 20
"""Elements compared at once: a tensor of gigabytes then needs no second one."""

SMALL = 1e-280
"""Sums of squares below this have lost digits, or all of them: numbers below 1e-154 square to 0."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """How two tensors differ.

    Args:
        difference: norm(a - b) / norm(a).
        finite: whether every element of a is finite.
        element: index of the element that differs most, None where all are equal or the shapes differ.
        values: the two values there.
    """

    difference: float
    finite: bool
    element: tuple[int, ...] | None = None
    values: tuple[float, float] | None = None


def counted(values: np.ndarray, targets: np.ndarray, ignored: int) -> np.ndarray:
    """Return predictions with zeros where no loss counts them.

    Args:
        values: (N, ..., C), or of any other shape, which is left alone.
        targets: (N, ..., C), rows of a class or, throughout, of a number that is none.
        ignored: number of the targets that count for nothing.
    """
    if values.shape != targets.shape:
        return values
    return np.where((numbers_of(targets) == ignored)[..., None], 0.0, values)


def relative_difference(a: np.ndarray, b: np.ndarray) -> float:
    """Return norm(a - b) / norm(a), in float64.

    0 if and only if all elements are equal, NaN equal to NaN and -0 to 0; infinity where ``a`` is zero and ``b``
    is not, where the shapes differ, or where one is finite and the other is not.

    Args:
        a: the reference side's tensor.
        b: the other side's.
    """
    return compare(a, b)[0]


def relative_gap(a: float, b: float) -> float:
    """Return abs(a - b) / abs(a) for two scalars, by the rules of :func:`relative_difference`."""
    return relative_difference(np.array([a], dtype=np.float64), np.array([b], dtype=np.float64))


def gap(a: np.ndarray, b: np.ndarray) -> Gap:
    """Return how two tensors differ, and where most.

    Args:
        a: the reference side's tensor.
        b: the other side's.
    """
    difference, finite = compare(a, b)
    if difference == 0.0 or a.shape != b.shape or a.size == 0:
        return Gap(difference=difference, finite=finite)
    left, right = a.reshape(-1), b.reshape(-1)
    worst, place = -1.0, 0
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, left.size, CHUNK):
            one = left[start : start + CHUNK].astype(np.float64, copy=False)
            two = right[start : start + CHUNK].astype(np.float64, copy=False)
            apart = np.abs(one - two)
            # Where one is finite and the other is not, nothing is further apart; NaN on both sides is no difference.
            same = (one == two) | (np.isnan(one) & np.isnan(two))
            apart = np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart))
            at = int(np.argmax(apart))
            if apart[at] > worst:
                worst, place = float(apart[at]), start + at
    element = tuple(int(i) for i in np.unravel_index(place, a.shape))
    return Gap(difference=difference, finite=finite, element=element, values=(float(left[place]), float(right[place])))


def compare(a: np.ndarray, b: np.ndarray) -> tuple[float, bool]:
    """Return the relative difference, and whether every element of ``a`` is finite.

    Args:
        a: the reference side's tensor.
        b: the other side's.
    """
    if a.shape != b.shape:
        return math.inf, bool(np.isfinite(a).all())
    left, right = a.reshape(-1), b.reshape(-1)
    apart = size = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, left.size, CHUNK):
            one = left[start : start + CHUNK].astype(np.float64, copy=False)
            two = right[start : start + CHUNK].astype(np.float64, copy=False)
            between = one - two
            apart += float(between @ between)
            size += float(one @ one)
    if SMALL < apart < math.inf and SMALL < size < math.inf:
        return math.sqrt(apart / size), True
    if apart == 0.0 and size < math.inf and np.array_equal(left, right):
        return 0.0, True
    return _unusual(left, right)


def _unusual(a: np.ndarray, b: np.ndarray) -> tuple[float, bool]:
    """Compare tensors with NaN, infinity, or squares that are too large or too small."""
    finite = np.isfinite(a)
    whole = bool(finite.all())
    if np.array_equal(a, b, equal_nan=True):
        return 0.0, whole
    if not np.array_equal(finite, np.isfinite(b)) or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return math.inf, whole
    return _scaled(a[finite].astype(np.float64), b[finite].astype(np.float64)), whole


def _scaled(a: np.ndarray, b: np.ndarray) -> float:
    """Compare finite tensors that are not equal, scaled by powers of two so that no square is lost."""
    with np.errstate(over="ignore"):
        gap, halved = a - b, 0
    if not np.isfinite(gap).all():
        gap, halved = a * 0.5 - b * 0.5, 1
    (apart, apart_exponent), (size, size_exponent) = _norm(gap), _norm(a)
    if size == 0.0:
        return math.inf
    try:
        ratio = math.ldexp(apart / size, apart_exponent + halved - size_exponent)
    except OverflowError:
        return math.inf
    return max(ratio, math.ulp(0.0))  # They are not equal: never 0.


def _norm(values: np.ndarray) -> tuple[float, int]:
    """Return the norm as (m, e), m 2^e."""
    exponent = math.frexp(float(np.abs(values).max(initial=0.0)))[1]
    return float(np.linalg.norm(np.ldexp(values, -exponent))), exponent
