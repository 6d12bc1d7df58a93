"""Several inputs or outputs apart: the harness keeps the numbers of a row side by side, a program has each by itself.

NumPy alone, since drivers import it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from parity.lazy import np

Place = Mapping[str, Any]
"""An input or an output: its ``name``, its ``shape`` without the batch axis, its ``dtype``: ``float``, ``integer``."""


def apart(x: np.ndarray, inputs: Sequence[Place]) -> tuple[np.ndarray, ...]:
    """Return each input's rows, or each output's, whole numbers where they number tokens.

    Args:
        x: rows as the harness keeps them: (N, *shape) of one input, (N, numbers) of several.
        inputs: in order; none where what is said of a lone one is not needed.
    """
    if len(inputs) < 2:
        return tuple(_typed(x, one) for one in inputs) or (x,)
    ends = np.cumsum([math.prod(one["shape"]) for one in inputs])[:-1]
    parts = np.split(x, ends, axis=1)
    return tuple(_typed(part.reshape(len(x), *one["shape"]), one) for part, one in zip(parts, inputs, strict=True))


def together(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return rows of several inputs or outputs side by side; those of the only one as they are."""
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def beside(y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return targets with the sample weights of their rows beside them, (N, numbers); without such as they are."""
    return y if weights is None else together([y, weights])


def parted(y: np.ndarray, row: Sequence[int]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return targets, and the sample weights that :func:`beside` put beside them; None where there are none.

    Args:
        y: targets, (N, *row), or with weights beside them.
        row: shape of a target; weights have it without its last axis.
    """
    if y.shape[1:] == tuple(row):
        return y, None
    count = math.prod(row)
    return y[:, :count].reshape(len(y), *row), y[:, count:].reshape(len(y), *row[:-1])


def _typed(x: np.ndarray, place: Place) -> np.ndarray:
    return np.rint(x).astype(np.int64) if place["dtype"] == "integer" else x


def numbers_of(y: np.ndarray) -> np.ndarray:
    """Return the numbers of the classes that one-hot rows stand for; of a row of no class the number that it holds.

    Args:
        y: (N, ..., C).
    """
    found = y.argmax(axis=-1)
    outside = y.max(axis=-1, initial=-np.inf) < 0
    return np.where(outside, y[..., 0], found).astype(np.int64) if outside.any() else found


def training_rows(rows: int, share: float) -> int:
    """Return how many of the rows are trained on when the last ones are kept for validation.

    Args:
        rows: how many there are.
        share: of them that is kept.
    """
    return math.floor(rows * (1.0 - share))
