"""l2: factor times the sum of the squares."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat

from parity.code import Case
from parity.entries import read_in
from parity.native import Native
from parity.regularizers import Regularizer


class L2(Regularizer):
    """loss += factor sum(w^2), so the gradient has 2 factor w more.

    ``weight_decay=d`` of PyTorch's optimizers (AdamW aside) adds d w to the gradient, without a trace in the loss: it
    is this with ``factor`` d / 2. ``tf.nn.l2_loss`` is sum(w^2) / 2. Keras's loss includes its regularizers; PyTorch
    has none: the program adds them to the loss.
    """

    kind: ClassVar[str] = "l2"
    short: ClassVar[str | None] = "factor"
    source: ClassVar = read_in(keras="regularizers/regularizers")

    natives: ClassVar = {"keras": Native("keras.regularizers.L2", {"l2": "factor"}, leading=("l2",))}

    factor: NonNegativeFloat = Field(default=0.01, description="what the sum of the squares is multiplied by")

    def formula(self) -> str:
        return "factor * sum(square(w))"

    def idle(self) -> bool:
        return self.factor == 0.0

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="the squares of 1, 2 and -3 are 14, and not halved", fields={"factor": 0.5},
                 x=[[1.0, 2.0, -3.0]], expected=7.0),
        ]  # fmt: skip
