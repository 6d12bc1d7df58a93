"""Constraints: one file each. ``AnyConstraint`` is the type of a field that takes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parity.code import call, function
from parity.discovery import entry_type
from parity.entries import Entry
from parity.formula import formula_of
from parity.frameworks import frameworks

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Helper


class Constraint(Entry):
    """Base of the constraints: what a weight is made to be after every update."""

    def formula(self) -> str:
        """Return what a weight ``w`` is made to be: a formula in it and the fields."""
        raise TypeError(f"{type(self).__name__} has no meaning")

    def says(self) -> str:
        """Return the formula as people say it."""
        return self.formula()

    def held(self, w: np.ndarray) -> np.ndarray:
        """Return the weight as it is made to be."""
        return formula_of(self.formula()).value(w=w, **dict(self))

    def fault(self, rank: int) -> str:
        """Return why it cannot hold a weight of so many axes, an empty string where it can."""
        return ""

    def lying(self, axes: tuple[int, ...] | None) -> Constraint:
        """Return the constraint of a weight that lies otherwise.

        Args:
            axes: the canonical weight permuted by these is the one at hand; None where both are the same.
        """
        return self

    def written(self, w: str) -> str:
        """Return the source of the weight ``w`` as it is made to be: a call of the formula, written out."""
        alone = {name: value[0] if isinstance(value, tuple) and len(value) == 1 else value for name, value in self}
        return call(self.kind, w, **{name: repr(value) for name, value in alone.items()})

    def keras(self) -> str:
        """Return the source of the value for Keras's ``*_constraint=``."""
        return self.natives["keras"].source(self)

    def helper(self, framework: str) -> Helper:
        """Return the formula as a function."""
        lines = formula_of(self.formula()).lines(frameworks()[framework].words)
        return function(self.kind, ["w", *type(self).model_fields], f"{self.says()}.", lines)


if TYPE_CHECKING:
    AnyConstraint = Constraint
else:
    AnyConstraint: Any = entry_type(Constraint, "parity.constraints")
