"""lecun_uniform: uniform, scaled by fan in."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.code import Case
from parity.initializers.scaled import DRAWN, Distribution, FanScaled
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter


class LecunUniform(FanScaled):
    """w ~ U(-limit, limit), limit = sqrt(3 / fan_in).

    LeCun et al., "Efficient BackProp" (1998). PyTorch's default is U(-sqrt(1 / n), sqrt(1 / n)), a third of that
    variance.
    """

    kind: ClassVar[str] = "lecun_uniform"
    drawn: ClassVar[Distribution] = "uniform"
    natives: ClassVar = {"keras": Native("keras.initializers.LecunUniform"), **DRAWN[drawn]}

    def variance(self, parameter: Parameter) -> float:
        return 1.0 / parameter.fan_in

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="a fan of 3 fills -1 to 1", fields={}, x=[[0.25], [0.5], [0.875]],
                 expected=[[-0.5], [0.0], [0.75]]),
        ]  # fmt: skip
