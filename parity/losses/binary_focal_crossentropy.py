"""binary_focal_crossentropy: a sigmoid cross-entropy in which what is nearly right counts less."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from pydantic import Field, NonNegativeFloat

from parity.activations import Activation
from parity.code import Case
from parity.entries import read_in
from parity.losses import loss_case
from parity.losses.crossentropies import CrossEntropy
from parity.losses.elementwise import STRETCHES, Elementwise
from parity.native import Native, same

OWN = {"alpha": 0.25, "gamma": 2.0, "apply_class_balancing": False, "from_logits": False, "label_smoothing": 0.0}


class BinaryFocalCrossentropy(Elementwise, CrossEntropy):
    """q = y p + (1 - y) (1 - p); L = mean over all elements of -(1 - q)^gamma (y log p + (1 - y) log(1 - p)).

    With ``apply_class_balancing`` times alpha for y = 1 and 1 - alpha for y = 0; without it alpha is read by nobody,
    where ``torchvision.ops.sigmoid_focal_loss`` always has it. From probabilities Keras clips p in the logarithms to
    [1e-7, 1 - 1e-7], and not in q. From logits Keras on TensorFlow takes the sigmoid and then finds the logits behind
    it again: nothing is clipped. PyTorch and TensorFlow have no such loss.
    """

    kind: ClassVar[str] = "binary_focal_crossentropy"
    behind: ClassVar[str | None] = "sigmoid"
    native: ClassVar = STRETCHES
    source: ClassVar = read_in(keras="losses/losses")
    natives: ClassVar = {
        "keras": Native("keras.losses.BinaryFocalCrossentropy", same(*OWN), own=OWN),
        "keras_torch": Native("keras.losses.BinaryFocalCrossentropy", same(*OWN), own=OWN, when={"from_logits": False},
                              why={"from_logits": "keras.losses.BinaryFocalCrossentropy on PyTorch clips what it makes "
                                   "of logits"}),
    }  # fmt: skip
    rule: ClassVar[str] = "sigmoid cross-entropy times (1 - q)^gamma"
    clipped: ClassVar[str] = "-(1 - q)^gamma (y log p + (1 - y) log(1 - p)), p clipped to [1e-7, 1 - 1e-7]"
    smoothing: ClassVar[str] = "targets * (1.0 - label_smoothing) + 0.5 * label_smoothing"

    alpha: NonNegativeFloat = Field(default=0.25, le=1.0, description="what y = 1 counts where classes are balanced")
    gamma: NonNegativeFloat = Field(default=2.0, description="power of 1 - q: how much less what is right counts")
    apply_class_balancing: bool = Field(default=False, description="times alpha, and 1 - alpha for y = 0")

    def formula(self, logits: bool) -> str:
        smoothed, y = self.labels()
        logs = ["log(clipped)", "log(1 - clipped)"]
        p = "p = outputs\nclipped = clip(p, 1e-07, 1 - 1e-07)"
        if logits:
            p, logs = "p = exp(log_sigmoid(outputs))", ["log_sigmoid(outputs)", "log_sigmoid(-outputs)"]
        balance = f"({y} * alpha + (1 - {y}) * (1 - alpha)) * " if self.apply_class_balancing else ""
        return f"""
            {smoothed}
            {p}
            q = {y} * p + (1 - {y}) * (1 - p)
            -({balance}(1.0 - q) ** gamma * ({y} * {logs[0]} + (1 - {y}) * {logs[1]}))
        """

    def inert(self, field: str, other: Any, ending: Activation | None) -> str:
        said = super().inert(field, other, ending)
        return said or ("classes are not balanced" if field == "alpha" and not self.apply_class_balancing else "")

    @classmethod
    def cases(cls) -> list[Case]:
        x, y, l4, l43 = [[0.25, 0.25]], [[1.0, 0.0]], math.log(4.0), math.log(4 / 3)
        return [
            loss_case("9/16 of log 4 and 1/16 of log 4/3", x, y, (9 * l4 + l43) / 32),
            loss_case("balanced: 1/4 of the one, 3/4 of the other", x, y, (9 * l4 + 3 * l43) / 128,
                      apply_class_balancing=True),
            loss_case("from logits, wrong by 500 costs 500, with q = 0", [[-500.0]], [[1.0]], 500.0, from_logits=True),
            loss_case("a certain wrong answer costs 16.118", [[0.0]], [[1.0]], -math.log(1e-7)),
            loss_case("smoothed by 1/2: q is 3/8", [[0.25]], [[1.0]], 25 / 64 * (0.75 * l4 + 0.25 * l43),
                      label_smoothing=0.5),
            loss_case("from logits, smoothed and balanced, as a sum", [[0.0]], [[1.0]], 3 / 32 * math.log(2.0),
                      from_logits=True, label_smoothing=0.5, apply_class_balancing=True, reduction="sum"),
        ]  # fmt: skip
