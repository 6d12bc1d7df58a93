"""How far apart two tensors are."""

from __future__ import annotations

import math

import numpy as np

CHUNK = 1 << 20
"""Elements compared at once: a tensor of gigabytes then needs no second one."""


def relative_difference(a: np.ndarray, b: np.ndarray) -> float:
    """Return norm(a - b) / norm(a), in float64.

    0 for two tensors that are the same bit for bit, zeros and NaN included; infinity where ``a`` is zero and ``b``
    is not, where the shapes differ, or where one is finite and the other is not.

    Args:
        a: the reference side's tensor.
        b: the other side's.
    """
    if a.shape != b.shape:
        return math.inf
    left, right = a.reshape(-1), b.reshape(-1)
    apart = size = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, max(left.size, 1), CHUNK):
            one = left[start : start + CHUNK].astype(np.float64, copy=False)
            two = right[start : start + CHUNK].astype(np.float64, copy=False)
            gap = one - two
            gap_squared, one_squared = float(gap @ gap), float(one @ one)
            if not math.isfinite(gap_squared) or not math.isfinite(one_squared):
                return _unusual(left, right)
            apart += gap_squared
            size += one_squared
    if apart == 0.0:
        # Squares of numbers below 1e-154 are 0: only equality says that nothing differs.
        return 0.0 if np.array_equal(left, right) else _tiny(left, right)
    return math.sqrt(apart / size) if size > 0.0 else math.inf


def _unusual(a: np.ndarray, b: np.ndarray) -> float:
    """Compare tensors with NaN, infinity, or squares that overflow."""
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    finite = np.isfinite(a)
    if not np.array_equal(finite, np.isfinite(b)) or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return math.inf
    return _scaled(a[finite], b[finite])


def _tiny(a: np.ndarray, b: np.ndarray) -> float:
    return _scaled(a, b)


def _scaled(a: np.ndarray, b: np.ndarray) -> float:
    scale = max(float(np.abs(a).max(initial=0.0)), float(np.abs(b).max(initial=0.0)))
    if scale == 0.0:
        return 0.0
    one, two = a / scale, b / scale
    size = float(np.linalg.norm(one))
    return float(np.linalg.norm(one - two)) / size if size > 0.0 else math.inf


def relative_gap(a: float, b: float) -> float:
    """Return abs(a - b) / abs(a) for two scalars, by the rules of :func:`relative_difference`."""
    return relative_difference(np.array([a], dtype=np.float64), np.array([b], dtype=np.float64))
