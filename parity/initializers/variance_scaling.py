"""variance_scaling: a scale over a fan is the variance, drawn in one of three ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, PositiveFloat

from parity.code import Case
from parity.initializers.scaled import Distribution, FanScaled
from parity.native import Native, same

if TYPE_CHECKING:
    from parity.code import Parameter


class VarianceScaling(FanScaled):
    """w of variance scale / n, n the fan in, the fan out or their mean; drawn uniformly, or normally with a cut or not.

    ``he_normal``, ``glorot_uniform`` and the like are cases of it. In Keras the distribution ``normal`` means
    ``truncated_normal``. PyTorch has none of the whole family; its program draws with the numbers worked out.
    """

    kind: ClassVar[str] = "variance_scaling"
    natives: ClassVar = {
        "keras": Native("keras.initializers.VarianceScaling", same("scale", "mode", "distribution"),
                        own={"scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal"}),
    }  # fmt: skip

    scale: PositiveFloat = Field(default=1.0, description="what is divided by the fan")
    mode: Literal["fan_in", "fan_out", "fan_avg"] = Field(default="fan_in", description="which fan, or their mean")
    distribution: Distribution = Field(default="truncated_normal", description="how the values are distributed")

    def variance(self, parameter: Parameter) -> float:
        mean = (parameter.fan_in + parameter.fan_out) / 2.0
        return self.scale / {"fan_in": parameter.fan_in, "fan_out": parameter.fan_out, "fan_avg": mean}[self.mode]

    def distributed(self) -> Distribution:
        return self.distribution

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[0.25, 0.5, 0.75]]
        return [
            Case(shows="cut, over a fan in of 1", fields={}, x=x,
                 expected=[[-0.7265726083068365, 0.0, 0.7265726083068365]]),
            Case(shows="not cut, over a fan out of 3", fields={"mode": "fan_out", "distribution": "untruncated_normal"},
                 x=x, expected=[[-0.38941683884135125, 0.0, 0.38941683884135125]]),
            Case(shows="uniform, over a mean of 2", x=x, expected=[[-1.5, 0.0, 1.5]],
                 fields={"scale": 6.0, "mode": "fan_avg", "distribution": "uniform"}),
        ]  # fmt: skip
