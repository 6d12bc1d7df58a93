"""categorical_crossentropy: -sum_c y_c log p_c, mean over the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.code import Case, LossCode
from parity.lazy import differentiable as np
from parity.losses import EPSILON, CrossEntropy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from parity.activations import Activation


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
    forms: ClassVar[tuple[str, ...]] = ("one_hot",)
    native: ClassVar[Mapping[str, Mapping[str, bool]]] = {"tensorflow": {"from_logits": True},
                                                          "torch": {"from_logits": True}}  # fmt: skip
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/backend/tensorflow/nn.py",
        "tensorflow": "tensorflow/python/ops/nn_ops.py",
        "torch": "torch/nn/modules/loss.py",
    }

    def formula(self, ending: Activation | None) -> str:
        if self.fused(ending):
            return "softmax cross-entropy on the logits behind the softmax, mean over rows"
        if not self.from_logits:
            return "-sum(y log p), p renormalised and clipped to [1e-7, 1 - 1e-7], mean over rows"
        twice = ": softmax twice" if ending and ending.kind == "softmax" else ""
        taken = f" (the outputs of a {ending.kind}, taken as logits{twice})" if ending and ending.logits else ""
        return f"softmax cross-entropy on logits{taken}, mean over rows"

    def losses(self, outputs: np.ndarray, targets: np.ndarray, logits: bool) -> np.ndarray:
        if logits:
            return -(targets * np.log_softmax(outputs)).sum(axis=-1)
        p = outputs / outputs.sum(axis=-1, keepdims=True)
        return -(targets * np.log(np.clip(p, EPSILON, 1 - EPSILON))).sum(axis=-1)

    def keras(self, ending: Activation | None) -> LossCode:
        argument = "from_logits=True" if self.from_logits else ""
        doc = f"{self.formula(ending)}."
        return self.keras_code(ending, f"keras.losses.CategoricalCrossentropy({argument})", doc[0].upper() + doc[1:])

    def tensorflow(self, logits: bool) -> LossCode:
        if logits:
            return LossCode(
                doc="Mean over the rows of -sum(y log softmax(z)).",
                body=(
                    "def loss(labels, outputs):",
                    "    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=outputs))",
                    "return loss",
                ),
            )
        return LossCode(
            doc="Mean over the rows of -sum(y log p), p renormalised and clipped.",
            body=(
                "def loss(labels, outputs):",
                "    p = outputs / tf.reduce_sum(outputs, axis=-1, keepdims=True)",
                f"    p = tf.clip_by_value(p, {EPSILON!r}, 1 - {EPSILON!r})",
                "    return tf.reduce_mean(-tf.reduce_sum(labels * tf.math.log(p), axis=-1))",
                "return loss",
            ),
        )

    def torch(self, logits: bool, rank: int) -> LossCode:
        if logits and rank > 2:
            return LossCode(
                doc="Mean over the rows of -sum(y log softmax(z)); the targets are one-hot rows.",
                comment="as rows: nn.CrossEntropyLoss takes axis 1 for the classes, here they stand last",
                body=(
                    "loss = nn.CrossEntropyLoss()",
                    "return lambda outputs, targets: loss(outputs.flatten(0, -2), targets.flatten(0, -2))",
                ),
            )
        if logits:
            return LossCode(
                doc="Mean over the rows of -sum(y log softmax(z)); the targets are one-hot rows.",
                body=("return nn.CrossEntropyLoss()",),
            )
        return LossCode(
            doc="Mean over the rows of -sum(y log p), p renormalised and clipped.",
            comment="nn.NLLLoss neither renormalises nor clips",
            body=(
                "def loss(outputs, targets):",
                "    p = outputs / outputs.sum(dim=-1, keepdim=True)",
                f"    p = p.clamp({EPSILON!r}, 1 - {EPSILON!r})",
                "    return -(targets * p.log()).sum(dim=-1).mean()",
                "return loss",
            ),
        )

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
