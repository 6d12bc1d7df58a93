"""sparse_categorical_crossentropy: -log p of the class whose number the target is, mean over the rows."""

from __future__ import annotations

import math
from typing import ClassVar

from parity.code import Case
from parity.losses import CrossEntropy, loss_case
from parity.native import Native, same


class SparseCategoricalCrossentropy(CrossEntropy):
    """L = mean over rows of -log p_y, y being the number of the row's class.

    From logits z: p = softmax(z), computed as log-softmax; that is ``categorical_crossentropy`` of one-hot rows. From
    probabilities: p is clipped to [1e-7, 1 - 1e-7] first and brought to sum 1 after that, as Keras on TensorFlow has
    it, where ``categorical_crossentropy`` does so the other way round. ``nn.CrossEntropyLoss`` and ``nn.NLLLoss`` take
    numbers of classes, too; the first reads logits, the second log p as it is. Targets are integers from 0, without the
    axis of the classes; rows that are stored as one-hot are handed on as the numbers they stand for. Keras on
    TensorFlow given softmax outputs uses the first formula on the logits behind them (``recover_logits``).
    """

    kind: ClassVar[str] = "sparse_categorical_crossentropy"
    behind: ClassVar[str | None] = "softmax"
    forms: ClassVar = ("index",)
    native: ClassVar = {name: {"from_logits": True} for name in ("tensorflow", "torch")}
    natives: ClassVar = {
        "keras": Native("keras.losses.SparseCategoricalCrossentropy", same("from_logits"), own={"from_logits": False}),
        "tensorflow": Native("tf.nn.sparse_softmax_cross_entropy_with_logits", when={"from_logits": True}),
        "torch": Native("nn.CrossEntropyLoss", when={"from_logits": True},
                        why={"from_logits": "nn.NLLLoss neither clips nor renormalises"}),
    }  # fmt: skip
    rule: ClassVar[str] = "softmax cross-entropy of class numbers"
    clipped: ClassVar[str] = "-log p of the class, p clipped to [1e-7, 1 - 1e-7] and renormalised"
    as_logits: ClassVar[str] = "log(clip(outputs, 1e-07, 1 - 1e-07))"

    def formula(self, logits: bool) -> str:
        return f"-picked(log_softmax({'outputs' if logits else self.as_logits}), targets)"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            loss_case("two equal logits cost log 2", [[0.0, 0.0]], [1], math.log(2.0), from_logits=True),
            loss_case("a wrong row by 1000 costs 1000 from logits", [[1000.0, 0.0]], [1], 1000.0, from_logits=True),
            loss_case("a certain wrong row costs 16.118 from probabilities", [[1.0, 0.0]], [1], 16.11809565095832),
            loss_case("probabilities are clipped, then renormalised: 3 counts as 1 beside 0.5 and costs log 1.5, not "
                      "log 3.5 / 3; the second row costs log 4; mean over rows", [[0.5, 3.0], [0.25, 0.75]], [1, 0],
                      0.8958797512806955),
        ]  # fmt: skip
