"""tanh: y = tanh(x)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.native import Native

if TYPE_CHECKING:
    from collections.abc import Mapping


class Tanh(Activation):
    """y = tanh(x), the same in every framework."""

    kind: ClassVar[str] = "tanh"
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/activations/activations.py",
        "tensorflow": "tensorflow/python/ops/math_ops.py",
        "torch": "torch/nn/modules/activation.py",
    }
    natives: ClassVar[Mapping[str, Native]] = {
        "keras": Native("keras.activations.tanh"),
        "tensorflow": Native("tf.nn.tanh"),
        "torch": Native("nn.Tanh"),
    }

    def formula(self) -> str:
        return "tanh(x)"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="log 2 becomes 3/5", fields={}, x=[[0.0, 0.6931471805599453]], expected=[[0.0, 0.6]]),
        ]
