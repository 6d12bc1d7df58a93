"""msle: the square of the difference of logarithms, each of one more."""

from __future__ import annotations

import math
from typing import ClassVar

from parity.code import Case
from parity.entries import read_in
from parity.losses import loss_case
from parity.losses.elementwise import STRETCHES, Elementwise
from parity.native import Native


class MSLE(Elementwise):
    """L = mean of (log(max(outputs, 1e-7) + 1) - log(max(targets, 1e-7) + 1))^2.

    Keras replaces what is below 1e-7, negative numbers above all: an output of -5 costs as much as one of 0, and has no
    gradient, so that a model that starts there stays there. PyTorch and TensorFlow have no such loss.
    """

    kind: ClassVar[str] = "msle"
    native: ClassVar = STRETCHES
    source: ClassVar = read_in(keras="losses/losses")
    natives: ClassVar = {"keras": Native("keras.losses.MeanSquaredLogarithmicError")}
    rule: ClassVar[str] = "(log(outputs + 1) - log(targets + 1))^2, both held to 1e-7 or more"

    def formula(self, logits: bool) -> str:
        return "square(log(maximum(outputs, 1e-07) + 1.0) - log(maximum(targets, 1e-07) + 1.0))"

    @classmethod
    def cases(cls) -> list[Case]:
        two, none = math.log(2.0) ** 2, (math.log(1.0 + 1e-7) - math.log(4.0)) ** 2
        x, y = [[1.0, 7.0], [-5.0, 2.0]], [[3.0, 3.0], [3.0, 2.0]]
        return [
            loss_case("2 to 4 and 8 to 4: a factor of 2 costs (log 2)^2 either way, and -5 what 1e-7 costs", x, y,
                      (2 * two + none) / 4),
            loss_case("every output, added up", x, y, 2 * two + none, reduction="sum"),
        ]  # fmt: skip
