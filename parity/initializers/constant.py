"""constant: every value the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from parity.initializers import Initializer
from parity.lazy import np
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter


class Constant(Initializer):
    """w = value."""

    kind: ClassVar[str] = "constant"
    short: ClassVar[str | None] = "value"
    random: ClassVar[bool] = False
    natives: ClassVar = {
        "keras": Native("keras.initializers.Constant", {"value": "value"}, leading=("value",)),
        # Straight to the dtype, where tf.cast would go by way of float32.
        "tensorflow": Native("tf.constant", {"value": "value", "dtype": "", "shape": "shape"},
                             leading=("value", "dtype", "shape")),
        "torch": Native("nn.init.constant_", {"val": "value"}, leading=("val",)),
    }  # fmt: skip

    value: float = Field(default=0.0, description="what every element starts at")

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        return np.full(parameter.shape, self.value)

    def level(self) -> float:
        return self.value
