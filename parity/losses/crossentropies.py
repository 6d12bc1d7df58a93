"""What the cross-entropies share: logits or probabilities, smoothed labels, and weights of classes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, NonNegativeFloat

from parity.code import LossCode
from parity.entries import Shape, read_in
from parity.formula import expression, value_of
from parity.frameworks import frameworks
from parity.losses import Loss
from parity.losses.reducing import OVER_WEIGHTS

if TYPE_CHECKING:
    from parity.activations import Activation
    from parity.native import Native


class CrossEntropy(Loss):
    """Base of the cross-entropies, which read logits or probabilities.

    What they read depends on the model's last activation, because Keras on TensorFlow looks behind it: a softmax or
    sigmoid output carries its logits along (``_keras_logits``), and a cross-entropy told ``from_logits=False`` silently
    works on those. :meth:`fused` says whether that is the formula that runs; then the programs without such a memory
    leave the activation out of the model and the loss applies it.
    """

    called: ClassVar[str] = "labels"
    source: ClassVar = read_in(keras="backend/tensorflow/nn", tensorflow="ops/nn_ops", torch="nn/modules/loss")
    clipped: ClassVar[str] = ""
    """The formula of probabilities, in words."""
    smoothing: ClassVar[str] = "targets * (1.0 - label_smoothing) + label_smoothing / width(outputs)"
    """What smoothed labels are."""

    from_logits: bool = Field(default=False, description="outputs are logits, not probabilities")
    recover_logits: bool = Field(
        default=True,
        description="with from_logits false and outputs straight from the matching activation, work on the logits "
        "behind it, unclipped, as Keras on TensorFlow does",
    )
    label_smoothing: NonNegativeFloat = Field(
        default=0.0, le=1.0, description="share of a label that is dealt out to all classes alike"
    )

    def labels(self) -> tuple[str, str]:
        """Return what a formula begins with where labels are smoothed, and what it calls them."""
        return (f"smoothed = {self.smoothing}\n", "smoothed") if self.label_smoothing else ("", "targets")

    def handed(self, framework: str) -> str:
        """Return the labels, smoothed where the framework's own part does not do so itself."""
        part = self.part(framework)
        smooths = part is not None and "label_smoothing" in part.fields
        return self.smoothing if self.label_smoothing and not smooths else super().handed(framework)

    def ended(self) -> str:
        return super().ended() + (f", labels smoothed by {self.label_smoothing!r}" if self.label_smoothing else "")

    def fused(self, ending: Activation | None) -> bool:
        matches = ending is not None and ending.kind == self.behind
        return matches and self.recover_logits and not self.from_logits

    def on_logits(self, ending: Activation | None) -> bool:
        return self.from_logits or self.fused(ending)

    def inert(self, field: str, other: Any, ending: Activation | None) -> str:
        """Say when there are no logits to recover."""
        if field != "recover_logits" or (ending is not None and ending.kind == self.behind and not self.from_logits):
            return ""
        return "the outputs are logits" if self.from_logits else f"there is no {self.behind} to look behind"

    def as_they_are(self) -> Loss:
        return self.replace(recover_logits=False)

    def told(self, logits: bool) -> Loss:
        return self.replace(from_logits=logits)

    def words(self, ending: Activation | None) -> str:
        if self.fused(ending):
            return f"{self.rule} on the logits behind the {self.behind}, {self.ended()}"
        if not self.from_logits:
            return f"{self.clipped}, {self.ended()}"
        twice = ": softmax twice" if ending and ending.kind == self.behind == "softmax" else ""
        taken = f" (the outputs of a {ending.kind}, taken as logits{twice})" if ending and ending.logits else ""
        return f"{self.rule} on logits{taken}, {self.ended()}"

    def keras(self, ending: Activation | None, framework: str = "keras") -> LossCode:
        """Return Keras's loss object, kept from looking behind the outputs where it must not.

        Keras looks behind *any* output that carries logits: even a sigmoid cross-entropy told ``from_logits=True``
        works on a softmax's logits, with nothing but a warning.
        """
        code = super().keras(ending, framework)
        if self._own(framework, True) is None:  # Written out, it looks behind the outputs where it is told to.
            behind = "return lambda y_true, y_pred: loss(y_true, y_pred._keras_logits)"
            return replace(code, body=(*code.body[:-1], behind)) if self.fused(ending) else code
        if ending is None or not ending.logits or self.fused(ending):
            return code
        more = ", sample_weights" if code.weighs else ""
        return LossCode(
            body=(
                f"loss = {code.body[-1].removeprefix('return ')}",
                f"return lambda {self.arguments(framework)}: loss(y_true, tf.identity(y_pred){more})",
            ),
            doc=code.doc,
            weighs=code.weighs,
            comment=f"tf.identity hides the {ending.kind} from Keras, which would work on its logits",
        )


class OfClasses(CrossEntropy):
    """Base of the cross-entropies of one class in each row, which may count more or less than another.

    ``class_weight`` multiplies the loss of a row by the number of its class, the largest target, as Keras's ``fit``
    does. What the mean is then divided by, ``divisor`` says: Keras divides by the number of rows, unless its loss is
    told ``mean_with_sample_weight``; ``nn.CrossEntropyLoss(weight=)`` by the sum of the rows' weights where targets are
    numbers of classes, but by the number of rows where they are one-hot rows. There, and where labels are smoothed, it
    weights every class's term of the sum, not the row; of one-hot rows that are not smoothed the two are the same.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"class_weight", "divisor"})

    class_weight: tuple[NonNegativeFloat, ...] | None = Field(
        default=None, min_length=2, description="what a row counts, by the number of its class; none: all alike"
    )
    divisor: Literal["rows", "weights"] = Field(
        default="rows", description="what a mean is divided by where classes have weights: the rows, or their weights"
    )

    def fault(self, shape: Shape) -> str:
        if self.class_weight is None or len(self.class_weight) == shape[-1]:
            return super().fault(shape)
        return f"class_weight has {len(self.class_weight)} numbers, and there are {shape[-1]} classes: one for each"

    def over_weights(self) -> bool:
        """Return whether the sum is divided by that of the weights, of samples or of classes."""
        return super().over_weights() or (
            self.class_weight is not None and self.divisor == "weights" and self.reduction == "mean"
        )

    def counts(self) -> str:
        """Return what a row counts: its sample weight times the weight of its class."""
        if self.class_weight is None:
            return super().counts()
        return f"{super().counts()} * weight_of(outputs, class_weight, {self._class()})"

    def whole(self, logits: bool, stretched: bool = False) -> str:
        if self.class_weight is None or self._weighed:
            return super().whole(logits, stretched)
        *before, value = (line.strip() for line in self.formula(logits).strip().splitlines())
        total = self.summed("losses", "weights")
        weights = f"weight_of(outputs, class_weight, {self._class()})"
        return "\n".join([*before, f"losses = {value}", f"weights = {weights}", total])

    def _class(self) -> str:
        return "targets" if self.forms == ("index",) else "argmax(targets, axis=-1)"

    def inert(self, field: str, other: Any, ending: Activation | None) -> str:
        """Say when there are no weights to divide by."""
        if field != "divisor" or (self.class_weight is not None and self.reduction == "mean"):
            return super().inert(field, other, ending)
        if self.class_weight is not None and self.reduction == OVER_WEIGHTS:
            return "the reduction says so"
        return "all classes count alike" if self.class_weight is None else "a sum is divided by nothing"

    def ended(self) -> str:
        if self.class_weight is None:
            return super().ended()
        over = " over their sum" if self.over_weights() and not self._weighed else ""
        return f"{super().ended()}, times the weights of the classes{over}"

    def _own(self, framework: str, logits: bool) -> Native | None:
        """Return a framework's own part; where classes have weights, Keras's or one that takes them."""
        part = super()._own(framework, logits)
        if part is None or self.class_weight is None or self._rows or "keras" in frameworks()[framework].line:
            return part
        alike = self.reduction == "sum" or self.divisor == "weights"
        return part if "class_weight" in part.fields and alike and not self.label_smoothing else None

    def _asked(self, framework: str, logits: bool) -> Loss:
        asked = super()._asked(framework, logits)
        return asked.replace(class_weight=None) if self._rows else asked

    def keras(self, ending: Activation | None, framework: str = "keras") -> LossCode:
        """Return Keras's loss object, which takes the weights row by row."""
        code = super().keras(ending, framework)
        if self.class_weight is None or self._own(framework, True) is None:
            return code
        words, names = frameworks()["keras"].words, {"outputs": "y_pred", "targets": "y_true"}
        names |= {"class_weight": repr(self.class_weight)}
        counts = self.counts() if self._rows else f"weight_of(outputs, class_weight, {self._class()})"
        told, order = expression(value_of(counts), words, names), self.arguments(framework)
        own = self.natives["keras"]
        made, read = own.source(self), "tf.identity(y_pred)" if "tf.identity" in code.body[-1] else "y_pred"
        if self.over_weights():
            made = own.source(self, reduction="'mean_with_sample_weight'")
        last = f"return lambda {order}: loss(y_true, {read}, sample_weight={told})"
        return replace(code, body=(f"loss = {made}", last))

    def torch(self, logits: bool, rank: int) -> LossCode:
        """Return PyTorch's loss; its weights are tensors, which go where the outputs are."""
        code = super().torch(logits, rank)
        if self.class_weight is None or self._rows or self._own("torch", logits or bool(self.as_logits)) is None:
            return code
        *before, last = code.body
        if "lambda" not in last:
            before, last = [last.replace("return", "loss =")], "return lambda outputs, targets: loss(outputs, targets)"
        return replace(code, body=(*before, last.replace(": loss(", ": loss.to(outputs)(")))
