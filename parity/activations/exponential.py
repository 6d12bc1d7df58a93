"""exponential: y = exp(x)."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.native import Native


class Exponential(Activation):
    """y = exp(x), which overflows from 710 on in float64, and from 89 on in float32.

    PyTorch has no module of it.
    """

    kind: ClassVar[str] = "exponential"
    non_negative: ClassVar[bool] = True
    natives: ClassVar = {"keras": Native("keras.activations.exponential"), "tensorflow": Native("tf.exp")}

    def formula(self) -> str:
        return "exp(x)"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="0 becomes 1, log 2 becomes 2", fields={}, x=[[0.0, 0.6931471805599453]], expected=[[1.0, 2.0]]),
        ]
