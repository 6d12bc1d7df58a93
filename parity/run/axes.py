"""Layouts: from a framework's tensor to the canonical one and back.

Everywhere, ``axes`` is a permutation or None where both are laid out alike. Only the standard library and NumPy: this
module also runs inside workers.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def permuted(value: np.ndarray, axes: Sequence[int] | None) -> np.ndarray:
    """Return a view of a value with its axes permuted."""
    return value if axes is None else value.transpose(axes)
