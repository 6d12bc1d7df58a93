"""TensorFlow's own random numbers."""

from __future__ import annotations

import tensorflow as tf

from parity.run.driver.generators import seed_plain

DROPOUT = tf.nn.dropout
"""As it is before the harness's own takes its place."""

NORMAL = tf.random.normal
"""As it is before the harness's own takes its place."""


def seed(number: int) -> None:
    """Seed Python's, NumPy's and TensorFlow's generators."""
    seed_plain(number)
    tf.random.set_seed(number)


def uniform(count: int) -> tf.Tensor:
    """Return numbers of ``tf.random.uniform``."""
    return tf.random.uniform([count])


def kept(count: int) -> tf.Tensor:
    """Return which of as many ones TensorFlow's dropout keeps."""
    return DROPOUT(tf.ones([count]), 0.5) != 0
