"""softmax: y_i = exp(x_i) / sum_j exp(x_j) over the channels."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.native import Native


class Softmax(Activation):
    """y_i = exp(x_i) / sum_j exp(x_j) over the last axis (the channels).

    PyTorch's ``nn.Softmax()`` without ``dim`` takes axis 0 of a 3-d tensor: the axis is always written.
    Keras on TensorFlow remembers x behind the output, and cross-entropies then work on x
    (``keras/src/activations/activations.py``, ``_keras_logits``).
    """

    kind: ClassVar[str] = "softmax"
    non_negative: ClassVar[bool] = True
    logits: ClassVar[bool] = True
    elementwise: ClassVar[bool] = False
    natives: ClassVar = {
        "keras": Native("keras.activations.softmax"),
        "tensorflow": Native("tf.nn.softmax"),
        "torch": Native("nn.Softmax"),
    }

    def formula(self) -> str:
        return """
            e = exp(x - max(constant(x), axis=-1, keepdims=True))
            e / sum(e, axis=-1, keepdims=True)
        """

    def torch(self, channel_axis: int) -> str:
        return f"nn.Softmax(dim={channel_axis})"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="0, log 2 and log 5 become 1/8, 2/8 and 5/8", fields={},
                 x=[[0.0, 0.6931471805599453, 1.6094379124341003]], expected=[[0.125, 0.25, 0.625]]),
            Case(shows="a thousand does not overflow", fields={}, x=[[0.0, 1000.0]], expected=[[0.0, 1.0]]),
        ]  # fmt: skip
