"""categorical_crossentropy: -sum_c y_c log p_c, mean over the rows."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.entries import read_in
from parity.losses import CrossEntropy
from parity.native import Native


class CategoricalCrossentropy(CrossEntropy):
    """L = mean over rows of -sum_c y_c log p_c.

    From logits z: p = softmax(z), computed as log-softmax. From probabilities: p is renormalised to sum 1 and
    clipped to [1e-7, 1 - 1e-7], so a row costs at most 16.118 and a clipped one has no gradient.
    ``nn.NLLLoss(log p)`` does neither; ``nn.CrossEntropyLoss`` always reads logits. Keras on TensorFlow
    given softmax outputs uses the first formula on the logits behind them (``recover_logits``). Targets are rows that
    say how much each class counts; ``sparse_categorical_crossentropy`` takes the number of the one that does.
    """

    kind: ClassVar[str] = "categorical_crossentropy"
    behind: ClassVar[str | None] = "softmax"
    forms: ClassVar = ("one_hot",)
    native: ClassVar = {
        "tensorflow": {"from_logits": True}, "torch": {"from_logits": True},
    }  # fmt: skip
    source: ClassVar = read_in(keras="backend/tensorflow/nn", tensorflow="ops/nn_ops", torch="nn/modules/loss")
    natives: ClassVar = {
        "keras": Native(
            "keras.losses.CategoricalCrossentropy", {"from_logits": "from_logits"}, own={"from_logits": False}
        ),
        "tensorflow": Native("tf.nn.softmax_cross_entropy_with_logits", when={"from_logits": True}),
        "torch": Native(
            "nn.CrossEntropyLoss",
            when={"from_logits": True},
            why={"from_logits": "nn.NLLLoss neither renormalises nor clips"},
        ),
    }
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
        return [
            Case(shows="two equal logits cost log 2", fields={"from_logits": True}, x=[[0.0, 0.0]],
                 targets=[[1.0, 0.0]], expected=0.6931471805599453),
            Case(shows="a wrong row by 1000 costs 1000 from logits", fields={"from_logits": True},
                 x=[[1000.0, 0.0]], targets=[[0.0, 1.0]], expected=1000.0),
            Case(shows="a certain wrong row costs 16.118 from probabilities", fields={}, x=[[1.0, 0.0]],
                 targets=[[0.0, 1.0]], expected=16.11809565095832),
            Case(shows="probabilities are renormalised first; the mean is over rows", fields={},
                 x=[[1.0, 3.0], [2.0, 2.0]], targets=[[0.0, 1.0], [1.0, 0.0]], expected=0.49041462650586315),
        ]  # fmt: skip
