"""sigmoid: y = 1 / (1 + exp(-x))."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.entries import read_in
from parity.native import Native


class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x)).

    Keras on TensorFlow remembers x behind the output; binary cross-entropy then works on x
    (``keras/src/activations/activations.py``, ``_keras_logits``).
    """

    kind: ClassVar[str] = "sigmoid"
    non_negative: ClassVar[bool] = True
    logits: ClassVar[bool] = True
    source: ClassVar = read_in(
        keras="activations/activations", tensorflow="ops/math_ops", torch="nn/modules/activation"
    )
    natives: ClassVar = {
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
