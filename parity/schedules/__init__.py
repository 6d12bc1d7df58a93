"""Schedules of the learning rate: one file each. ``AnyRate`` is the type of a field that takes a number or one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Discriminator, NonNegativeFloat, Tag

from parity.code import Helper
from parity.entries import Entry, discover
from parity.formula import expression, formula_of, value_of
from parity.frameworks import frameworks

NUMBER = "a number"
"""What a rate that no entry stands for is called in faults; no part of a path."""


class Schedule(Entry):
    """Base of the schedules: a rate for every step, from the number of updates already made.

    So the first update has the rate of step 0, as in Keras; PyTorch's schedulers, stepped after the optimizer, agree.
    """

    def formula(self) -> str:
        """Return the rate as an expression in ``t``, the updates already made, and the fields."""
        raise TypeError(f"{type(self).__name__} has no meaning")

    def doc(self) -> str:
        """Return the rule in a line."""
        raise TypeError(f"{type(self).__name__} says nothing")

    def rate(self, step: int) -> float:
        """Return the learning rate.

        Args:
            step: updates already made, 0 for the first.
        """
        return float(formula_of(self.formula()).value(t=step, **dict(self)))

    def written(self, framework: str) -> str:
        """Return the source of the rate in a framework, as an expression in ``t``."""
        numbers = {name: repr(value) for name, value in self}
        return expression(value_of(self.formula()), frameworks()[framework].scalars, numbers)

    def made(self, framework: str) -> str:
        """Return the source of a framework's own schedule."""
        return self.natives[framework].source(self)

    def helpers(self, framework: str) -> tuple[Helper, ...]:
        """Return what :meth:`made` calls beside the framework's own."""
        return ()


def _kind_of(value: Any) -> str:
    if isinstance(value, Entry):
        return value.kind
    if isinstance(value, Mapping) and len(value) == 1:
        return str(next(iter(value)))
    return NUMBER if isinstance(value, int | float) else f"({type(value).__name__})"


if TYPE_CHECKING:
    AnyRate = float | Schedule
else:
    AnyRate: Any = Annotated[
        Union[
            (
                Annotated[NonNegativeFloat, Tag(NUMBER)],
                *(Annotated[entry, Tag(name)] for name, entry in discover(Schedule, "parity.schedules").items()),
            )
        ],
        Discriminator(_kind_of),
    ]
