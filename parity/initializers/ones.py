"""ones: every value 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.initializers import Initializer
from parity.lazy import np
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter


class Ones(Initializer):
    """w = 1: where the scale of a normalization starts, in every framework."""

    kind: ClassVar[str] = "ones"
    random: ClassVar[bool] = False
    natives: ClassVar = {
        "keras": Native("keras.initializers.Ones"),
        "tensorflow": Native("tf.ones", {"shape": "shape", "dtype": ""}, leading=("shape", "dtype")),
        "torch": Native("nn.init.ones_"),
    }  # fmt: skip

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        return np.ones(parameter.shape)

    def level(self) -> float:
        return 1.0
