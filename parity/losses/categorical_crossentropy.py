"""categorical_crossentropy: -sum_c y_c log p_c, mean over the rows."""

from __future__ import annotations

import math
from typing import ClassVar

from parity.code import Case
from parity.losses import loss_case
from parity.losses.crossentropies import OfClasses
from parity.native import Native, same

TOLD = {"from_logits": False, "label_smoothing": 0.0}


class CategoricalCrossentropy(OfClasses):
    """L = mean over rows of -sum_c y_c log p_c.

    From logits z: p = softmax(z), computed as log-softmax. From probabilities: p is renormalised and clipped to
    [1e-7, 1 - 1e-7], so a row costs at most 16.118 and a clipped one has no gradient. ``nn.NLLLoss(log p)`` does
    neither; ``nn.CrossEntropyLoss`` always reads logits. Keras on TensorFlow given softmax outputs uses the first
    formula on the logits behind them (``recover_logits``). Targets are rows that say how much each class counts.
    """

    kind: ClassVar[str] = "categorical_crossentropy"
    behind: ClassVar[str | None] = "softmax"
    forms: ClassVar = ("one_hot",)
    native: ClassVar = {
        **{name: {"from_logits": True} for name in ("tensorflow", "torch")},
        "keras_torch": {"recover_logits": False},  # Only on TensorFlow is there something behind a softmax.
    }
    natives: ClassVar = {
        "keras": Native("keras.losses.CategoricalCrossentropy", same(*TOLD), own=TOLD),
        "tensorflow": Native("tf.nn.softmax_cross_entropy_with_logits", when={"from_logits": True}),
        "torch": Native("nn.CrossEntropyLoss", same("label_smoothing"), own={"label_smoothing": 0.0},
                        when={"from_logits": True},
                        why={"from_logits": "nn.NLLLoss neither renormalises nor clips"}),
    }  # fmt: skip
    rule: ClassVar[str] = "softmax cross-entropy"
    clipped: ClassVar[str] = "-sum(y log p), p renormalised and clipped to [1e-7, 1 - 1e-7]"

    def formula(self, logits: bool) -> str:
        smoothed, labels = self.labels()
        if logits:
            return f"{smoothed}-sum({labels} * log_softmax(outputs), axis=-1)"
        return f"""
            {smoothed}
            p = outputs / sum(outputs, axis=-1, keepdims=True)
            p = clip(p, 1e-07, 1 - 1e-07)
            -sum({labels} * log(p), axis=-1)
        """

    @classmethod
    def cases(cls) -> list[Case]:
        right = [[0.0, 1.0]]
        rows, both, log2 = [[0.0, 0.0]] * 2, [[0.0, 1.0], [1.0, 0.0]], math.log(2.0)
        return [
            loss_case("two equal logits cost log 2", [[0.0, 0.0]], right, math.log(2.0), from_logits=True),
            loss_case("a wrong row by 1000 costs 1000 from logits", [[1000.0, 0.0]], right, 1000.0, from_logits=True),
            loss_case("a certain wrong row costs 16.118 from probabilities", [[1.0, 0.0]], right, -math.log(1e-7)),
            loss_case("renormalised first; mean over rows", [[1.0, 3.0], [2.0, 2.0]], right * 2, math.log(8 / 3) / 2),
            loss_case("smoothed by 1/2, the wrong class has 1/4: a right row by 4 costs 1", [[0.0, 4.0]], right,
                      1.0 + math.log1p(math.exp(-4.0)), from_logits=True, label_smoothing=0.5),
            loss_case("so from probabilities: 1/4 log 4 + 3/4 log 4/3", [[0.25, 0.75]], right,
                      0.25 * math.log(4.0) + 0.75 * math.log(4 / 3), label_smoothing=0.5),
            loss_case("a row of the second class counts 3 times, over 2 rows", rows, both, 2 * log2,
                      from_logits=True, class_weight=(1.0, 3.0)),
            loss_case("over the sum of the weights, 4", rows, both, log2, from_logits=True,
                      class_weight=(1.0, 3.0), divisor="weights"),
            loss_case("a sum, times a half: log 2", rows, both, log2, from_logits=True, reduction="sum", weight=0.5),
        ]  # fmt: skip
