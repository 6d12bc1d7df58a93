"""A model's inputs apart: the harness keeps the numbers of a row side by side, a program is given each input.

NumPy alone, since drivers import it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Place = Mapping[str, Any]
"""An input: its ``name``, its ``shape`` without the batch axis, its ``dtype``, ``float`` or ``integer``."""


def apart(x: np.ndarray, inputs: Sequence[Place]) -> tuple[np.ndarray, ...]:
    """Return each input's rows, whole numbers where they number tokens.

    Args:
        x: rows as the harness keeps them: (N, *shape) of one input, (N, numbers) of several.
        inputs: in order.
    """
    if len(inputs) == 1:
        return (_typed(x, inputs[0]),)
    ends = np.cumsum([math.prod(one["shape"]) for one in inputs])[:-1]
    parts = np.split(x, ends, axis=1)
    return tuple(_typed(part.reshape(len(x), *one["shape"]), one) for part, one in zip(parts, inputs, strict=True))


def _typed(x: np.ndarray, place: Place) -> np.ndarray:
    return np.rint(x).astype(np.int64) if place["dtype"] == "integer" else x
