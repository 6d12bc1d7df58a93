"""Optimizers: one file each. ``AnyOptimizer`` is the type of a field that takes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, NonNegativeFloat

from parity.entries import Entry, entry_type

if TYPE_CHECKING:
    import numpy as np

    from parity.written import OptimizerCode


class Optimizer(Entry):
    """Base of the optimizers: a pure pair (:meth:`init`, :meth:`update`) and three templates.

    The pair is the meaning, in float64 NumPy, one parameter at a time, so it can be fed any framework's
    gradients.
    """

    learning_rate: NonNegativeFloat = Field(default=0.001, description="step size")

    def init(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """Return the slots of a parameter before the first step."""
        raise TypeError(f"{type(self).__name__} has no meaning")

    def update(
        self, gradient: np.ndarray, slots: dict[str, np.ndarray], step: int
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return what is added to the parameter, and the new slots.

        Args:
            gradient: gradient of the loss with respect to the parameter.
            slots: what :meth:`init` or the last call returned.
            step: updates already made, 0 for the first.
        """
        raise TypeError(f"{type(self).__name__} has no meaning")

    def slots(self) -> tuple[str, ...]:
        """Return the names of the slots it keeps for each parameter."""
        return ()

    def keras(self) -> OptimizerCode:
        """Return the optimizer in Keras."""
        raise TypeError(f"{type(self).__name__} has no Keras template")

    def tensorflow(self) -> OptimizerCode:
        """Return the optimizer in raw TensorFlow, its update rule written out."""
        raise TypeError(f"{type(self).__name__} has no TensorFlow template")

    def torch(self) -> OptimizerCode:
        """Return the optimizer in PyTorch."""
        raise TypeError(f"{type(self).__name__} has no PyTorch template")


if TYPE_CHECKING:
    AnyOptimizer = Optimizer
else:
    AnyOptimizer: Any = entry_type(Optimizer, "parity.optimizers")
