"""silu: y = x / (1 + exp(-x)), also called swish."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.entries import read_in
from parity.native import Native


class Silu(Activation):
    """y = x / (1 + exp(-x)), the same in every framework.

    Ramachandran et al., "Searching for activation functions" (2017), who call it swish.
    """

    kind: ClassVar[str] = "silu"
    source: ClassVar = read_in(keras="activations/activations", tensorflow="ops/nn_impl", torch="nn/modules/activation")
    natives: ClassVar = {
        "keras": Native("keras.activations.silu"),
        "tensorflow": Native("tf.nn.silu"),
        "torch": Native("nn.SiLU"),
    }

    def formula(self) -> str:
        return "x * expit(x)"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="log 3 keeps three quarters, its negative one", fields={},
                 x=[[-1.0986122886681098, 0.0, 1.0986122886681098]],
                 expected=[[-0.27465307216702745, 0.0, 0.8239592165010823]]),
        ]  # fmt: skip
