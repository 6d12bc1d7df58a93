"""Optimizers that scale the loss for one inside them: Keras's ``LossScaleOptimizer``, and what is like it."""

from __future__ import annotations

from typing import Any

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

    def scaled_by(self) -> Any:
        """Return by what gradients are scaled until the optimizer has them; None for nothing."""
        fixed = getattr(self.optimizer, "loss_scale_factor", None)  # Of any of Keras's optimizers.
        return fixed if self.optimizer is self.updating else self.optimizer.dynamic_scale
