"""Optimizers that scale the loss for one inside them: Keras's ``LossScaleOptimizer``, and what is like it."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from parity.run.driver.state import State


class Scaled(State):
    """The part of a driver that knows of such an optimizer."""

    optimizer: Any

    @property
    def updating(self) -> Any:
        """The optimizer that updates, behind one that scales the loss for it."""
        return getattr(self.optimizer, "inner_optimizer", self.optimizer)

    def loss_scale(self) -> dict[str, float]:
        """Return the scale and the count that the optimizer keeps."""
        kept = self.optimizer
        if kept is self.updating:
            return {}
        return {"loss_scale": float(kept.dynamic_scale), "good_steps": float(kept.step_counter)}

    def set_loss_scale(self, loss_scale: float, good_steps: float) -> None:
        """Assign them."""
        self.optimizer.dynamic_scale.assign(loss_scale)
        self.optimizer.step_counter.assign(int(good_steps))

    def scale_of(self, gradient: tf.Tensor) -> tf.Tensor | None:
        """Return by what a gradient is scaled until the optimizer has it, in its type; None for nothing."""
        fixed = getattr(self.optimizer, "loss_scale_factor", None)  # Of any of Keras's optimizers.
        scale = fixed if self.optimizer is self.updating else self.optimizer.dynamic_scale
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
