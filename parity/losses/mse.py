"""mse: (outputs - targets)^2, mean over all elements."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.entries import read_in
from parity.losses.elementwise import STRETCHES, Elementwise
from parity.native import Native


class MSE(Elementwise):
    """L = mean over all elements of (outputs - targets)^2.

    Keras takes the mean over the last axis and then over the rest, which for full rows is the mean over all elements,
    as in PyTorch; ``tf.nn.l2_loss`` is sum / 2. What targets (N,) beside outputs (N, 1) come to, ``broadcast`` says.
    """

    kind: ClassVar[str] = "mse"
    native: ClassVar = STRETCHES
    source: ClassVar = read_in(keras="losses/losses", tensorflow="ops/math_ops", torch="nn/modules/loss")
    natives: ClassVar = {
        "keras": Native("keras.losses.MeanSquaredError"), "torch": Native("nn.MSELoss"),
    }  # fmt: skip
    rule: ClassVar[str] = "(outputs - targets)^2"

    def formula(self, logits: bool) -> str:
        return "square(outputs - targets)"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="the mean is over rows and outputs: 1, 4, 0 and 9 over 4, not over the 2 rows", fields={},
                 x=[[1.0, 2.0], [3.0, -1.0]], targets=[[0.0, 4.0], [3.0, 2.0]], expected=3.5),
            Case(shows="flat targets beside (N, 1), aligned: 1 and 9 over 2", fields={}, x=[[1.0], [2.0]],
                 targets=[0.0, 5.0], expected=5.0),
            Case(shows="the same, stretched: 1, 16, 4 and 9 over 4 pairs", fields={"broadcast": "stretch"},
                 x=[[1.0], [2.0]], targets=[0.0, 5.0], expected=7.5),
        ]  # fmt: skip
