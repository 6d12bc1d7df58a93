"""squareplus: y = (x + sqrt(x^2 + b)) / 2."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, PositiveFloat

from parity.activations import Activation
from parity.code import Case
from parity.native import Native


class Squareplus(Activation):
    """y = (x + sqrt(x^2 + b)) / 2, a softplus without an exponential.

    Barron, "Squareplus: a softplus-like algebraic rectifier" (2021). Only Keras has it. Very negative x cancel with the
    root: at -1000 ten digits are left of float64, none of float32.
    """

    kind: ClassVar[str] = "squareplus"
    non_negative: ClassVar[bool] = True
    short: ClassVar[str | None] = "b"
    natives: ClassVar = {"keras": Native("keras.activations.squareplus", {"b": "b"}, own={"b": 4.0})}

    b: PositiveFloat = Field(default=4.0, description="how smooth the bend is")

    def formula(self) -> str:
        return "(x + sqrt(square(x) + b)) / 2.0"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="0 becomes 1; 1.5 becomes 2, by 3, 4 and 5", fields={}, x=[[-1.5, 0.0, 1.5]],
                 expected=[[0.5, 1.0, 2.0]]),
            Case(shows="0 becomes half of the root", fields={"b": 0.25}, x=[[0.0, 1.2]], expected=[[0.25, 1.25]]),
        ]  # fmt: skip
