"""tanh: y = tanh(x)."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.entries import read_in
from parity.native import Native


class Tanh(Activation):
    """y = tanh(x), the same in every framework."""

    kind: ClassVar[str] = "tanh"
    source: ClassVar = read_in(
        keras="activations/activations", tensorflow="ops/math_ops", torch="nn/modules/activation"
    )
    natives: ClassVar = {
        "keras": Native("keras.activations.tanh"),
        "tensorflow": Native("tf.nn.tanh"),
        "torch": Native("nn.Tanh"),
    }

    def formula(self) -> str:
        return "tanh(x)"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="log 2 becomes 3/5", fields={}, x=[[0.0, 0.6931471805599453]], expected=[[0.0, 0.6]]),
        ]
