"""relu6: y = min(max(x, 0), 6)."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.native import Native


class Relu6(Activation):
    """y = x from 0 to 6, 0 below and 6 above; dy/dx is 0 at 0 and at 6, in every framework.

    A clipped x would not do: in every framework a clip has slope 1 at its limits.
    """

    kind: ClassVar[str] = "relu6"
    non_negative: ClassVar[bool] = True
    natives: ClassVar = {
        "keras": Native("keras.activations.relu6"),
        "tensorflow": Native("tf.nn.relu6"),
        "torch": Native("nn.ReLU6"),
    }

    def formula(self) -> str:
        return "where(x <= 0.0, 0.0, where(x >= 6.0, 6.0, x))"

    def says(self) -> str:
        return "x from 0 to 6, 0 below and 6 above"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="cuts at 0 and at 6, and has no slope at either", fields={}, x=[[-2.0, 0.0, 3.0, 6.0, 7.0]],
                 expected=[[0.0, 0.0, 3.0, 6.0, 6.0]]),
        ]  # fmt: skip
