"""he_normal: truncated normal, scaled by fan in."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.code import Case
from parity.initializers.scaled import DRAWN, Distribution, FanScaled
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter


class HeNormal(FanScaled):
    """w ~ N(0, s^2) given |w| < 2 s, s = sqrt(2 / fan_in) / 0.8796: the cut is made up for.

    So the standard deviation that results is sqrt(2 / fan_in). He et al., "Delving deep into rectifiers" (2015), who do
    not cut. Keras does; PyTorch's ``kaiming_normal_`` does not, and has one value in 22 beyond the 2.27 standard
    deviations where Keras has none: the PyTorch program draws the cut one with ``trunc_normal_``.
    """

    kind: ClassVar[str] = "he_normal"
    drawn: ClassVar[Distribution] = "truncated_normal"
    natives: ClassVar = {"keras": Native("keras.initializers.HeNormal"), **DRAWN[drawn]}

    def variance(self, parameter: Parameter) -> float:
        return 2.0 / parameter.fan_in

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="a fan of 2: a variance of 1, and the quartile of a cut normal", fields={}, x=[[0.5], [0.75]],
                 expected=[[0.0], [0.7265726083068365]]),
        ]  # fmt: skip
