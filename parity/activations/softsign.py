"""softsign: y = x / (1 + |x|)."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.native import Native


class Softsign(Activation):
    """y = x / (1 + |x|), the same in every framework; dy/dx is 1 at 0."""

    kind: ClassVar[str] = "softsign"
    natives: ClassVar = {
        "keras": Native("keras.activations.softsign"),
        "tensorflow": Native("tf.nn.softsign"),
        "torch": Native("nn.Softsign"),
    }

    def formula(self) -> str:
        return "x / (1.0 + abs(x))"

    @classmethod
    def cases(cls) -> list[Case]:
        return [Case(shows="3 becomes 3/4", fields={}, x=[[-1.0, 0.0, 3.0]], expected=[[-0.5, 0.0, 0.75]])]
