"""constant: every value the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from parity.initializers import Initializer, shape_source
from parity.lazy import np

if TYPE_CHECKING:
    from parity.code import Parameter


class Constant(Initializer):
    """w = value."""

    kind: ClassVar[str] = "constant"
    short: ClassVar[str | None] = "value"
    random: ClassVar[bool] = False

    value: float = Field(default=0.0, description="what every element starts at")

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        return np.full(parameter.shape, self.value)

    def level(self) -> float:
        return self.value

    def keras(self, parameter: Parameter) -> str:
        return f"keras.initializers.Constant({self.value!r})"

    def tensorflow(self, parameter: Parameter) -> str:
        # Straight to the dtype, where tf.cast would go by way of float32.
        return f"tf.constant({self.value!r}, dtype, {shape_source(parameter)})"

    def torch(self, attribute: str, parameter: Parameter) -> str:
        return f"nn.init.constant_({attribute}, {self.value!r})"
