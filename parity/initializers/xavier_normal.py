"""xavier_normal: normal and not cut, scaled by fan in and fan out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PositiveFloat

from parity.code import Case
from parity.initializers.scaled import DRAWN, Distribution, FanScaled
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter


class XavierNormal(FanScaled):
    """w ~ N(0, 2 gain^2 / (fan_in + fan_out)).

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010), as PyTorch
    has it. Keras's ``glorot_normal`` has the same variance at gain 1 and cuts at 2.27 of its standard deviations.
    """

    kind: ClassVar[str] = "xavier_normal"
    short: ClassVar[str | None] = "gain"
    drawn: ClassVar[Distribution] = "untruncated_normal"
    natives: ClassVar = {
        "keras": Native(
            "keras.initializers.VarianceScaling", {"scale": "scale", "mode": "avg", "distribution": "drawn"}
        ),
        "tensorflow": DRAWN[drawn]["tensorflow"],
        "torch": Native("nn.init.xavier_normal_", {"gain": "gain"}, own={"gain": 1.0}),
    }

    gain: PositiveFloat = Field(default=1.0, description="what the values are multiplied by")

    def variance(self, parameter: Parameter) -> float:
        return 2.0 * self.gain**2 / (parameter.fan_in + parameter.fan_out)

    def numbers(self, parameter: Parameter) -> dict[str, Any]:
        return super().numbers(parameter) | {"scale": self.gain**2, "avg": "fan_avg"}

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[0.25, 0.5, 0.75]]
        return [
            Case(shows="fans of 1 and 3: half the variance", fields={}, x=x,
                 expected=[[-0.4769362762044699, 0.0, 0.4769362762044699]]),
            Case(shows="twice that at gain 2", fields={"gain": 2.0}, x=x,
                 expected=[[-0.9538725524089398, 0.0, 0.9538725524089398]]),
        ]  # fmt: skip
