"""categorical_crossentropy: -sum_c y_c log p_c, mean over the rows."""

from __future__ import annotations

import math
from typing import ClassVar

from parity.code import Case
from parity.losses import CrossEntropy, loss_case
from parity.native import Native, same


class CategoricalCrossentropy(CrossEntropy):
    """L = mean over rows of -sum_c y_c log p_c.

    From logits z: p = softmax(z), computed as log-softmax. From probabilities: p is renormalised and clipped to
    [1e-7, 1 - 1e-7], so a row costs at most 16.118 and a clipped one has no gradient. ``nn.NLLLoss(log p)`` does
    neither; ``nn.CrossEntropyLoss`` always reads logits. Keras on TensorFlow given softmax outputs uses the first
    formula on the logits behind them (``recover_logits``). Targets are rows that say how much each class counts.
    """

    kind: ClassVar[str] = "categorical_crossentropy"
    behind: ClassVar[str | None] = "softmax"
    forms: ClassVar = ("one_hot",)
    native: ClassVar = {name: {"from_logits": True} for name in ("tensorflow", "torch")}
    natives: ClassVar = {
        "keras": Native("keras.losses.CategoricalCrossentropy", same("from_logits"), own={"from_logits": False}),
        "tensorflow": Native("tf.nn.softmax_cross_entropy_with_logits", when={"from_logits": True}),
        "torch": Native("nn.CrossEntropyLoss", when={"from_logits": True},
                        why={"from_logits": "nn.NLLLoss neither renormalises nor clips"}),
    }  # fmt: skip
    rule: ClassVar[str] = "softmax cross-entropy"
    clipped: ClassVar[str] = "-sum(y log p), p renormalised and clipped to [1e-7, 1 - 1e-7]"

    def formula(self, logits: bool) -> str:
        if logits:
            return "-sum(targets * log_softmax(outputs), axis=-1)"
        return """
            p = outputs / sum(outputs, axis=-1, keepdims=True)
            p = clip(p, 1e-07, 1 - 1e-07)
            -sum(targets * log(p), axis=-1)
        """

    @classmethod
    def cases(cls) -> list[Case]:
        right = [[0.0, 1.0]]
        return [
            loss_case("two equal logits cost log 2", [[0.0, 0.0]], right, math.log(2.0), from_logits=True),
            loss_case("a wrong row by 1000 costs 1000 from logits", [[1000.0, 0.0]], right, 1000.0, from_logits=True),
            loss_case("a certain wrong row costs 16.118 from probabilities", [[1.0, 0.0]], right, -math.log(1e-7)),
            loss_case("renormalised first; mean over rows", [[1.0, 3.0], [2.0, 2.0]], right * 2, math.log(8 / 3) / 2),
        ]  # fmt: skip
