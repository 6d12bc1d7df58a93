"""Regularizers: one file each. ``AnyRegularizer`` is the type of a field that takes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parity.entries import Entry, entry_type
from parity.lazy import differentiable, np


class Regularizer(Entry):
    """Base of the regularizers: what a weight adds to the loss, and with it to its own gradient."""

    def penalty(self, w: np.ndarray) -> np.ndarray:
        """Return what a weight adds to the loss, a number."""
        raise TypeError(f"{type(self).__name__} has no meaning")

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """Return the gradient of :meth:`penalty`."""
        return differentiable.pulled(self.penalty, {"w": w}, np.ones(()))["w"]

    def idle(self) -> bool:
        """Return whether it adds nothing to any weight."""
        return False

    def keras(self) -> str:
        """Return the source of the value for Keras's ``*_regularizer=``."""
        raise TypeError(f"{type(self).__name__} has no Keras form")

    def tensorflow(self, w: str) -> str:
        """Return the source of the penalty of the variable ``w``."""
        raise TypeError(f"{type(self).__name__} has no TensorFlow form")

    def torch(self, w: str) -> str:
        """Return the source of the penalty of the parameter ``w``."""
        raise TypeError(f"{type(self).__name__} has no PyTorch form")


if TYPE_CHECKING:
    AnyRegularizer = Regularizer
else:
    AnyRegularizer: Any = entry_type(Regularizer, "parity.regularizers")
