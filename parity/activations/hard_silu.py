"""hard_silu: y = x hard_sigmoid(x), also called hard_swish."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.native import Native


class HardSilu(Activation):
    """y = x (x + 3) / 6 from -3 to 3, 0 below and x above; dy/dx is 0 at -3, 1 at 3.

    Howard et al., "Searching for MobileNetV3" (2019), who call it h-swish. Its slope jumps from -1/2 to 0 at -3 and
    from 3/2 to 1 at 3. Raw TensorFlow has none.
    """

    kind: ClassVar[str] = "hard_silu"
    natives: ClassVar = {"keras": Native("keras.activations.hard_silu"), "torch": Native("nn.Hardswish")}

    def formula(self) -> str:
        return "x * where(x <= -3.0, 0.0, where(x >= 3.0, 1.0, (x + 3.0) / 6.0))"

    def says(self) -> str:
        return "x times a line from 0 at -3 to 1 at 3"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="-1.5 keeps a quarter; the slopes at the corners are those outside", fields={},
                 x=[[-3.0, -1.5, 1.0, 3.0]], expected=[[0.0, -0.375, 2 / 3, 3.0]]),
        ]  # fmt: skip
