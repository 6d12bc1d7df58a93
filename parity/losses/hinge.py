"""hinge: what an answer lacks of the margin 1, targets being -1 and 1."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.entries import read_in
from parity.losses import loss_case
from parity.losses.elementwise import STRETCHES, Elementwise
from parity.native import Native


class Hinge(Elementwise):
    """L = mean of max(1 - targets outputs, 0), targets -1 and 1; at the margin itself the slope is still there.

    Keras turns targets of 0 and 1 into -1 and 1, by a look at the batch: where all of it is 0 or 1, and not where a -1
    is among them. That is the meaning in every framework here. PyTorch has no such loss (``nn.HingeEmbeddingLoss`` is
    of distances), TensorFlow 1 turns them always.
    """

    kind: ClassVar[str] = "hinge"
    native: ClassVar = STRETCHES
    source: ClassVar = read_in(keras="losses/losses", torch="nn/modules/loss")
    natives: ClassVar = {
        "keras": Native("keras.losses.Hinge"),
        "keras_torch": Native("keras.losses.Hinge", never="on PyTorch has half the slope at the margin"),
    }
    rule: ClassVar[str] = "max(1 - targets outputs, 0), targets -1 and 1"

    def formula(self, logits: bool) -> str:
        return """
            binary = all((targets == 0.0) | (targets == 1.0))
            signs = where(binary, 2.0 * targets - 1.0, targets)
            margin = 1.0 - signs * outputs
            where(margin >= 0.0, margin, 0.0)
        """

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[0.5, -0.5], [3.0, 1.0]]
        return [
            loss_case("0.5, 0.5, nothing beyond the margin, and nothing at it", x, [[1.0, -1.0], [1.0, 1.0]], 0.25),
            loss_case("0 and 1 are taken for -1 and 1", x, [[1.0, 0.0], [1.0, 1.0]], 0.25),
            loss_case("but not beside -1: a 0 costs 1 whatever the output", x, [[1.0, -1.0], [1.0, 0.0]], 0.5),
            loss_case("the rows' means, added up", x, [[1.0, 0.0], [0.0, 1.0]], 2.5, reduction="sum_over_rows"),
            loss_case("a sum", x, [[1.0, 0.0], [0.0, 1.0]], 5.0, reduction="sum"),
        ]
