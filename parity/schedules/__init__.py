"""Schedules of the learning rate: one file each. ``AnyRate`` is the type of a field that takes a number or one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Discriminator, NonNegativeFloat, Tag

from parity.code import Helper
from parity.entries import Entry, discover


@dataclass(frozen=True, kw_only=True)
class Functions:
    """What a program calls the functions that a schedule's formula needs."""

    cos: str
    floor: str
    minimum: str


FUNCTIONS = {
    "tensorflow": Functions(cos="tf.cos", floor="tf.floor", minimum="tf.minimum"),
    "torch": Functions(cos="math.cos", floor="math.floor", minimum="min"),
}
"""By framework; Keras has its own schedules."""


NUMBER = "a number"
"""What a rate that no entry stands for is called in faults; no part of a path."""


class Schedule(Entry):
    """Base of the schedules: a rate for every step, from the number of updates already made.

    So the first update has the rate of step 0, as in Keras; PyTorch's schedulers, stepped after the optimizer, agree.
    """

    def rate(self, step: int) -> float:
        """Return the learning rate.

        Args:
            step: updates already made, 0 for the first.
        """
        raise TypeError(f"{type(self).__name__} has no meaning")

    def doc(self) -> str:
        """Return the rule in a line."""
        raise TypeError(f"{type(self).__name__} says nothing")

    def keras(self) -> str:
        """Return the source of the schedule in Keras."""
        raise TypeError(f"{type(self).__name__} has no Keras form")

    def formula(self, names: Functions) -> str:
        """Return the source of the rate as an expression in ``t``, the updates already made.

        Args:
            names: of the functions it calls.
        """
        raise TypeError(f"{type(self).__name__} has no formula")


def rate_function(framework: str, formula: str, doc: str) -> Helper:
    """Return the function ``learning_rate(t)`` of a program.

    Args:
        framework: whose program it is.
        formula: expression in ``t``.
        doc: one line that says the rule.
    """
    source = f'\ndef learning_rate(t):\n    """{doc}"""\n    return {formula}\n'
    return Helper(name="learning_rate", source=source, imports=("import math",) if "math." in formula else ())


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
