"""cosine_similarity: minus the cosine of the angle between outputs and targets."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.entries import Shape, read_in
from parity.losses import Loss, loss_case
from parity.native import Native, same


class CosineSimilarity(Loss):
    """L = mean of -sum(o t), o and t being outputs and targets over their norms along ``axis``: -1 at best, 1 at worst.

    Keras makes a similarity a loss by its sign; it goes below 0. A norm is at least 1e-7, so a vector of zeros has the
    similarity 0, but no gradient that is a number: 1 / sqrt(0) is cut off when it is infinite. PyTorch's
    ``nn.CosineEmbeddingLoss`` is 1 higher, is told which pairs are alike, and adds 2e-16 to the squares.
    """

    kind: ClassVar[str] = "cosine_similarity"
    forms: ClassVar = ("one_hot", "column")
    source: ClassVar = read_in(keras="losses/losses", torch="nn/modules/loss")
    natives: ClassVar = {"keras": Native("keras.losses.CosineSimilarity", same("axis"), own={"axis": -1})}
    rule: ClassVar[str] = "-cos(outputs, targets)"

    axis: int = Field(default=-1, description="the axis along which a vector lies")

    def fault(self, shape: Shape) -> str:
        count = len(shape) + 1
        if -count <= self.axis < count:
            return super().fault(shape)
        return f"they have no axis {self.axis}: {count} with that of the rows, counted from 0"

    def unweighed(self, shape: Shape) -> str:
        """Return why rows cannot have weights: down the columns, no row has a loss of its own."""
        if self.axis in (-1, len(shape)):
            return ""
        return f"data.sample_weights weigh rows, and along axis {self.axis} a row has no loss of its own; say axis: -1"

    def formula(self, logits: bool) -> str:
        return """
            o = outputs / sqrt(maximum(sum(square(outputs), axis=axis, keepdims=True), 1e-14))
            t = targets / sqrt(maximum(sum(square(targets), axis=axis, keepdims=True), 1e-14))
            -sum(o * t, axis=axis)
        """

    @classmethod
    def cases(cls) -> list[Case]:
        x, y = [[3.0, 4.0], [0.0, 2.0]], [[4.0, 3.0], [0.0, -1.0]]
        return [
            loss_case("24/25 alike, and opposite: -0.96 and 1 over 2, whatever the lengths", x, y, 0.02),
            loss_case("down the columns: (3, 0) is (4, 0)'s way; (4, 2) has 10 of root 20 times root 10", x, y,
                      -(1.0 + 10.0 / 200.0**0.5) / 2, axis=0),
            loss_case("a row of zeros points nowhere", [[0.0, 0.0], [0.0, 2.0]], y, 0.5),
            loss_case("a sum", x, y, 0.04, reduction="sum"),
        ]  # fmt: skip
