"""max_norm: no norm along the axes above a limit."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, NonNegativeFloat, NonNegativeInt

from parity.code import Case
from parity.constraints import Constraint
from parity.entries import read_in, shown
from parity.native import Native, Turned


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


class MaxNorm(Constraint):
    """w = w min(n, max_value) / (1e-7 + n) after every update, n = sqrt(sum w^2) along ``axis``.

    The guard shrinks what is below the limit, too, by 1e-7 / n in every step, as in Keras; ``torch.renorm`` and
    ``tf.clip_by_norm`` leave that alone. Axes are those of the canonical weight: 0 holds what feeds each unit of a
    dense layer, [0, 1, 2] each filter of a conv2d, whose axis 0 alone is no more than the rows of its window. The
    PyTorch program, whose weights lie otherwise, says the dim that is meant.
    """

    kind: ClassVar[str] = "max_norm"
    short: ClassVar[str | None] = "max_value"
    source: ClassVar = read_in(keras="constraints/constraints")

    natives: ClassVar = {
        "keras": Native(
            "keras.constraints.MaxNorm",
            {"max_value": "max_value", "axis": Turned("axis", lambda axes: axes if axes[1:] else axes[0], numbers)},
            leading=("max_value",), own={"axis": 0},
        )
    }  # fmt: skip

    max_value: NonNegativeFloat = Field(default=2.0, description="what no norm is above")
    axis: Annotated[
        tuple[NonNegativeInt, ...],
        BeforeValidator(numbers, json_schema_input_type=NonNegativeInt | tuple[NonNegativeInt, ...]),
    ] = Field(default=(0,), description="axes along which norms are taken, of the weight as Keras lays it out")

    def formula(self) -> str:
        return """
            norms = sqrt(sum(square(w), axis=axis, keepdims=True))
            w * (minimum(norms, max_value) / (1e-07 + norms))
        """

    def says(self) -> str:
        return "Scale w down to norms of at most max_value along the axis; 1e-7 is Keras's guard"

    def lying(self, axes: tuple[int, ...] | None) -> Constraint:
        return self if axes is None else self.replace(axis=sorted(axes.index(axis) for axis in self.axis))

    def fault(self, rank: int) -> str:
        """Return which axis the weight has not."""
        if max(self.axis) < rank:
            return ""
        return f"max_norm along axis {max(self.axis)}, and there are {rank} axes, counted from 0"

    @classmethod
    def cases(cls) -> list[Case]:
        w = [[3.0, 0.3], [4.0, 0.4]]
        return [
            Case(shows="the column of norm 5 is scaled to 2; that of 0.5 shrinks by the guard alone", fields={}, x=w,
                 expected=[[3 * 2 / (5 + 1e-7), 0.3 * 0.5 / (0.5 + 1e-7)],
                           [4 * 2 / (5 + 1e-7), 0.4 * 0.5 / (0.5 + 1e-7)]]),
            Case(shows="along both axes there is one norm, of 5.02", fields={"max_value": 1.0, "axis": [0, 1]}, x=w,
                 expected=[[3 / (25.25**0.5 + 1e-7), 0.3 / (25.25**0.5 + 1e-7)],
                           [4 / (25.25**0.5 + 1e-7), 0.4 / (25.25**0.5 + 1e-7)]]),
        ]  # fmt: skip
