"""l1_l2: a sum of absolute values and one of squares, each with its factor."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat

from parity.code import Case
from parity.entries import read_in
from parity.native import Native, same
from parity.regularizers import Regularizer


class L1L2(Regularizer):
    """loss += l1 sum(|w|) + l2 sum(w^2).

    In Keras both factors are 0 unless told: ``kernel_regularizer="L1L2"`` adds nothing at all. The name ``l1_l2``,
    which its documentation has there, with 0.01 for both, is refused. ``"l1"`` and ``"l2"`` do have 0.01.
    """

    kind: ClassVar[str] = "l1_l2"
    source: ClassVar = read_in(keras="regularizers/regularizers")

    natives: ClassVar = {"keras": Native("keras.regularizers.L1L2", same("l1", "l2"))}

    l1: NonNegativeFloat = Field(default=0.0, description="what the sum of the absolute values is multiplied by")
    l2: NonNegativeFloat = Field(default=0.0, description="what the sum of the squares is multiplied by")

    def formula(self) -> str:
        terms = {"l1 * sum(abs(w))": self.l1, "l2 * sum(square(w))": self.l2}
        return " + ".join(term for term, factor in terms.items() if factor) or "l1 * sum(abs(w))"

    def idle(self) -> bool:
        return self.l1 == self.l2 == 0.0

    @classmethod
    def cases(cls) -> list[Case]:
        w = [[1.0, 2.0, -3.0]]
        return [
            Case(shows="6 tenths and 14 halves", fields={"l1": 0.1, "l2": 0.5}, x=w, expected=7.6),
            Case(shows="the absolute values alone", fields={"l1": 0.5}, x=w, expected=3.0),
            Case(shows="the squares alone", fields={"l2": 0.5}, x=w, expected=7.0),
        ]
