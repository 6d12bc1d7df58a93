"""What each row's loss counts: how the losses of a batch become one number where the data have sample weights.

    mean                     sum_i w_i l_i / N        Keras's sum_over_batch_size: N counts rows, or rows and steps
    mean_with_sample_weight  sum_i w_i l_i / sum w_i
    sum                      sum_i w_i l_i

l_i is the loss of a row, or of a step; of a loss that compares output by output its mean over the row's outputs, or for
``sum`` its sum. Where a mask leaves steps out, i runs over the steps that count, as in Keras (``apply_mask``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import PrivateAttr

from parity.code import LossCode
from parity.entries import Entry
from parity.formula import expression, value_of
from parity.frameworks import frameworks
from parity.losses.reducing import OVER_WEIGHTS

if TYPE_CHECKING:
    from parity.losses import Loss

GIVEN = {"keras": ("y_true", "y_pred"), "tensorflow": ("{called}", "outputs"), "torch": ("outputs", "targets")}
"""What the losses of a framework are given."""

SEEN = {
    "keras": "sample_weights[y_pred._keras_mask]",
    "tensorflow": "tf.boolean_mask(sample_weights, outputs.mask)",
    "torch": "sample_weights[outputs.mask]",
}
"""The weights of the steps that count."""

LONGEST = 48
"""Characters of the losses of the rows that may stand within the line that sums them up."""


class Weighed(Entry):
    """The part of a loss that knows of sample weights.

    Without them a loss is of ``(outputs, targets)``. Told that there are some (:meth:`weighing`), it also takes what
    each row counts; by rows (:meth:`by_rows`), its program gives the losses of the rows, for others to sum up.
    """

    reductions: ClassVar[Mapping[str, str]] = {"mean": "mean({})", "sum": "sum({})", OVER_WEIGHTS: "mean({})"}
    """What each reduction makes of :meth:`formula`."""

    _weighed: bool = PrivateAttr(default=False)
    _rows: str = PrivateAttr(default="")

    if TYPE_CHECKING:
        reduction: Any

        def formula(self, logits: bool) -> str: ...

    @property
    def ignored(self) -> int | None:
        """The number of the targets that count for nothing; None where all count."""
        found: int | None = getattr(self, "ignore_index", None)
        return found

    def weighing(self) -> Self:
        """Return the loss told that rows have weights."""
        found = self.replace()
        found._weighed = True
        return found

    def by_rows(self, stretched: bool = False) -> Self:
        """Return the loss whose program gives the losses of the rows, unless the framework's own takes weights itself.

        Args:
            stretched: every output meets every target, and the weights go with the targets.
        """
        found = self.weighing()
        found._rows = "{}" if stretched else self.row()
        return found

    def replace(self, **fields: Any) -> Self:
        """Return a validated copy with some fields changed, told what the loss was told."""
        found = super().replace(**fields)
        found._weighed, found._rows = self._weighed, self._rows
        return found

    def row(self) -> str:
        """Return what makes the loss of a row of :meth:`formula`."""
        return "{}"

    def own_row(self) -> str:
        """Return what makes the loss of a row of what a framework's own part gives that sums up nothing."""
        return self._rows

    def counts(self) -> str:
        """Return what the loss of a row counts, a formula."""
        return "sample_weights"

    def summed(self, losses: str, weights: str, stretched: bool = False) -> str:
        """Return what the losses of the rows come to, a formula.

        Args:
            losses: name of them.
            weights: name of what they count.
            stretched: see :meth:`by_rows`.
        """
        if self.over_weights():
            return f"sum({weights} * {losses}) / sum({weights})"
        how = "sum" if self.reduction == "sum_over_rows" and not stretched else self.reduction
        return self.reductions[how].format(f"{weights} * {losses}")

    def over_weights(self) -> bool:
        """Return whether the sum is divided by that of the weights."""
        return bool(self.reduction == OVER_WEIGHTS)

    def whole(self, logits: bool, stretched: bool = False) -> str:
        """Return the loss of a batch, its weight aside: :meth:`formula` and what is made of it.

        Args:
            logits: see ``Loss.on_logits``.
            stretched: see :meth:`by_rows`.
        """
        *before, value = (line.strip() for line in self.formula(logits).strip().splitlines())
        sign, value = ("-", value[1:]) if isinstance(value_of(value), ast.UnaryOp) else ("", value)
        if self._rows:
            return "\n".join([*before, f"{sign}{self._rows.format(value)}"])
        if not self._weighed:
            return "\n".join([*before, f"{sign}{self.reductions[self.reduction].format(value)}"])
        row = "{}" if stretched else self.row()
        lines = [f"losses = {sign}{row.format(value)}", f"weights = {self.counts()}"]
        return "\n".join([*before, *lines, self.summed("losses", "weights", stretched)])

    def arguments(self, framework: str) -> str:
        """Return what a framework's loss is given, the weights too where it takes them by itself."""
        order = ", ".join(GIVEN[_words(framework)]).format(called=getattr(self, "called", ""))
        return f"{order}, sample_weights" if self._rows and _words(framework) == "keras" else order


def _words(framework: str) -> str:
    """Return in whose words losses are written for a framework."""
    return next(name for name in frameworks()[framework].line if name in GIVEN)


def weighed(loss: Loss, code: LossCode, framework: str, masked: bool, stretched: bool) -> LossCode:
    """Return the code of a loss that takes sample weights, of the one that gives the losses of the rows.

    Args:
        loss: as the spec has it.
        code: of the loss by rows; that of a framework's own that takes weights is returned as it is.
        framework: that it is written in.
        masked: outputs carry a mask, by whose steps alone the losses are.
        stretched: see :meth:`Weighed.by_rows`.
    """
    if code.weighs:
        return code
    said = _words(framework)
    words, given = frameworks()[framework].words, [one.format(called=loss.called) for one in GIVEN[said]]
    names = {"outputs": given[said != "torch"], "targets": given[said == "torch"]}
    names["class_weight"] = repr(getattr(loss, "class_weight", None))
    # The function is called `loss`: what the rows' losses are made with has another name.
    *before, last = (re.sub(r"\bloss\b", "rows", line) for line in code.body)
    made = last.removeprefix("return ")
    inside = re.fullmatch(rf"lambda {', '.join(given)}: (.+)", made)
    if not inside and not made.isidentifier():
        before.append(f"rows = {made}")
        made = "rows"
    losses = inside[1] if inside else f"{made}({', '.join(given)})"
    weights = expression(value_of(loss.counts()), words, names)
    lines = []
    if weights != "sample_weights":
        lines.append(f"weights = {weights}")
        weights = "weights"
    if masked:
        lines.append(f"weights = {SEEN[said].replace('sample_weights', weights)}")
        weights = "weights"
    if loss.over_weights() or len(losses) > LONGEST:
        lines.append(f"losses = {losses}")
        losses = "losses"
    total = value_of(loss.summed("losses", "weights", stretched))
    made = expression(total, words, names | {"losses": losses, "weights": weights})
    made = made if loss.weight == 1.0 else f"{loss.weight!r} * ({made})" if "/" in made else f"{loss.weight!r} * {made}"
    lines.append(f"return {made}")
    blank = [""] if before else []
    body = (*before, *blank, f"def loss({', '.join(given)}, sample_weights):", *(f"    {one}" for one in lines), "",
            "return loss")  # fmt: skip
    return replace(code, body=body, weighs=True)
