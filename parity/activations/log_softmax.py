"""log_softmax: y_i = x_i - log(sum_j exp(x_j)) over the channels."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.native import Native


class LogSoftmax(Activation):
    """y_i = x_i - log(sum_j exp(x_j)) over the last axis (the channels).

    As ``nn.Softmax()``, ``nn.LogSoftmax()`` takes axis 0 of a 3-d tensor unless told: the axis is always written.
    """

    kind: ClassVar[str] = "log_softmax"
    elementwise: ClassVar[bool] = False
    natives: ClassVar = {
        "keras": Native("keras.activations.log_softmax"),
        "tensorflow": Native("tf.nn.log_softmax"),
        "torch": Native("nn.LogSoftmax"),
    }

    def formula(self) -> str:
        return "log_softmax(x)"

    def torch(self, channel_axis: int) -> str:
        return f"nn.LogSoftmax(dim={channel_axis})"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="two alike become -log 2", fields={}, x=[[1.0, 1.0]],
                 expected=[[-0.6931471805599453, -0.6931471805599453]]),
            Case(shows="a thousand does not overflow", fields={}, x=[[0.0, 1000.0]], expected=[[-1000.0, 0.0]]),
        ]  # fmt: skip
