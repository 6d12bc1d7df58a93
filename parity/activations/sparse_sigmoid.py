"""sparse_sigmoid: y = 0 where x <= -1, 1 where x >= 1, (x + 1) / 2 between."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.native import Native


class SparseSigmoid(Activation):
    """y = 0 where x <= -1, 1 where x >= 1, (x + 1) / 2 between; dy/dx is 0 at -1 and at 1.

    Blondel, Martins and Niculae, "Learning with Fenchel-Young losses" (2020). Only Keras has it.
    """

    kind: ClassVar[str] = "sparse_sigmoid"
    non_negative: ClassVar[bool] = True
    natives: ClassVar = {"keras": Native("keras.activations.sparse_sigmoid")}

    def formula(self) -> str:
        return "where(x <= -1.0, 0.0, where(x >= 1.0, 1.0, 0.5 * (x + 1.0)))"

    def says(self) -> str:
        return "0 where x <= -1, 1 where x >= 1, (x + 1) / 2 between"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(
                shows="exactly 0 at -1, and no slope there",
                fields={},
                x=[[-1.0, 0.0, 0.5, 2.0]],
                expected=[[0.0, 0.5, 0.75, 1.0]],
            )
        ]
