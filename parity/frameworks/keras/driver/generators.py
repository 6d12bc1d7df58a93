"""Keras's own random numbers."""

from __future__ import annotations

from typing import Any, ClassVar

import keras

DROPOUT = keras.src.backend.random.dropout
"""What ``keras.layers.Dropout`` calls, as it is before the harness's own takes its place."""

NORMAL, UNIFORM = keras.src.backend.random.normal, keras.src.backend.random.uniform
"""What Keras's layers and initializers draw from, alike."""

ALPHA = keras.layers.AlphaDropout.call


class Rate:
    """The rate that an alpha dropout compares with; None outside of one."""

    now: ClassVar[float | None] = None


def alpha_dropout(self: Any, inputs: Any, training: bool = False) -> Any:
    """Return what Keras's layer does, while its rate is known: of the numbers it draws those at least that are kept."""
    Rate.now = self.rate
    try:
        return ALPHA(self, inputs, training)
    finally:
        Rate.now = None


def seed(number: int) -> None:
    """Seed Keras's, TensorFlow's, NumPy's and Python's generators."""
    keras.utils.set_random_seed(number % 2**32)


def uniform(count: int) -> Any:
    """Return numbers of ``keras.random.uniform``."""
    return keras.random.uniform((count,), dtype="float32")


def kept(count: int) -> Any:
    """Return which of as many ones Keras's dropout keeps."""
    return DROPOUT(keras.ops.ones(count, "float32"), 0.5, seed=keras.random.SeedGenerator()) != 0
