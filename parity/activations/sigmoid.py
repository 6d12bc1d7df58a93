"""sigmoid: y = 1 / (1 + exp(-x))."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.native import Native

if TYPE_CHECKING:
    from collections.abc import Mapping


class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x)).

    Keras on TensorFlow remembers x behind the output; binary cross-entropy then works on x
    (``keras/src/activations/activations.py``, ``_keras_logits``).
    """

    kind: ClassVar[str] = "sigmoid"
    non_negative: ClassVar[bool] = True
    logits: ClassVar[bool] = True
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/activations/activations.py",
        "tensorflow": "tensorflow/python/ops/math_ops.py",
        "torch": "torch/nn/modules/activation.py",
    }
    natives: ClassVar[Mapping[str, Native]] = {
        "keras": Native("keras.activations.sigmoid"),
        "tensorflow": Native("tf.nn.sigmoid"),
        "torch": Native("nn.Sigmoid"),
    }

    def formula(self) -> str:
        return "expit(x)"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="0 becomes a half, log 3 three quarters", fields={}, x=[[0.0, 1.0986122886681098]],
                 expected=[[0.5, 0.75]]),
        ]  # fmt: skip
