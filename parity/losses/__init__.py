"""Losses: one file each. ``AnyLoss`` is the type of a field that takes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from parity.entries import Entry, entry_type
from parity.lazy import differentiable, np

if TYPE_CHECKING:
    from parity.activations import Activation
    from parity.code import LossCode

EPSILON = 1e-7
"""Where Keras clips probabilities (``keras.config.epsilon()``)."""


class Loss(Entry):
    """Base of the losses.

    Targets have the shape of the outputs, unless their form is ``index``, numbers of classes, which lack the last axis,
    or ``flat``, (N,) beside outputs (N, 1).
    """

    behind: ClassVar[str | None] = None
    """Kind of the activation whose logits it recovers; None for losses that recover nothing."""
    forms: ClassVar[tuple[str, ...]] = ("one_hot", "column", "flat")
    """Forms of targets that it takes, see ``data.targets``; where it is one, the loss decides and the data do not."""

    def form(self, said: str | None) -> str | None:
        """Return the form in which the loss is given its targets; None for the shape of the outputs.

        Args:
            said: what ``data.targets`` says.
        """
        if len(self.forms) == 1:
            return self.forms[0]
        return said if said in self.forms else None

    def stretches(self, form: str | None) -> bool:
        """Return whether targets of a form are stretched to more than there are."""
        return False

    def meeting(self, code: LossCode, framework: str, form: str | None, fused: bool = False) -> LossCode:
        """Return the loss's code, made to take targets of a form as the loss says.

        Args:
            code: of the loss, for targets of the outputs' shape.
            framework: that it is written in.
            form: of the targets, see :meth:`form`.
            fused: see :meth:`fused`.
        """
        return code

    def fused(self, ending: Activation | None) -> bool:
        """Return whether the loss works on the logits behind the model's last activation."""
        return False

    def on_logits(self, ending: Activation | None) -> bool:
        """Return whether the formula for logits runs, given or recovered."""
        return False

    def as_they_are(self) -> Loss:
        """Return the loss as it is where nothing can be recovered from the outputs."""
        return self

    def formula(self, ending: Activation | None) -> str:
        """Return which formula runs, in words."""
        raise TypeError(f"{type(self).__name__} has no formula")

    def inert(self, field: str, other: Any, ending: Activation | None) -> str:
        """Return why changing ``field`` to ``other`` provably does nothing here, or an empty string.

        Args:
            field: name of a field.
            other: the value it would take.
            ending: the model's last activation.
        """
        return ""

    def value(self, outputs: np.ndarray, targets: np.ndarray, logits: bool) -> float:
        """Return the loss of a batch.

        Args:
            outputs: (N, ..., C): logits where ``logits`` is set, else probabilities.
            targets: in the form that the loss takes: (N, ..., C); (N, ...) for numbers of classes; (N,) where flat.
            logits: which formula runs, see :meth:`on_logits`.
        """
        return float(self.losses(outputs, self.met(outputs, targets), logits).mean())

    def gradient(self, outputs: np.ndarray, targets: np.ndarray, logits: bool) -> np.ndarray:
        """Return the gradient of :meth:`value` with respect to the outputs."""
        met = self.met(outputs, targets)
        found = differentiable.pulled(
            lambda outputs: self.losses(outputs, met, logits).mean(), {"outputs": outputs}, np.ones(())
        )
        return found["outputs"]

    def losses(self, outputs: np.ndarray, targets: np.ndarray, logits: bool) -> np.ndarray:
        """Return the losses that :meth:`value` is the mean of: of each row, or of each output; arguments as its."""
        raise TypeError(f"{type(self).__name__} has no meaning")

    def met(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return targets as they meet the outputs."""
        return targets

    def keras(self, ending: Activation | None) -> LossCode:
        """Return the loss in Keras: a function of (y_true, y_pred)."""
        raise TypeError(f"{type(self).__name__} has no Keras template")

    def tensorflow(self, logits: bool) -> LossCode:
        """Return the loss in raw TensorFlow: a function of (labels, outputs)."""
        raise TypeError(f"{type(self).__name__} has no TensorFlow template")

    def torch(self, logits: bool, rank: int) -> LossCode:
        """Return the loss in PyTorch: a function of (outputs, targets).

        Args:
            logits: which formula runs, see :meth:`on_logits`.
            rank: number of axes of the outputs, with the batch axis; their classes stand last.
        """
        raise TypeError(f"{type(self).__name__} has no PyTorch template")


class CrossEntropy(Loss):
    """Base of the cross-entropies, which read logits or probabilities.

    What they read depends on the model's last activation, because Keras on TensorFlow looks behind it: a softmax or
    sigmoid output carries its logits along (``_keras_logits``), and a cross-entropy told ``from_logits=False`` silently
    works on those. :meth:`fused` says whether that is the formula that runs; then the programs without such a memory
    leave the activation out of the model and the loss applies it.
    """

    from_logits: bool = Field(default=False, description="outputs are logits, not probabilities")
    recover_logits: bool = Field(
        default=True,
        description="with from_logits false and outputs straight from the matching activation, work on the logits "
        "behind it, unclipped, as Keras on TensorFlow does",
    )

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

    def keras_code(self, ending: Activation | None, made: str, doc: str) -> LossCode:
        """Return Keras's loss object, kept from looking behind the outputs where it must not.

        Args:
            ending: the model's last activation.
            made: expression that makes the loss object.
            doc: the formula.

        Keras looks behind *any* output that carries logits: even a sigmoid cross-entropy told
        ``from_logits=True`` works on a softmax's logits, with nothing but a warning.
        """
        from parity.code import LossCode

        remembered = ending is not None and ending.logits
        if not remembered or self.fused(ending):
            return LossCode(body=(f"return {made}",), doc=doc)
        return LossCode(
            body=(
                f"loss = {made}",
                "return lambda y_true, y_pred: loss(y_true, tf.identity(y_pred))",
            ),
            doc=doc,
            comment=f"tf.identity hides the {ending.kind if ending else ''} from Keras, which would work on its logits",
        )


if TYPE_CHECKING:
    AnyLoss = Loss
else:
    AnyLoss: Any = entry_type(Loss, "parity.losses")
