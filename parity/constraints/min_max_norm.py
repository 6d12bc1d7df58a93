"""min_max_norm: no norm along the axes below one limit or above another, or moved towards them."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat

from parity.code import Case
from parity.constraints.norms import ALONG, AXIS, Axes, NormConstraint
from parity.entries import read_in
from parity.native import Native, same


class MinMaxNorm(NormConstraint):
    """w = w d / (1e-7 + n), n = sqrt(sum w^2) along ``axis``, d = rate clip(n, min_value, max_value) + (1 - rate) n.

    A rate below 1 takes that share of the way in every step. What is 0 stays 0, whatever min_value is: there is no
    direction to grow in.
    """

    kind: ClassVar[str] = "min_max_norm"
    source: ClassVar = read_in(keras="constraints/constraints")

    natives: ClassVar = {
        "keras": Native("keras.constraints.MinMaxNorm", same("min_value", "max_value", "rate") | {"axis": AXIS},
                        own={"min_value": 0.0, "max_value": 1.0, "rate": 1.0, "axis": 0}),
    }  # fmt: skip

    min_value: NonNegativeFloat = Field(default=0.0, description="what no norm is below")
    max_value: NonNegativeFloat = Field(default=1.0, description="what no norm is above")
    rate: NonNegativeFloat = Field(default=1.0, le=1.0, description="share of the way to the limit taken in a step")
    axis: Axes = Field(default=(0,), description=ALONG)

    def formula(self) -> str:
        return """
            norms = sqrt(sum(square(w), axis=axis, keepdims=True))
            desired = rate * clip(norms, min_value, max_value) + (1.0 - rate) * norms
            w * (desired / (1e-07 + norms))
        """

    def says(self) -> str:
        return "Scale w towards norms from min_value to max_value along the axis; 1e-7 is Keras's guard"

    @classmethod
    def cases(cls) -> list[Case]:
        w = [[3.0, 0.3], [4.0, 0.4]]
        return [
            Case(shows="a column of norm 5 is scaled to 2, one of 0.5 to 1", x=w,
                 fields={"min_value": 1.0, "max_value": 2.0},
                 expected=[[3 * 2 / (5 + 1e-7), 0.3 / (0.5 + 1e-7)], [4 * 2 / (5 + 1e-7), 0.4 / (0.5 + 1e-7)]]),
            Case(shows="half the way from 5 to 1 is 3, that of 0.5 stays but for the guard", x=w, fields={"rate": 0.5},
                 expected=[[3 * 3 / (5 + 1e-7), 0.15 / (0.5 + 1e-7)], [4 * 3 / (5 + 1e-7), 0.2 / (0.5 + 1e-7)]]),
        ]  # fmt: skip
