"""he_uniform: uniform, scaled by fan in."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.code import Case
from parity.initializers.scaled import DRAWN, Distribution, FanScaled
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter


class HeUniform(FanScaled):
    """w ~ U(-limit, limit), limit = sqrt(6 / fan_in).

    He et al., "Delving deep into rectifiers" (2015). PyTorch's ``kaiming_uniform_`` is this at its defaults.
    """

    kind: ClassVar[str] = "he_uniform"
    drawn: ClassVar[Distribution] = "uniform"
    natives: ClassVar = {"keras": Native("keras.initializers.HeUniform"), **DRAWN[drawn]}

    def variance(self, parameter: Parameter) -> float:
        return 2.0 / parameter.fan_in

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="a fan of 1 fills the root of 6 both ways", fields={}, x=[[0.5, 0.75]],
                 expected=[[0.0, 1.224744871391589]]),
        ]  # fmt: skip
