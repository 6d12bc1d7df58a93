"""hard_tanh: y = x cut off at -1 and at 1."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.native import Native

FLAT = "has slope 0 at -1 and 1, where a clip has 1"


class HardTanh(Activation):
    """y = min(max(x, -1), 1); dy/dx is 1 at -1 and at 1.

    Keras clips, and a clip has slope 1 at its limits. ``nn.Hardtanh`` has slope 0 there (so has ``nn.ReLU6``, made of
    it), and Keras on PyTorch with it: the programs of both clip, too.
    """

    kind: ClassVar[str] = "hard_tanh"
    natives: ClassVar = {
        "keras": Native("keras.activations.hard_tanh"),
        "keras_torch": Native("keras.activations.hard_tanh", never=f"on PyTorch {FLAT}"),
        "torch": Native("nn.Hardtanh", never=FLAT),
    }

    def formula(self) -> str:
        return "clip(x, -1.0, 1.0)"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="cuts at -1 and at 1, and has slope 1 at both", fields={}, x=[[-2.0, -1.0, 0.5, 1.0]],
                 expected=[[-1.0, -1.0, 0.5, 1.0]]),
        ]  # fmt: skip
