"""kaiming_normal: normal and not cut, scaled by a fan and by what stands behind the layer."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.initializers.kaiming import Kaiming
from parity.initializers.scaled import DRAWN, Distribution
from parity.native import Native, same


class KaimingNormal(Kaiming):
    """w ~ N(0, gain^2 / n), n the fan in or the fan out.

    Keras's ``he_normal`` has the same variance and cuts at 2.27 of its standard deviations; this cuts nowhere. The gain
    is that of what stands behind the layer: sqrt(2 / (1 + a^2)) for leaky_relu. Keras's ``VarianceScaling`` is told its
    square.
    """

    kind: ClassVar[str] = "kaiming_normal"
    drawn: ClassVar[Distribution] = "untruncated_normal"
    natives: ClassVar = {
        "keras": Native("keras.initializers.VarianceScaling",
                        {"scale": "scale", "mode": "mode", "distribution": "drawn"}),
        "tensorflow": DRAWN[drawn]["tensorflow"],
        "torch": Native("nn.init.kaiming_normal_", same("a", "mode", "nonlinearity"),
                        own={"a": 0.0, "mode": "fan_in", "nonlinearity": "leaky_relu"}),
    }  # fmt: skip

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[0.25, 0.5, 0.75]]
        return [
            Case(shows="over a fan of 1 the quartiles are at 0.6745 times the root of 2", fields={}, x=x,
                 expected=[[-0.9538725524089398, 0.0, 0.9538725524089398]]),
            Case(shows="fan out of 3, gain 3/4", fields={"mode": "fan_out", "nonlinearity": "selu"}, x=x,
                 expected=[[-0.29206262913101344, 0.0, 0.29206262913101344]]),
        ]  # fmt: skip
