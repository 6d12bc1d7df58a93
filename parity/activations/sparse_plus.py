"""sparse_plus: y = 0 where x <= -1, x where x >= 1, (x + 1)^2 / 4 between."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.native import Native


class SparsePlus(Activation):
    """y = 0 where x <= -1, x where x >= 1, (x + 1)^2 / 4 between; whose slope is sparse_sigmoid's.

    Blondel, Martins and Niculae, "Learning with Fenchel-Young losses" (2020). Only Keras has it.
    """

    kind: ClassVar[str] = "sparse_plus"
    non_negative: ClassVar[bool] = True
    natives: ClassVar = {"keras": Native("keras.activations.sparse_plus")}

    def formula(self) -> str:
        return "where(x <= -1.0, 0.0, where(x >= 1.0, x, square(x + 1.0) / 4.0))"

    def says(self) -> str:
        return "0 where x <= -1, x where x >= 1, (x + 1)^2 / 4 between"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(
                shows="0 becomes a quarter; exactly 0 from -1 down",
                fields={},
                x=[[-1.0, 0.0, 0.5, 2.0]],
                expected=[[0.0, 0.25, 0.5625, 2.0]],
            )
        ]
