"""Keras 2's own random numbers: TensorFlow's."""

from __future__ import annotations

from typing import Any

from parity.frameworks.tensorflow.driver.generators import DROPOUT as DROPOUT
from parity.frameworks.tensorflow.driver.generators import kept as kept
from parity.frameworks.tensorflow.driver.generators import uniform as uniform
from parity.frameworks.tf_keras.driver.keras2 import keras


def seed(number: int) -> Any:
    """Seed TensorFlow's, NumPy's and Python's generators."""
    keras.utils.set_random_seed(number % 2**32)
