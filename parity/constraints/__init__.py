"""Constraints: one file each. ``AnyConstraint`` is the type of a field that takes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parity.entries import Entry, entry_type

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Helper


class Constraint(Entry):
    """Base of the constraints: what a weight is made to be after every update."""

    def held(self, w: np.ndarray) -> np.ndarray:
        """Return the weight as it is made to be."""
        raise TypeError(f"{type(self).__name__} has no meaning")

    def fault(self, rank: int) -> str:
        """Return why it cannot hold a weight of so many axes, an empty string where it can."""
        return ""

    def keras(self) -> str:
        """Return the source of the value for Keras's ``*_constraint=``."""
        raise TypeError(f"{type(self).__name__} has no Keras form")

    def tensorflow(self, w: str) -> str:
        """Return the source of the variable ``w`` as it is made to be."""
        raise TypeError(f"{type(self).__name__} has no TensorFlow form")

    def torch(self, w: str, axes: tuple[int, ...] | None) -> str:
        """Return the source of the parameter ``w`` as it is made to be.

        Args:
            w: the parameter.
            axes: the canonical value permuted by these is PyTorch's; None where both are the same.
        """
        raise TypeError(f"{type(self).__name__} has no PyTorch form")

    def helpers(self, framework: str) -> tuple[Helper, ...]:
        """Return functions that the framework's template calls."""
        return ()


if TYPE_CHECKING:
    AnyConstraint = Constraint
else:
    AnyConstraint: Any = entry_type(Constraint, "parity.constraints")
