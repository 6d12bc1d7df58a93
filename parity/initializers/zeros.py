"""zeros: every value 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.initializers import Initializer, shape_source
from parity.lazy import np

if TYPE_CHECKING:
    from parity.code import Parameter


class Zeros(Initializer):
    """w = 0: Keras's default for biases; PyTorch's is U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""

    kind: ClassVar[str] = "zeros"
    random: ClassVar[bool] = False

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        return np.zeros(parameter.shape)

    def level(self) -> float:
        return 0.0

    def keras(self, parameter: Parameter) -> str:
        return '"zeros"'

    def tensorflow(self, parameter: Parameter) -> str:
        return f"tf.zeros({shape_source(parameter)}, dtype)"

    def torch(self, attribute: str, parameter: Parameter) -> str:
        return f"nn.init.zeros_({attribute})"
