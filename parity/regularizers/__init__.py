"""Regularizers: one file each. ``AnyRegularizer`` is the type of a field that takes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parity.discovery import entry_type
from parity.entries import Entry
from parity.formula import expression, formula_of, value_of
from parity.frameworks import frameworks
from parity.lazy import differentiable, np


class Regularizer(Entry):
    """Base of the regularizers: what a weight adds to the loss, and with it to its own gradient."""

    def formula(self) -> str:
        """Return what a weight ``w`` adds to the loss: an expression in it and the fields."""
        raise TypeError(f"{type(self).__name__} has no meaning")

    def penalty(self, w: np.ndarray) -> np.ndarray:
        """Return what a weight adds to the loss, a number."""
        return formula_of(self.formula()).value(w=w, **dict(self))

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """Return the gradient of :meth:`penalty`."""
        return differentiable.pulled(self.penalty, {"w": w}, np.ones(()))["w"]

    def idle(self) -> bool:
        """Return whether it adds nothing to any weight."""
        return False

    def written(self, framework: str, w: str) -> str:
        """Return the source of the penalty of the weight ``w``.

        Args:
            framework: whose program it is, of those without regularizers of their own.
            w: source of the weight.
        """
        names = {name: repr(value) for name, value in self} | {"w": w}
        return expression(value_of(self.formula()), frameworks()[framework].words, names)

    def keras(self) -> str:
        """Return the source of the value for Keras's ``*_regularizer=``."""
        part = self.part("keras")
        return part.source(self) if part else f"lambda w: {self.written('keras', 'w')}"


if TYPE_CHECKING:
    AnyRegularizer = Regularizer
else:
    AnyRegularizer: Any = entry_type(Regularizer, "parity.regularizers")
