"""l1: factor times the sum of the absolute values."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat

from parity.code import Case
from parity.entries import read_in
from parity.native import Native
from parity.regularizers import Regularizer


class L1(Regularizer):
    """loss += factor sum(|w|), so the gradient has factor sign(w) more, and nothing where w is 0.

    Neither PyTorch nor TensorFlow has it: their programs add it to the loss.
    """

    kind: ClassVar[str] = "l1"
    short: ClassVar[str | None] = "factor"
    source: ClassVar = read_in(keras="regularizers/regularizers")

    natives: ClassVar = {"keras": Native("keras.regularizers.L1", {"l1": "factor"}, leading=("l1",))}

    factor: NonNegativeFloat = Field(default=0.01, description="what the sum of the absolute values is multiplied by")

    def formula(self) -> str:
        return "factor * sum(abs(w))"

    def idle(self) -> bool:
        return self.factor == 0.0

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="1, 2 and -3 add up to 6", fields={"factor": 0.3}, x=[[1.0, 2.0, -3.0]], expected=1.8),
        ]
