"""Losses: one file each. ``AnyLoss`` is the type of a field that takes one."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from pydantic import Field

from parity.code import Case, LossCode
from parity.discovery import entry_type
from parity.entries import Shape
from parity.formula import expression, formula_of, value_of
from parity.frameworks import frameworks
from parity.lazy import differentiable, np
from parity.losses.reducing import OVER_WEIGHTS, REDUCED, told_reduction
from parity.losses.weighing import Weighed
from parity.native import Native

if TYPE_CHECKING:
    from collections.abc import Mapping

    from parity.activations import Activation

EPSILON = 1e-7
"""Where Keras clips probabilities (``keras.config.epsilon()``)."""


class Loss(Weighed):
    """Base of the losses: weight times a reduction of the losses of the rows, or of the outputs.

    ``reduction`` is ``mean``, which Keras calls ``sum_over_batch_size``, ``sum``, or ``mean_with_sample_weight``, which
    divides by the sum of the rows' weights (:mod:`parity.losses.weighing`). A loss that compares output by
    output knows a third, ``sum_over_rows``: Keras's ``sum`` adds up the rows' means, PyTorch's every single output. The
    rate that goes with a sum is smaller by as much as the sum is larger.

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
    positive: ClassVar[bool] = False
    """Whether it takes the logarithm of the outputs as they are."""
    reduced: ClassVar[Mapping[str, Mapping[str, str]]] = REDUCED
    """Per framework, what its own loss calls the reductions."""
    forms: ClassVar[tuple[str, ...]] = ("one_hot", "column", "flat")
    """Forms of targets that it takes, see ``data.targets``; where it is one, the loss decides and the data do not."""

    reduction: Literal["mean", "sum", "mean_with_sample_weight"] = Field(
        default="mean", description="how the losses of a batch become one number"
    )
    weight: float = Field(default=1.0, description="factor of the loss, Keras's loss_weights")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Tell the frameworks' own losses the reduction, too: no entry needs to."""
        super().__pydantic_init_subclass__(**kwargs)
        if "natives" in vars(cls):
            cls.natives = {
                name: told_reduction(part, cls._reduced_in(name), get_args(cls.model_fields["reduction"].annotation))
                for name, part in cls.natives.items()
            }

    @classmethod
    def _reduced_in(cls, framework: str) -> Mapping[str, str]:
        """Return what a framework's own loss calls the reductions, or that of the nearest that it falls back on."""
        line = frameworks()[framework].line if framework in frameworks() else ()
        return next((cls.reduced[name] for name in line if name in cls.reduced), {})

    def form(self, said: str | None) -> str | None:
        """Return the form in which the loss is given its targets; None for the shape of the outputs.

        Args:
            said: what ``data.targets`` says.
        """
        if len(self.forms) == 1:
            return self.forms[0]
        return said if said in self.forms else None

    def fault(self, shape: Shape) -> str:
        """Return why it cannot be of outputs of a shape, without the batch axis; an empty string where it can."""
        return ""

    def unweighed(self, shape: Shape) -> str:
        """Return why rows cannot have weights, of outputs of a shape; an empty string where they can."""
        return ""

    def stretches(self, form: str | None) -> bool:
        """Return whether targets of a form are stretched to more than there are."""
        return False

    def meeting(self, code: LossCode, framework: str, form: str | None, fused: bool = False) -> LossCode:
        """Return the loss's code, made to take targets of a form as the loss says, and times its weight.

        Args:
            code: of the loss, for targets of the outputs' shape.
            framework: that it is written in.
            form: of the targets, see :meth:`form`.
            fused: see :meth:`fused`.
        """
        met = self.given(code, framework, form, fused)
        if self.weight == 1.0 or (self._rows and not met.weighs):
            return met  # What the rows' losses come to is multiplied, see `weighed`.
        return replace(met, body=self._weighted(met.body, framework))

    def _weighted(self, body: tuple[str, ...], framework: str) -> tuple[str, ...]:
        """Return the body of a loss, times its weight."""
        *before, last = body
        made = last.removeprefix("return ")
        inside = re.fullmatch(r"(lambda [\w, ]+: )(.+)", made)
        if inside:
            return (*before, f"return {inside[1]}{self.weight!r} * {inside[2]}")
        if made != "loss":
            before.append(f"loss = {made}")
        order = self.arguments(framework)
        return (*before, f"return lambda {order}: {self.weight!r} * loss({order})")

    def given(self, code: LossCode, framework: str, form: str | None, fused: bool) -> LossCode:
        """Return the loss's code, made to take targets of a form; arguments as :meth:`meeting`'s."""
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
        return f"{self.rule}, {self.ended()}"

    def ended(self) -> str:
        """Return in words what is made of the losses."""
        how = {
            "mean": f"mean over {self.over}", "sum": f"summed over {self.over}", OVER_WEIGHTS: f"mean over {self.over}",
            "sum_over_rows": "mean over the outputs of a row, summed over the rows",
            "mean_over_classes": "mean over rows and classes",
        }[self.reduction]  # fmt: skip
        if self._weighed:
            how = f"{how}, each times its sample weight"
            how = f"weighted mean over {self.over}: over the sum of their weights" if self.over_weights() else how
        return how if self.weight == 1.0 else f"{how}, times {self.weight!r}"

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

    def value(
        self, outputs: np.ndarray, targets: np.ndarray, logits: bool, weights: np.ndarray | None = None
    ) -> float:  # fmt: skip
        """Return the loss of a batch.

        Args:
            outputs: (N, ..., C): logits where ``logits`` is set, else probabilities.
            targets: in the form that the loss takes: (N, ..., C); (N, ...) for numbers of classes; (N,) where flat.
            logits: which formula runs, see :meth:`on_logits`.
            weights: what each row's loss counts, or each step's, (N, ...), the shape of outputs without the last axis.
        """
        return float(self._reduced(outputs, self.met(outputs, targets), logits, weights))

    def gradient(
        self, outputs: np.ndarray, targets: np.ndarray, logits: bool, weights: np.ndarray | None = None
    ) -> np.ndarray:  # fmt: skip
        """Return the gradient of :meth:`value` with respect to the outputs."""
        met = self.met(outputs, targets)
        found = differentiable.pulled(
            lambda outputs: self._reduced(outputs, met, logits, weights), {"outputs": outputs}, np.ones(())
        )
        return found["outputs"]

    def _reduced(self, outputs: np.ndarray, targets: np.ndarray, logits: bool, weights: np.ndarray | None) -> Any:
        """Return what :meth:`value` does, of targets as they meet the outputs."""
        if weights is None:
            return self.weight * formula_of(self.whole(logits)).value(outputs=outputs, targets=targets, **dict(self))
        stretched = self.over != "rows" and targets.ndim < outputs.ndim
        formula = formula_of(self.weighing().whole(logits, stretched))
        return self.weight * formula.value(outputs=outputs, targets=targets, sample_weights=weights, **dict(self))

    def met(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return targets as they meet the outputs."""
        return targets

    def handed(self, framework: str) -> str:
        """Return what a framework's own part is handed as targets, a formula."""
        return "targets"

    def told(self, logits: bool) -> Loss:
        """Return the loss as it is told what the outputs are, where nothing remembers what is behind them."""
        return self

    def _own(self, framework: str, logits: bool) -> Native | None:
        """Return a framework's own part, where it means the loss of such outputs."""
        part, keras = self.part(framework), "keras" in frameworks()[framework].line
        if keras and self._rows not in ("", self.row()):
            return None
        return part if part is not None and part.fits(self._asked(framework, logits)) else None

    def _asked(self, framework: str, logits: bool) -> Loss:
        """Return the loss that a framework's own part is asked for: by rows, only Keras's sums up by itself."""
        summed = not self._rows or "keras" in frameworks()[framework].line
        return self.told(logits) if summed else self.told(logits).replace(reduction="mean")

    def _handed(self, framework: str, outputs: str, targets: str) -> str:
        """Return the source of :meth:`handed`, outputs and targets being called so."""
        names = self._numbers() | {"outputs": outputs, "targets": targets}
        return expression(value_of(self.handed(framework)), frameworks()[framework].words, names)

    def _numbers(self) -> dict[str, str]:
        """Return the fields that a formula may read, as source."""
        return {name: repr(value) for name, value in self if isinstance(value, int | float | tuple)}

    def _why(self, framework: str, logits: bool) -> list[str]:
        """Return why a framework's own part is not taken as it is; nothing where it is, or where there is none."""
        part = self.part(framework)
        apart = part.departures(self._asked(framework, logits)) if part is not None else []
        found = [part.why[name] for name in apart if part is not None and name in part.why]
        found += [f"{part.name} {part.never}"] if part is not None and part.never else []
        return [*found, *([f"{part.name} has no such reduction"] if part and "reduction" in apart else [])]

    def _lines(self, framework: str, logits: bool, names: Mapping[str, str]) -> list[str]:
        """Return the body of a function that is the whole formula, the fields in it as numbers."""
        return formula_of(self.whole(logits)).lines(frameworks()[framework].words, self._numbers() | dict(names))

    def _doc(self, logits: bool) -> str:
        return _sentence(self.told(logits).words(None))

    def keras(self, ending: Activation | None, framework: str = "keras") -> LossCode:
        """Return the loss in Keras: a function of (y_true, y_pred).

        Args:
            ending: the model's last activation.
            framework: Keras, or one that falls back on it.
        """
        part, doc = self.part(framework), _sentence(self.words(ending))
        if part is not None and part.fits(self) and self._rows in ("", self.row()):
            # Told the reduction, it takes sample weights by itself.
            return LossCode(body=(f"return {part.source(self)}",), doc=doc, weighs=bool(self._rows))
        why = self._why(framework, self.on_logits(ending))
        lines = self._lines(framework, self.on_logits(ending), {"outputs": "y_pred", "targets": "y_true"})
        return LossCode(body=(*_function("y_true, y_pred", lines), "return loss"), doc=doc, comment="; ".join(why))

    def tensorflow(self, logits: bool) -> LossCode:
        """Return the loss in raw TensorFlow: a function of (targets, outputs)."""
        own, read = self._own("tensorflow", logits or bool(self.as_logits)), "outputs"
        if own is not None and not logits and self.as_logits:
            read = expression(value_of(self.as_logits), frameworks()["tensorflow"].words)
        lines = self._lines("tensorflow", logits, {"targets": self.called})
        if own is not None:
            rows = own.source(self, labels=self._handed("tensorflow", read, self.called), logits=read)
            whole = value_of((self.own_row() or self.reductions[self.reduction]).format("rows"))
            lines = [f"return {expression(whole, frameworks()['tensorflow'].words, {'rows': rows})}"]
        return LossCode(body=(*_function(f"{self.called}, outputs", lines), "return loss"), doc=self._doc(logits))

    def torch(self, logits: bool, rank: int) -> LossCode:
        """Return the loss in PyTorch: a function of (outputs, targets).

        Args:
            logits: which formula runs, see :meth:`on_logits`.
            rank: number of axes of the outputs, with the batch axis; their classes stand last.
        """
        own = self._own("torch", logits or bool(self.as_logits))
        why = self._why("torch", logits)
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
        read["targets"] = self._handed("torch", "outputs", read["targets"])
        plain = plain and read["targets"] == "targets" and read["outputs"] == "outputs"
        made = own.source(self._asked("torch", logits), **({"reduction": '"none"'} if self._rows else {}))
        losses = f"loss({', '.join(read.values())})"
        if self._rows:
            own_row = value_of(self.own_row().format("losses"))
            losses = expression(own_row, frameworks()["torch"].words, {"losses": losses})
            losses = f"{losses}.reshape(outputs.shape[:-1])" if self.over == "rows" and rank > 2 else losses
        body = (f"loss = {made}", f"return lambda outputs, targets: {losses}")
        if plain and not self._rows:
            body = (f"return {made}",)
        return LossCode(body=body, doc=self._doc(logits), comment="; ".join(why))


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _function(arguments: str, lines: list[str]) -> list[str]:
    """Return the function ``loss``, nothing where it has no lines."""
    return [f"def loss({arguments}):", *(f"    {line}" for line in lines)] if lines else []


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
