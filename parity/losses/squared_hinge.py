"""squared_hinge: the square of what an answer lacks of the margin 1."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.losses import loss_case
from parity.losses.hinge import Hinge
from parity.native import Native


class SquaredHinge(Hinge):
    """L = mean of max(1 - targets outputs, 0)^2, targets -1 and 1; smooth at the margin, where ``hinge`` has a corner.

    Keras turns targets of 0 and 1 into -1 and 1 where a batch has no others, see ``hinge``. PyTorch has no such loss;
    its ``nn.MultiMarginLoss(p=2)`` compares the classes of a row with one another.
    """

    kind: ClassVar[str] = "squared_hinge"
    natives: ClassVar = {"keras": Native("keras.losses.SquaredHinge")}
    rule: ClassVar[str] = "max(1 - targets outputs, 0)^2, targets -1 and 1"

    def formula(self, logits: bool) -> str:
        *before, last = super().formula(logits).strip().splitlines()
        return "\n".join([*before, f"square({last.strip()})"])

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[0.5, -0.5], [3.0, -1.0]]
        return [
            loss_case("1/4, 1/4, nothing and, on the wrong side by 2, 4", x, [[1.0, -1.0], [1.0, 1.0]], 1.125),
            loss_case("0 and 1 are taken for -1 and 1", x, [[1.0, 0.0], [1.0, 1.0]], 1.125),
            loss_case("a sum", x, [[1.0, 0.0], [1.0, 1.0]], 4.5, reduction="sum"),
        ]
