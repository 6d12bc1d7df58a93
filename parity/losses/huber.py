"""huber: half the square of a small error, and a straight line from delta on."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, PositiveFloat

from parity.code import Case
from parity.entries import read_in
from parity.losses import loss_case
from parity.losses.elementwise import STRETCHES, Elementwise
from parity.native import Native, same


class Huber(Elementwise):
    """e = outputs - targets; L = mean of e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2.

    The same in Keras and PyTorch. The slope of the line is delta: ``smooth_l1`` is this over its beta, with a line of
    slope 1, which for delta 1 is the same loss. Raw TensorFlow has it in version 1 only, with its own reduction.
    """

    kind: ClassVar[str] = "huber"
    native: ClassVar = STRETCHES
    source: ClassVar = read_in(keras="losses/losses", torch="nn/functional")
    natives: ClassVar = {
        "keras": Native("keras.losses.Huber", same("delta"), own={"delta": 1.0}),
        "torch": Native("nn.HuberLoss", same("delta"), own={"delta": 1.0}),
    }
    rule: ClassVar[str] = "half the square of an error to delta, then a line of slope delta"

    delta: PositiveFloat = Field(default=1.0, description="error from which on the loss is a line, and its slope")

    def formula(self, logits: bool) -> str:
        return """
            e = outputs - targets
            where(abs(e) <= delta, 0.5 * square(e), delta * abs(e) - 0.5 * delta * delta)
        """

    @classmethod
    def cases(cls) -> list[Case]:
        x, y = [[1.0, 4.0], [0.0, -2.0]], [[0.5, 0.0], [0.0, 0.0]]
        return [
            loss_case("1/8, 3.5, 0 and 1.5 over 4", x, y, 1.28125),
            loss_case("delta 2: 1/8, 6, 0 and, at delta, 2: the line's slope is delta", x, y, 2.03125, delta=2.0),
            loss_case("every error, added up", x, y, 5.125, reduction="sum"),
        ]
