"""tanh_shrink: y = x - tanh(x)."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.native import Native


class TanhShrink(Activation):
    """y = x - tanh(x), about x^3 / 3 near 0, where its digits cancel. Raw TensorFlow has none."""

    kind: ClassVar[str] = "tanh_shrink"
    natives: ClassVar = {"keras": Native("keras.activations.tanh_shrink"), "torch": Native("nn.Tanhshrink")}

    def formula(self) -> str:
        return "x - tanh(x)"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="log 2 loses 3/5", fields={}, x=[[0.0, 0.6931471805599453]],
                 expected=[[0.0, 0.09314718055994533]]),
        ]  # fmt: skip
