"""mish: y = x tanh(log(1 + exp(x)))."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.native import Native


class Mish(Activation):
    """y = x tanh(softplus(x)), softplus(x) = log(1 + exp(x)).

    Misra, "Mish: a self regularized non-monotonic activation function" (2019). TensorFlow has none of its own.
    """

    kind: ClassVar[str] = "mish"
    natives: ClassVar = {"keras": Native("keras.activations.mish"), "torch": Native("nn.Mish")}

    def formula(self) -> str:
        return "x * tanh(softplus(x))"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="0 stays, log 2 keeps tanh(log 3) = 4/5", fields={}, x=[[0.0, 0.6931471805599453]],
                 expected=[[0.0, 0.5545177444479562]]),
            Case(shows="beyond 20 nothing is cut short", fields={}, x=[[-21.0, 21.0]],
                 expected=[[-1.5923376892578005e-08, 21.0]]),
        ]  # fmt: skip
