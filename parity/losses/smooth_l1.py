"""smooth_l1: PyTorch's Huber loss, over its beta."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat

from parity.code import Case
from parity.entries import read_in
from parity.losses import loss_case
from parity.losses.elementwise import STRETCHES, Elementwise
from parity.native import Native, same


class SmoothL1(Elementwise):
    """e = outputs - targets; L = mean of e^2 / (2 beta) where |e| < beta, else |e| - beta / 2; |e| for beta 0.

    ``huber`` with delta beta, over beta: a smaller beta makes the parabola steeper and leaves the line alone, where a
    smaller delta leaves the parabola and flattens the line. Keras and TensorFlow have no such loss.
    """

    kind: ClassVar[str] = "smooth_l1"
    native: ClassVar = STRETCHES
    source: ClassVar = read_in(torch="nn/functional")
    natives: ClassVar = {"torch": Native("nn.SmoothL1Loss", same("beta"), own={"beta": 1.0})}
    rule: ClassVar[str] = "the square of an error over 2 beta to beta, then a line of slope 1"

    beta: NonNegativeFloat = Field(default=1.0, description="error from which on the loss is a line")

    def formula(self, logits: bool) -> str:
        if not self.beta:
            return "abs(outputs - targets)"
        return """
            e = outputs - targets
            where(abs(e) < beta, 0.5 * square(e) / beta, abs(e) - 0.5 * beta)
        """

    @classmethod
    def cases(cls) -> list[Case]:
        x, y = [[1.0, 4.0], [0.0, -2.0]], [[0.5, 0.0], [0.0, 0.0]]
        return [
            loss_case("beta 1 is huber: 1/8, 3.5, 0 and 1.5 over 4", x, y, 1.28125),
            loss_case("beta 2: 1/16, 3, 0 and 1, half of huber's", x, y, 1.015625, beta=2.0),
            loss_case("beta 0: 1/2, 4, 0 and 2", x, y, 1.625, beta=0.0),
            loss_case("the rows' means, added up", x, y, 3.25, beta=0.0, reduction="sum_over_rows"),
        ]
