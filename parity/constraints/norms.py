"""What constraints of norms share: the axes along which these are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, NonNegativeInt

from parity.constraints import Constraint
from parity.entries import shown
from parity.native import Turned


def numbers(value: Any) -> Any:
    """Return one number as a tuple of it.

    Raises:
        ValueError: when it is no axis, and no list of axes.
    """
    several = [value] if isinstance(value, int) else value
    right = isinstance(several, list | tuple) and len(several) > 0
    if not right or not all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in several):
        raise ValueError(f"got {shown(value)}, expected an axis counted from 0 or a list of them")
    return tuple(several)


Axes = Annotated[
    tuple[NonNegativeInt, ...],
    BeforeValidator(numbers, json_schema_input_type=NonNegativeInt | tuple[NonNegativeInt, ...]),
]
ALONG = "axes along which norms are taken, of the weight as Keras lays it out"
AXIS = Turned("axis", lambda axes: axes if axes[1:] else axes[0], numbers)
"""How Keras is told them."""


class NormConstraint(Constraint):
    """Base of what holds n = sqrt(sum w^2), taken along ``axis``.

    Axes are those of the canonical weight: 0 holds what feeds each unit of a dense layer, [0, 1, 2] each filter of a
    conv2d, whose axis 0 alone is no more than the rows of its window. The PyTorch program, whose weights lie otherwise,
    says the dim that is meant.
    """

    if TYPE_CHECKING:
        axis: tuple[int, ...]

    def lying(self, axes: tuple[int, ...] | None) -> Constraint:
        return self if axes is None else self.replace(axis=sorted(axes.index(axis) for axis in self.axis))

    def fault(self, rank: int) -> str:
        """Return which axis the weight has not."""
        if max(self.axis) < rank:
            return ""
        return f"{self.kind} along axis {max(self.axis)}, and there are {rank} axes, counted from 0"
