"""zeros: every value 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.initializers import Initializer
from parity.lazy import np
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter


class Zeros(Initializer):
    """w = 0: Keras's default for biases; PyTorch's is U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""

    kind: ClassVar[str] = "zeros"
    random: ClassVar[bool] = False
    natives: ClassVar = {
        "keras": Native("keras.initializers.Zeros"),
        "tensorflow": Native("tf.zeros", {"shape": "shape", "dtype": ""}, leading=("shape", "dtype")),
        "torch": Native("nn.init.zeros_"),
    }  # fmt: skip

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        return np.zeros(parameter.shape)

    def level(self) -> float:
        return 0.0
