"""softmin: y_i = exp(-x_i) / sum_j exp(-x_j) over the channels."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.native import Native


class Softmin(Activation):
    """y_i = exp(-x_i) / sum_j exp(-x_j) over the last axis (the channels): the softmax of -x.

    Only PyTorch has it, as ``nn.Softmin``, and as with ``nn.Softmax`` the axis is always written. ``softmax(-x)`` would
    do elsewhere, but for Keras, whose cross-entropies recover the logits of a softmax, and would work on -x.
    """

    kind: ClassVar[str] = "softmin"
    non_negative: ClassVar[bool] = True
    elementwise: ClassVar[bool] = False
    natives: ClassVar = {"torch": Native("nn.Softmin")}

    def formula(self) -> str:
        return "exp(log_softmax(-x))"

    def says(self) -> str:
        return "softmax(-x), which carries no logits that a loss would look for"

    def torch(self, channel_axis: int) -> str:
        return f"nn.Softmin(dim={channel_axis})"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="0, log 2 and log 4 become 4/7, 2/7 and 1/7", fields={},
                 x=[[0.0, 0.6931471805599453, 1.3862943611198906]], expected=[[4 / 7, 2 / 7, 1 / 7]]),
            Case(shows="minus a thousand does not overflow", fields={}, x=[[0.0, -1000.0]], expected=[[0.0, 1.0]]),
        ]  # fmt: skip
