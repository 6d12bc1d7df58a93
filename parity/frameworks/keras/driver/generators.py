"""Keras's own random numbers."""

from __future__ import annotations

from typing import Any

import keras

DROPOUT = keras.src.backend.random.dropout
"""What ``keras.layers.Dropout`` calls, as it is before the harness's own takes its place."""


def seed(number: int) -> None:
    """Seed Keras's, TensorFlow's, NumPy's and Python's generators."""
    keras.utils.set_random_seed(number % 2**32)


def uniform(count: int) -> Any:
    """Return numbers of ``keras.random.uniform``."""
    return keras.random.uniform((count,), dtype="float32")


def kept(count: int) -> Any:
    """Return which of as many ones Keras's dropout keeps."""
    return DROPOUT(keras.ops.ones(count, "float32"), 0.5, seed=keras.random.SeedGenerator()) != 0
