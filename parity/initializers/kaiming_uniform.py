"""kaiming_uniform: uniform, scaled by a fan and by what stands behind the layer."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.initializers.kaiming import Kaiming
from parity.initializers.scaled import DRAWN, Distribution
from parity.native import Native, same


class KaimingUniform(Kaiming):
    """w ~ U(-limit, limit), limit = gain sqrt(3 / n), n the fan in or the fan out.

    At its defaults this is ``he_uniform``, and with ``a = sqrt(5)`` what PyTorch starts its layers at
    (``fan_in_uniform``). The gain is that of what stands behind the layer: sqrt(2 / (1 + a^2)) for leaky_relu. Keras's
    ``VarianceScaling`` is told its square.
    """

    kind: ClassVar[str] = "kaiming_uniform"
    drawn: ClassVar[Distribution] = "uniform"
    natives: ClassVar = {
        "keras": Native("keras.initializers.VarianceScaling",
                        {"scale": "scale", "mode": "mode", "distribution": "drawn"}),
        "tensorflow": DRAWN[drawn]["tensorflow"],
        "torch": Native("nn.init.kaiming_uniform_", same("a", "mode", "nonlinearity"),
                        own={"a": 0.0, "mode": "fan_in", "nonlinearity": "leaky_relu"}),
    }  # fmt: skip

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[0.25, 0.5, 0.75]]
        return [
            Case(shows="a slope of sqrt 2 leaves a gain of sqrt(2/3): over a fan of 1 it fills the root of 2",
                 fields={"a": 2.0**0.5}, x=x, expected=[[-(0.5**0.5), 0.0, 0.5**0.5]]),
            Case(shows="fan out of 3, gain 5/3", fields={"mode": "fan_out", "nonlinearity": "tanh", "a": 1.0}, x=x,
                 expected=[[-5 / 6, 0.0, 5 / 6]]),
        ]  # fmt: skip
