"""categorical_focal_crossentropy: a cross-entropy in which what is nearly right counts less."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from pydantic import Field, NonNegativeFloat

from parity.activations import Activation
from parity.code import Case
from parity.entries import read_in
from parity.losses import loss_case
from parity.losses.crossentropies import OfClasses
from parity.native import Native, same

TOLD = {"alpha": 0.25, "gamma": 2.0, "from_logits": False, "label_smoothing": 0.0}


class CategoricalFocalCrossentropy(OfClasses):
    """L = mean over rows of -alpha sum_c y_c (1 - p_c)^gamma log p_c (Lin and others, 2017).

    alpha is one factor of all classes, so by default the loss is a quarter of what the paper's formula gives without
    it. Keras renormalises and clips p to [1e-7, 1 - 1e-7] from logits, too: softmax, then the same formula, so a row
    costs at most alpha times 16.118 and it makes no difference whether logits are recovered. PyTorch and TensorFlow
    have no such loss.
    """

    kind: ClassVar[str] = "categorical_focal_crossentropy"
    behind: ClassVar[str | None] = "softmax"
    forms: ClassVar = ("one_hot",)
    source: ClassVar = read_in(keras="losses/losses")
    natives: ClassVar = {"keras": Native("keras.losses.CategoricalFocalCrossentropy", same(*TOLD), own=TOLD)}
    rule: ClassVar[str] = "softmax cross-entropy times alpha (1 - p)^gamma"
    clipped: ClassVar[str] = "-alpha sum(y (1 - p)^gamma log p), p renormalised and clipped to [1e-7, 1 - 1e-7]"

    alpha: NonNegativeFloat = Field(default=0.25, description="factor of all classes alike")
    gamma: NonNegativeFloat = Field(default=2.0, description="power of 1 - p: how much less what is right counts")

    def formula(self, logits: bool) -> str:
        smoothed, labels = self.labels()
        p = "exp(log_softmax(outputs))" if logits else "outputs / sum(outputs, axis=-1, keepdims=True)"
        return f"""
            {smoothed}
            p = clip({p}, 1e-07, 1 - 1e-07)
            -sum(alpha * (1.0 - p) ** gamma * {labels} * log(p), axis=-1)
        """

    def inert(self, field: str, other: Any, ending: Activation | None) -> str:
        said = super().inert(field, other, ending)
        return said or (
            "probabilities are made of the logits again: rounding moves, nothing else"
            if field == "recover_logits"
            else ""
        )

    @classmethod
    def cases(cls) -> list[Case]:
        y, three = [[1.0, 0.0]], math.log(4.0) * 0.25 * 9 / 16
        return [
            loss_case("p = 1/4: a quarter of 9/16 of log 4", [[0.25, 0.75]], y, three),
            loss_case("renormalised first", [[0.5, 1.5]], y, three),
            loss_case("the same from logits", [[0.0, math.log(3.0)]], y, three, from_logits=True),
            loss_case("without alpha and gamma it is the cross-entropy", [[0.25, 0.75]], y, math.log(4.0), alpha=1.0,
                      gamma=0.0),
            loss_case("a surely wrong row costs 16.118 from logits, too", [[-500.0, 500.0]], y, -math.log(1e-7),
                      from_logits=True, alpha=1.0, gamma=0.0),
            loss_case("smoothed by 1/2, the second row counting twice", [[0.5, 0.5]] * 2, [[1.0, 0.0], [0.0, 1.0]],
                      1.5 * math.log(2.0), alpha=4.0, label_smoothing=0.5, class_weight=(1.0, 2.0)),
        ]  # fmt: skip
