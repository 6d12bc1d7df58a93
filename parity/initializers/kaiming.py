"""What kaiming_uniform and kaiming_normal share: PyTorch's gains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from parity.entries import read_in
from parity.initializers.scaled import FanScaled

if TYPE_CHECKING:
    from parity.code import Parameter

SCALES = {"linear": 1.0, "sigmoid": 1.0, "tanh": 25.0 / 9.0, "relu": 2.0, "selu": 9.0 / 16.0}
"""Squares of the gains in ``nn.init.calculate_gain``; that of leaky_relu is worked out."""


class Kaiming(FanScaled):
    """Base of what He et al., "Delving deep into rectifiers" (2015), propose, as PyTorch has it: variance gain^2 / n.

    A gain of sqrt(2 / (1 + a^2)) for leaky_relu, which is the default; of sqrt(2) for relu, 5/3 for tanh, 3/4 for selu.
    """

    source: ClassVar = read_in(keras="initializers/random_initializers", torch="nn/init")

    a: float = Field(default=0.0, description="slope where x < 0 of the leaky_relu behind the layer; read for no other")
    mode: Literal["fan_in", "fan_out"] = Field(default="fan_in", description="which fan")
    nonlinearity: Literal["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"] = Field(
        default="leaky_relu", description="what stands behind the layer, and decides the gain"
    )

    def _scale(self) -> float:
        return 2.0 / (1.0 + self.a**2) if self.nonlinearity == "leaky_relu" else SCALES[self.nonlinearity]

    def variance(self, parameter: Parameter) -> float:
        return self._scale() / (parameter.fan_in if self.mode == "fan_in" else parameter.fan_out)

    def numbers(self, parameter: Parameter) -> dict[str, Any]:
        return super().numbers(parameter) | {"scale": self._scale()}
