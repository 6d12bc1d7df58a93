"""sparse_categorical_crossentropy: -log p of the class whose number the target is, mean over the rows."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.entries import read_in
from parity.losses import CrossEntropy
from parity.native import Native


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
    native: ClassVar = {
        "tensorflow": {"from_logits": True}, "torch": {"from_logits": True},
    }  # fmt: skip
    source: ClassVar = read_in(keras="backend/tensorflow/nn", tensorflow="ops/nn_ops", torch="nn/modules/loss")
    natives: ClassVar = {
        "keras": Native(
            "keras.losses.SparseCategoricalCrossentropy", {"from_logits": "from_logits"}, own={"from_logits": False}
        ),
        "tensorflow": Native("tf.nn.sparse_softmax_cross_entropy_with_logits", when={"from_logits": True}),
        "torch": Native(
            "nn.CrossEntropyLoss",
            when={"from_logits": True},
            why={"from_logits": "nn.NLLLoss neither clips nor renormalises"},
        ),
    }
    rule: ClassVar[str] = "softmax cross-entropy of class numbers"
    clipped: ClassVar[str] = "-log p of the class, p clipped to [1e-7, 1 - 1e-7] and renormalised"
    as_logits: ClassVar[str] = "log(clip(outputs, 1e-07, 1 - 1e-07))"

    def formula(self, logits: bool) -> str:
        return f"-picked(log_softmax({'outputs' if logits else self.as_logits}), targets)"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="two equal logits cost log 2", fields={"from_logits": True}, x=[[0.0, 0.0]], targets=[1],
                 expected=0.6931471805599453),
            Case(shows="a wrong row by 1000 costs 1000 from logits", fields={"from_logits": True},
                 x=[[1000.0, 0.0]], targets=[1], expected=1000.0),
            Case(shows="a certain wrong row costs 16.118 from probabilities", fields={}, x=[[1.0, 0.0]], targets=[1],
                 expected=16.11809565095832),
            Case(shows="probabilities are clipped, then renormalised: 3 counts as 1 beside 0.5 and costs log 1.5, not "
                 "log 3.5 / 3; the second row costs log 4; mean over rows", fields={}, x=[[0.5, 3.0], [0.25, 0.75]],
                 targets=[1, 0], expected=0.8958797512806955),
        ]  # fmt: skip
