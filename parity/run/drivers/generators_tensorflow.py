"""TensorFlow's own random numbers: its generators seeded, and what they give first."""

from __future__ import annotations

import random

import numpy as np
import tensorflow as tf

DROPOUT = tf.nn.dropout
"""As it is before the harness's own takes its place."""


def seed(number: int) -> None:
    """Seed Python's, NumPy's and TensorFlow's generators."""
    random.seed(number)
    np.random.seed(number % 2**32)
    tf.random.set_seed(number)


def first(number: int, count: int) -> dict[str, list[float] | list[bool]]:
    """Return what the generators give first, each time seeded anew.

    Args:
        number: the seed.
        count: of numbers.

    Returns:
        ``uniform``, from ``tf.random.uniform``, and ``mask``, which of as many ones a dropout of a half keeps.
    """
    seed(number)
    numbers = tf.random.uniform([count]).numpy().tolist()
    seed(number)
    return {"uniform": numbers, "mask": (DROPOUT(tf.ones([count]), 0.5).numpy() != 0).tolist()}
