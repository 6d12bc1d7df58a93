"""log_sigmoid: y = log(1 / (1 + exp(-x)))."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.entries import read_in
from parity.native import Native


class LogSigmoid(Activation):
    """y = log(1 / (1 + exp(-x))) = -softplus(-x), which is x for very negative ones, where the logarithm is of 0."""

    kind: ClassVar[str] = "log_sigmoid"
    source: ClassVar = read_in(
        keras="activations/activations", tensorflow="ops/math_ops", torch="nn/modules/activation"
    )
    natives: ClassVar = {
        "keras": Native("keras.activations.log_sigmoid"),
        "tensorflow": Native("tf.math.log_sigmoid"),
        "torch": Native("nn.LogSigmoid"),
    }

    def formula(self) -> str:
        return "-softplus(-x)"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="0 becomes -log 2; minus a thousand stays, and does not overflow", fields={}, x=[[0.0, -1000.0]],
                 expected=[[-0.6931471805599453, -1000.0]]),
        ]  # fmt: skip
