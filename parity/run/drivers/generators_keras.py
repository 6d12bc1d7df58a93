"""Keras's own random numbers: its generators seeded, and what they give first."""

from __future__ import annotations

import keras
import numpy as np

DROPOUT = keras.src.backend.random.dropout
"""What ``keras.layers.Dropout`` calls, as it is before the harness's own takes its place."""


def seed(number: int) -> None:
    """Seed Keras's, TensorFlow's, NumPy's and Python's generators."""
    keras.utils.set_random_seed(number % 2**32)


def first(number: int, count: int) -> dict[str, list[float] | list[bool]]:
    """Return what the generators give first, each time seeded anew.

    Args:
        number: the seed.
        count: of numbers.

    Returns:
        ``uniform``, from ``keras.random.uniform``, and ``mask``, which of as many ones a dropout of a half keeps.
    """
    seed(number)
    numbers = np.asarray(keras.random.uniform((count,), dtype="float32")).tolist()
    seed(number)
    kept = np.asarray(DROPOUT(keras.ops.ones(count, "float32"), 0.5, seed=keras.random.SeedGenerator()))
    return {"uniform": numbers, "mask": (kept != 0).tolist()}
