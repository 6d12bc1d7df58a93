"""ones: every value 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.initializers import Initializer, shape_source
from parity.lazy import np

if TYPE_CHECKING:
    from parity.code import Parameter


class Ones(Initializer):
    """w = 1: where the scale of a normalization starts, in every framework."""

    kind: ClassVar[str] = "ones"
    random: ClassVar[bool] = False

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        return np.ones(parameter.shape)

    def level(self) -> float:
        return 1.0

    def keras(self, parameter: Parameter) -> str:
        return '"ones"'

    def tensorflow(self, parameter: Parameter) -> str:
        return f"tf.ones({shape_source(parameter)}, dtype)"

    def torch(self, attribute: str, parameter: Parameter) -> str:
        return f"nn.init.ones_({attribute})"
