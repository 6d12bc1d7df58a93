"""sparse_categorical_crossentropy: -log p of the class whose number the target is, mean over the rows."""

from __future__ import annotations

import math
from typing import ClassVar

from parity.code import Case
from parity.losses import loss_case
from parity.losses.crossentropies import OfClasses
from parity.native import Native, Turned, same

WEIGHT = Turned("class_weight", back=lambda kept: None if kept is None else tuple(kept), source="torch.tensor({})")


class SparseCategoricalCrossentropy(OfClasses):
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
    native: ClassVar = {"tensorflow": {"from_logits": True}, "torch": {"from_logits": True, "divisor": "weights"}}
    natives: ClassVar = {
        "keras": Native("keras.losses.SparseCategoricalCrossentropy", same("from_logits"), own={"from_logits": False},
                        when={"label_smoothing": 0.0}, why={"label_smoothing": "which has no label_smoothing"}),
        "keras_torch": Native("keras.losses.SparseCategoricalCrossentropy", same("from_logits"),
                              own={"from_logits": False}, when={"label_smoothing": 0.0, "from_logits": True},
                              why={"label_smoothing": "which has no label_smoothing",
                                   "from_logits": "keras.losses.SparseCategoricalCrossentropy on PyTorch "
                                   "renormalises first and clips after that"}),
        "tensorflow": Native("tf.nn.sparse_softmax_cross_entropy_with_logits",
                             when={"from_logits": True, "label_smoothing": 0.0}),
        "torch": Native("nn.CrossEntropyLoss", {"label_smoothing": "label_smoothing", "weight": WEIGHT},
                        own={"label_smoothing": 0.0, "weight": None}, when={"from_logits": True},
                        why={"from_logits": "nn.NLLLoss neither clips nor renormalises"}),
    }  # fmt: skip
    rule: ClassVar[str] = "softmax cross-entropy of class numbers"
    clipped: ClassVar[str] = "-log p of the class, p clipped to [1e-7, 1 - 1e-7] and renormalised"
    as_logits: ClassVar[str] = "log(clip(outputs, 1e-07, 1 - 1e-07))"

    def formula(self, logits: bool) -> str:
        logs = f"log_softmax({'outputs' if logits else self.as_logits})"
        if not self.label_smoothing:
            return f"-picked({logs}, targets)"
        return f"""
            logs = {logs}
            -((1.0 - label_smoothing) * picked(logs, targets) + label_smoothing * mean(logs, axis=-1))
        """

    @classmethod
    def cases(cls) -> list[Case]:
        two = {"x": [[0.0, 0.0]] * 2, "targets": [1, 0], "from_logits": True, "class_weight": (1.0, 3.0)}
        return [
            loss_case("two equal logits cost log 2", [[0.0, 0.0]], [1], math.log(2.0), from_logits=True),
            loss_case("a wrong row by 1000 costs 1000 from logits", [[1000.0, 0.0]], [1], 1000.0, from_logits=True),
            loss_case("a certain wrong row costs 16.118 from probabilities", [[1.0, 0.0]], [1], 16.11809565095832),
            loss_case("probabilities are clipped, then renormalised: 3 counts as 1 beside 0.5 and costs log 1.5, not "
                      "log 3.5 / 3; the second row costs log 4; mean over rows", [[0.5, 3.0], [0.25, 0.75]], [1, 0],
                      0.8958797512806955),
            loss_case("smoothed by 1/2, the wrong class has 1/4: a right row by 4 costs 1", [[0.0, 4.0]], [1],
                      1.0 + math.log1p(math.exp(-4.0)), from_logits=True, label_smoothing=0.5),
            loss_case("so from probabilities: 1/4 log 4 + 3/4 log 4/3", [[0.25, 0.75]], [1],
                      0.25 * math.log(4.0) + 0.75 * math.log(4 / 3), label_smoothing=0.5),
            loss_case("a row of the second class counts 3 times, over 2 rows", expected=2 * math.log(2.0), **two),
            loss_case("over the sum of the weights, 4, as PyTorch has it", expected=math.log(2.0), divisor="weights",
                      **two),
            loss_case("smoothed, too", [[0.0, 4.0], [0.0, 4.0]], [1, 1], 3.0 + 3.0 * math.log1p(math.exp(-4.0)),
                      from_logits=True, label_smoothing=0.5, class_weight=(1.0, 3.0)),
        ]  # fmt: skip
