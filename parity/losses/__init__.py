"""Losses: one file each. ``AnyLoss`` is the type of a field that takes one."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from parity.code import Case, LossCode
from parity.entries import Entry, entry_type, read_in
from parity.formula import expression, formula_of, value_of
from parity.frameworks import frameworks
from parity.lazy import differentiable, np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from parity.activations import Activation
    from parity.native import Native

EPSILON = 1e-7
"""Where Keras clips probabilities (``keras.config.epsilon()``)."""


class Loss(Entry):
    """Base of the losses.

    Targets have the shape of the outputs, unless their form is ``index``, numbers of classes, which lack the last axis,
    or ``flat``, (N,) beside outputs (N, 1).
    """

    behind: ClassVar[str | None] = None
    """Kind of the activation whose logits it recovers; None for losses that recover nothing."""
    rule: ClassVar[str] = ""
    """What the loss of an output is, in words; of a cross-entropy, its name."""
    over: ClassVar[str] = "rows"
    """What the mean is over."""
    called: ClassVar[str] = "targets"
    """What a raw TensorFlow program calls them."""
    as_logits: ClassVar[str] = ""
    """What makes logits of probabilities, where the loss of those is the one of the logits."""
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

    def words(self, ending: Activation | None) -> str:
        """Return which formula runs, in words.

        Args:
            ending: the model's last activation.
        """
        return f"{self.rule}, mean over {self.over}"

    def formula(self, logits: bool) -> str:
        """Return the loss of each row, or of each output: a formula in ``outputs`` and ``targets``.

        Args:
            logits: which formula runs, see :meth:`on_logits`.
        """
        raise TypeError(f"{type(self).__name__} has no meaning")

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
        return formula_of(self.formula(logits)).value(outputs=outputs, targets=targets)

    def met(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return targets as they meet the outputs."""
        return targets

    def told(self, logits: bool) -> Loss:
        """Return the loss as it is told what the outputs are, where nothing remembers what is behind them."""
        return self

    def _own(self, framework: str, logits: bool) -> Native | None:
        """Return a framework's own part, where it means the loss of such outputs."""
        part = self.part(framework)
        return part if part is not None and part.fits(self.told(logits)) else None

    def _lines(self, framework: str, logits: bool, names: Mapping[str, str]) -> list[str]:
        """Return the body of a function that is the mean of the formula."""
        *before, value = self.formula(logits).strip().splitlines()
        value = f"-mean({value.strip()[1:]})" if _negated(value) else f"mean({value})"
        return formula_of("\n".join([*before, value])).lines(frameworks()[framework].words, names)

    def _doc(self, logits: bool) -> str:
        return _sentence(self.told(logits).words(None))

    def keras(self, ending: Activation | None) -> LossCode:
        """Return the loss in Keras: a function of (y_true, y_pred).

        Args:
            ending: the model's last activation.
        """
        part = self.part("keras")
        made = part.source(self) if part else "loss"
        lines = [] if part else self._lines("keras", self.on_logits(ending), {"outputs": "y_pred", "targets": "y_true"})
        return LossCode(body=(*_function("y_true, y_pred", lines), f"return {made}"), doc=_sentence(self.words(ending)))

    def tensorflow(self, logits: bool) -> LossCode:
        """Return the loss in raw TensorFlow: a function of (targets, outputs)."""
        own, read = self._own("tensorflow", logits or bool(self.as_logits)), "outputs"
        if own is not None and not logits and self.as_logits:
            read = expression(value_of(self.as_logits), frameworks()["tensorflow"].words)
        lines = [f"return tf.reduce_mean({own.source(self, labels=self.called, logits=read)})"] if own else []
        lines = lines or self._lines("tensorflow", logits, {"targets": self.called})
        return LossCode(body=(*_function(f"{self.called}, outputs", lines), "return loss"), doc=self._doc(logits))

    def torch(self, logits: bool, rank: int) -> LossCode:
        """Return the loss in PyTorch: a function of (outputs, targets).

        Args:
            logits: which formula runs, see :meth:`on_logits`.
            rank: number of axes of the outputs, with the batch axis; their classes stand last.
        """
        part, own = self.part("torch"), self._own("torch", logits or bool(self.as_logits))
        why = [] if (own and logits) or part is None else list(part.why.values())
        if own is None:
            lines = self._lines("torch", logits, {})
            body = (*_function("outputs, targets", lines), "return loss")
            return LossCode(body=body, doc=self._doc(logits), comment="; ".join(why))
        read = {"outputs": "outputs", "targets": "targets"}
        if self.over == "rows" and rank > 2:
            ends = "" if self.forms == ("index",) else "0, -2"
            read = {"outputs": "outputs.flatten(0, -2)", "targets": f"targets.flatten({ends})"}
            why.append(f"as rows: {own.name} takes axis 1 for the classes, here they stand last")
        plain = read["outputs"] == "outputs"
        if not logits and self.as_logits:
            read["outputs"] = expression(value_of(self.as_logits), frameworks()["torch"].words, read)
        made = own.source(self)
        body = (f"loss = {made}", f"return lambda outputs, targets: loss({', '.join(read.values())})")
        if plain and read["outputs"] == "outputs":
            body = (f"return {made}",)
        return LossCode(body=body, doc=self._doc(logits), comment="; ".join(why))


def _negated(value: str) -> bool:
    return isinstance(value_of(value.strip()), ast.UnaryOp)


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _function(arguments: str, lines: list[str]) -> list[str]:
    """Return the function ``loss``, nothing where it has no lines."""
    return [f"def loss({arguments}):", *(f"    {line}" for line in lines)] if lines else []


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

    def told(self, logits: bool) -> Loss:
        return self.replace(from_logits=logits)

    def words(self, ending: Activation | None) -> str:
        if self.fused(ending):
            return f"{self.rule} on the logits behind the {self.behind}, mean over {self.over}"
        if not self.from_logits:
            return f"{self.clipped}, mean over {self.over}"
        twice = ": softmax twice" if ending and ending.kind == self.behind == "softmax" else ""
        taken = f" (the outputs of a {ending.kind}, taken as logits{twice})" if ending and ending.logits else ""
        return f"{self.rule} on logits{taken}, mean over {self.over}"

    def keras(self, ending: Activation | None) -> LossCode:
        """Return Keras's loss object, kept from looking behind the outputs where it must not.

        Keras looks behind *any* output that carries logits: even a sigmoid cross-entropy told ``from_logits=True``
        works on a softmax's logits, with nothing but a warning.
        """
        code = super().keras(ending)
        if ending is None or not ending.logits or self.fused(ending):
            return code
        return LossCode(
            body=(
                f"loss = {code.body[-1].removeprefix('return ')}",
                "return lambda y_true, y_pred: loss(y_true, tf.identity(y_pred))",
            ),
            doc=code.doc,
            comment=f"tf.identity hides the {ending.kind} from Keras, which would work on its logits",
        )


def loss_case(shows: str, x: Any, targets: Any, expected: float, **fields: Any) -> Case:
    """Return a worked case of a batch.

    Args:
        shows: what it shows, in words.
        x: outputs.
        targets: as the loss takes them.
        expected: the loss.
        fields: of the loss.
    """
    return Case(shows=shows, fields=fields, x=x, targets=targets, expected=expected)


if TYPE_CHECKING:
    AnyLoss = Loss
else:
    AnyLoss: Any = entry_type(Loss, "parity.losses")
