"""mape: the error as a percentage of the target."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.entries import read_in
from parity.losses import loss_case
from parity.losses.elementwise import STRETCHES, Elementwise
from parity.native import Native


class MAPE(Elementwise):
    """L = 100 times the mean of |targets - outputs| / max(|targets|, 1e-7).

    Percent, not shares: its gradient is 100 times that of the share. A target of 0 divides by 1e-7 (Keras's epsilon),
    so that one such row, off by 1, costs a billion and is all that the mean sees. PyTorch and TensorFlow have no such
    loss.
    """

    kind: ClassVar[str] = "mape"
    native: ClassVar = STRETCHES
    source: ClassVar = read_in(keras="losses/losses")
    natives: ClassVar = {"keras": Native("keras.losses.MeanAbsolutePercentageError")}
    rule: ClassVar[str] = "100 |targets - outputs| / |targets|"

    def formula(self, logits: bool) -> str:
        return "100.0 * abs(targets - outputs) / maximum(abs(targets), 1e-07)"

    @classmethod
    def cases(cls) -> list[Case]:
        x, y = [[1.0, 3.0], [-2.0, 4.0]], [[2.0, 2.0], [-4.0, 4.0]]
        return [
            loss_case("half of 2, of -4, half more than 2, and right: 50, 50, 50 and 0 over 4", x, y, 37.5),
            loss_case("a target of 0 missed by 1 costs a billion", [[1.0]], [[0.0]], 1e9),
            loss_case("every error, added up", x, y, 150.0, reduction="sum"),
        ]
