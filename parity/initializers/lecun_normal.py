"""lecun_normal: truncated normal, scaled by fan in."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.code import Case
from parity.initializers.scaled import DRAWN, Distribution, FanScaled
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter


class LecunNormal(FanScaled):
    """w ~ N(0, s^2) given |w| < 2 s, s = sqrt(1 / fan_in) / 0.8796: the cut is made up for.

    LeCun et al., "Efficient BackProp" (1998); what selu was made for. PyTorch has none: ``kaiming_normal_`` with
    ``nonlinearity="linear"`` has the same variance, and does not cut.
    """

    kind: ClassVar[str] = "lecun_normal"
    drawn: ClassVar[Distribution] = "truncated_normal"
    natives: ClassVar = {"keras": Native("keras.initializers.LecunNormal"), **DRAWN[drawn]}

    def variance(self, parameter: Parameter) -> float:
        return 1.0 / parameter.fan_in

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="a fan of 2: a variance of 1/2", fields={}, x=[[0.5], [0.75]],
                 expected=[[0.0], [0.5137644183581613]]),
        ]  # fmt: skip
