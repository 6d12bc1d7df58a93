"""Layouts: from a framework's tensor to the canonical one and back.

Everywhere, ``axes`` is a permutation or None where both are laid out alike. Only the standard library and NumPy: this
module also runs inside workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np


def inverse(axes: Sequence[int] | None) -> list[int] | None:
    """Return the permutation that takes another one back.

    >>> inverse((0, 3, 1, 2))
    [0, 2, 3, 1]
    """
    return None if axes is None else [int(axis) for axis in np.argsort(axes)]


def in_blocks(value: np.ndarray, axis: int, order: Sequence[int]) -> np.ndarray:
    """Return a value with the equal blocks that an axis is made of in another order.

    >>> in_blocks(np.array([1, 2, 3, 4, 5, 6]), 0, (1, 0, 2))
    array([3, 4, 1, 2, 5, 6])
    """
    blocks = np.split(value, len(order), axis)
    return np.concatenate([blocks[number] for number in order], axis)


def counted_last(value: np.ndarray, rows: Sequence[Sequence[int]], axis: int) -> np.ndarray:
    """Return a value whose axis counts features with the channels first, with the channels last.

    Args:
        value: of a program.
        rows: shapes, channels last, of what was flattened and stands side by side along the axis; of one axis where its
            features have one order.
        axis: of the features.

    >>> counted_last(np.array([1, 2, 3, 4, 5, 6, 7]), [(3, 2), (1,)], 0)
    array([1, 4, 2, 5, 3, 6, 7])
    """
    return np.take(value, np.argsort(_channels_first(tuple(map(tuple, rows)))), axis)


def counted_first(value: np.ndarray, rows: Sequence[Sequence[int]], axis: int) -> np.ndarray:
    """Return what :func:`counted_last` is given.

    >>> counted_first(np.array([1, 4, 2, 5, 3, 6, 7]), [(3, 2), (1,)], 0)
    array([1, 2, 3, 4, 5, 6, 7])
    """
    return np.take(value, _channels_first(tuple(map(tuple, rows))), axis)


@lru_cache(maxsize=16)
def _channels_first(rows: tuple[tuple[int, ...], ...]) -> np.ndarray:
    """Return the place, channels last, of each feature as they are counted with the channels first."""
    starts = np.cumsum([0, *(int(np.prod(row)) for row in rows)])
    return np.concatenate([
        np.moveaxis(np.arange(starts[number], starts[number + 1]).reshape(row), -1, 0).ravel()
        for number, row in enumerate(rows)
    ])  # fmt: skip


def permuted(value: np.ndarray, axes: Sequence[int] | None) -> np.ndarray:
    """Return a view of a value with its axes permuted."""
    return value if axes is None else value.transpose(axes)
