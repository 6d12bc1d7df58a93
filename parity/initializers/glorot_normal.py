"""glorot_normal: truncated normal, scaled by fan in and fan out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.code import Case
from parity.initializers.scaled import DRAWN, Distribution, FanScaled
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter


class GlorotNormal(FanScaled):
    """w ~ N(0, s^2) given |w| < 2 s, s = sqrt(2 / (fan_in + fan_out)) / 0.8796: the cut is made up for.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010), who do not
    cut; nor does PyTorch's ``xavier_normal_``, which is another entry. PyTorch's program draws it with
    ``trunc_normal_``.
    """

    kind: ClassVar[str] = "glorot_normal"
    drawn: ClassVar[Distribution] = "truncated_normal"
    natives: ClassVar = {"keras": Native("keras.initializers.GlorotNormal"), **DRAWN[drawn]}

    def variance(self, parameter: Parameter) -> float:
        return 2.0 / (parameter.fan_in + parameter.fan_out)

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="fans of 2 and 1: a variance of 2/3", fields={},
                 x=[[0.5], [0.75]], expected=[[0.0], [0.5932440504782719]]),
        ]  # fmt: skip
