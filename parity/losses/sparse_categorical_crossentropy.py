"""sparse_categorical_crossentropy: -log p of the class whose number the target is, mean over the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.code import Case, LossCode
from parity.lazy import differentiable as np
from parity.losses import EPSILON, CrossEntropy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from parity.activations import Activation


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
    forms: ClassVar[tuple[str, ...]] = ("index",)
    native: ClassVar[Mapping[str, Mapping[str, bool]]] = {"tensorflow": {"from_logits": True},
                                                          "torch": {"from_logits": True}}  # fmt: skip
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/backend/tensorflow/nn.py",
        "tensorflow": "tensorflow/python/ops/nn_ops.py",
        "torch": "torch/nn/modules/loss.py",
    }

    def formula(self, ending: Activation | None) -> str:
        if self.fused(ending):
            return "softmax cross-entropy of class numbers on the logits behind the softmax, mean over rows"
        if not self.from_logits:
            return "-log p of the class, p clipped to [1e-7, 1 - 1e-7] and renormalised, mean over rows"
        twice = ": softmax twice" if ending and ending.kind == "softmax" else ""
        taken = f" (the outputs of a {ending.kind}, taken as logits{twice})" if ending and ending.logits else ""
        return f"softmax cross-entropy of class numbers on logits{taken}, mean over rows"

    def losses(self, outputs: np.ndarray, targets: np.ndarray, logits: bool) -> np.ndarray:
        z = outputs if logits else np.log(np.clip(outputs, EPSILON, 1 - EPSILON))
        rows = np.log_softmax(z).reshape(targets.size, -1)
        return -rows[np.arange(len(rows)), targets.ravel().astype(int)]

    def keras(self, ending: Activation | None) -> LossCode:
        argument = "from_logits=True" if self.from_logits else ""
        doc = f"{self.formula(ending)}."
        made = f"keras.losses.SparseCategoricalCrossentropy({argument})"
        return self.keras_code(ending, made, doc[0].upper() + doc[1:])

    def tensorflow(self, logits: bool) -> LossCode:
        if logits:
            return LossCode(
                doc="Mean over the rows of -log softmax(z) at the row's class; the targets are its number.",
                body=(
                    "def loss(labels, outputs):",
                    "    rows = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=outputs)",
                    "    return tf.reduce_mean(rows)",
                    "return loss",
                ),
            )
        return LossCode(
            doc="Mean over the rows of -log p at the row's class, p clipped and renormalised.",
            body=(
                "def loss(labels, outputs):",
                f"    log_p = tf.math.log(tf.clip_by_value(outputs, {EPSILON!r}, 1 - {EPSILON!r}))",
                "    rows = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=log_p)",
                "    return tf.reduce_mean(rows)",
                "return loss",
            ),
        )

    def torch(self, logits: bool, rank: int) -> LossCode:
        rows = "outputs.flatten(0, -2), targets.flatten()" if rank > 2 else "outputs, targets"
        where = "as rows: nn.CrossEntropyLoss takes axis 1 for the classes, here they stand last" if rank > 2 else ""
        if logits:
            doc = "Mean over the rows of -log softmax(z) at the row's class; the targets are its number."
            if rank == 2:
                return LossCode(doc=doc, body=("return nn.CrossEntropyLoss()",))
            body = ("loss = nn.CrossEntropyLoss()", f"return lambda outputs, targets: loss({rows})")
            return LossCode(doc=doc, comment=where, body=body)
        return LossCode(
            doc="Mean over the rows of -log p at the row's class, p clipped and renormalised.",
            comment="; ".join(one for one in ("nn.NLLLoss neither clips nor renormalises", where) if one),
            body=(
                "def loss(outputs, targets):",
                f"    outputs = outputs.clamp({EPSILON!r}, 1 - {EPSILON!r}).log()",
                f"    return F.cross_entropy({rows})",
                "return loss",
            ),
        )

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
