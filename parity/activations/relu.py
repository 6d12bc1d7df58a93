"""relu: y = max(x, 0), with gradient 0 at 0 in every framework."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.entries import read_in
from parity.native import Native


class Relu(Activation):
    """y = max(x, 0); dy/dx is 0 at x = 0.

    The relu primitives agree at the kink; ``maximum(x, 0)`` would not (gradient 1 in TensorFlow, 0.5 in
    PyTorch), so no template writes it that way.
    """

    kind: ClassVar[str] = "relu"
    non_negative: ClassVar[bool] = True
    keeps_positive: ClassVar[bool] = True
    source: ClassVar = read_in(
        keras="activations/activations", tensorflow="ops/gen_nn_ops", torch="nn/modules/activation"
    )
    natives: ClassVar = {
        "keras": Native("keras.activations.relu"),
        "tensorflow": Native("tf.nn.relu"),
        "torch": Native("nn.ReLU"),
    }

    def formula(self) -> str:
        return "where(x <= 0.0, 0.0, x)"  # What is no number stays so.

    @classmethod
    def cases(cls) -> list[Case]:
        return [Case(shows="cuts at zero", fields={}, x=[[-2.0, 0.0, 3.0]], expected=[[0.0, 0.0, 3.0]])]
