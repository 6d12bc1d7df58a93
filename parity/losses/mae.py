"""mae: |outputs - targets|, mean over all elements."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.entries import read_in
from parity.losses.elementwise import STRETCHES, Elementwise
from parity.native import Native


class MAE(Elementwise):
    """L = mean over all elements of |outputs - targets|.

    At outputs equal to their targets, where the gradient has a kink, all three frameworks take it to be 0. Keras takes
    the mean over the last axis and then over the rest, which for full rows is the mean over all elements, as in
    PyTorch, which calls the loss L1. What targets (N,) beside outputs (N, 1) come to, ``broadcast`` says.
    """

    kind: ClassVar[str] = "mae"
    native: ClassVar = STRETCHES
    source: ClassVar = read_in(keras="losses/losses", tensorflow="ops/math_grad", torch="nn/modules/loss")
    natives: ClassVar = {
        "keras": Native("keras.losses.MeanAbsoluteError"), "torch": Native("nn.L1Loss"),
    }  # fmt: skip
    rule: ClassVar[str] = "|outputs - targets|"

    def formula(self, logits: bool) -> str:
        return "abs(outputs - targets)"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="the mean is over rows and outputs: 1, 2, 0 and 3 over 4, not over the 2 rows", fields={},
                 x=[[1.0, 2.0], [3.0, -1.0]], targets=[[0.0, 4.0], [3.0, 2.0]], expected=1.5),
            Case(shows="flat targets beside (N, 1), aligned: 1 and 3 over 2", fields={}, x=[[1.0], [2.0]],
                 targets=[0.0, 5.0], expected=2.0),
            Case(shows="the same, stretched: 1, 4, 2 and 3 over 4 pairs", fields={"broadcast": "stretch"},
                 x=[[1.0], [2.0]], targets=[0.0, 5.0], expected=2.5),
            Case(shows="Keras's sum is of the rows' means: 1.5 and 1.5", fields={"reduction": "sum_over_rows"},
                 x=[[1.0, 2.0], [3.0, -1.0]], targets=[[0.0, 4.0], [3.0, 2.0]], expected=3.0),
            Case(shows="a sum over everything, times 0.25", fields={"reduction": "sum", "weight": 0.25},
                 x=[[1.0, 2.0], [3.0, -1.0]], targets=[[0.0, 4.0], [3.0, 2.0]], expected=1.5),
        ]  # fmt: skip
