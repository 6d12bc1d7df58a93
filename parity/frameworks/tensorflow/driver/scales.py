"""Gradients of a scaled loss, in TensorFlow."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def scale_of(scale: Any, gradient: tf.Tensor) -> tf.Tensor | None:
    """Return by what a gradient is scaled, in its type; None for nothing."""
    return None if scale is None else tf.cast(scale, gradient.dtype)


def unscaled(gradient: tf.Tensor, scale: tf.Tensor | None) -> tf.Tensor:
    """Return a gradient as it would be without the scale; float16 has no room for it."""
    if scale is None:
        return gradient
    wide = tf.float32 if gradient.dtype == tf.float16 else gradient.dtype
    return tf.cast(gradient, wide) / tf.cast(scale, wide)


def scaled_again(value: tf.Tensor, scale: tf.Tensor | None) -> tf.Tensor:
    """Return a gradient with the scale."""
    return value if scale is None else value * scale
