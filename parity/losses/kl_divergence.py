"""kl_divergence: what it costs to take one distribution for another, mean over the rows."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field

from parity.code import Case
from parity.entries import read_in
from parity.losses import Loss, loss_case
from parity.losses.reducing import REDUCED
from parity.native import Native


class KLDivergence(Loss):
    """L = mean over rows of sum_c t_c log(t_c / p_c), both clipped to [1e-7, 1]; with ``log_outputs`` not clipped.

    ``nn.KLDivLoss`` takes log p, clips nothing and has 0 for a target of 0; its own reduction, ``mean``, divides by the
    classes, too (``mean_over_classes``), which it warns is no divergence; ``batchmean`` is the mean here. Clipped, a
    target of 0 adds 1e-7 log(1e-7 / p) to the loss, and an output above 1 counts as 1.
    """

    kind: ClassVar[str] = "kl_divergence"
    forms: ClassVar = ("one_hot",)
    reductions: ClassVar = dict(Loss.reductions) | {
        "mean": "mean({})",
        "mean_over_classes": "mean({}) / width(outputs)",
    }
    reduced: ClassVar = REDUCED | {"torch": {"mean": "batchmean", "sum": "sum", "mean_over_classes": "mean"}}
    native: ClassVar = {"torch": {"log_outputs": True, "reduction": "mean_over_classes"}}
    source: ClassVar = read_in(keras="losses/losses", torch="nn/functional")
    natives: ClassVar = {
        "keras": Native("keras.losses.KLDivergence", when={"log_outputs": False},
                        why={"log_outputs": "keras.losses.KLDivergence takes probabilities"}),
        "torch": Native("nn.KLDivLoss", when={"log_outputs": True},
                        why={"log_outputs": "nn.KLDivLoss takes log-probabilities and clips nothing"}),
    }  # fmt: skip
    rule: ClassVar[str] = "sum(targets log(targets / outputs))"

    log_outputs: bool = Field(default=False, description="outputs are logarithms of probabilities, as in PyTorch")
    reduction: Literal["mean", "sum", "mean_over_classes", "mean_with_sample_weight"] = Field(  # type: ignore[assignment]
        default="mean", description="how the losses of the rows become one number; mean_over_classes is PyTorch's mean"
    )

    def own_row(self) -> str:
        """Return what makes the loss of a row of what ``nn.KLDivLoss`` gives: a number for each class."""
        return "sum({}, axis=-1)" if self._rows else ""

    def formula(self, logits: bool) -> str:
        if self.log_outputs:
            return "sum(xlogx(targets) - targets * outputs, axis=-1)"
        return """
            t = clip(targets, 1e-07, 1.0)
            sum(t * log(t / clip(outputs, 1e-07, 1.0)), axis=-1)
        """

    @classmethod
    def cases(cls) -> list[Case]:
        x, y, row = [[0.5, 0.5], [0.5, 0.25]], [[0.25, 0.75], [0.5, 0.5]], 0.25 * math.log(0.5) + 0.75 * math.log(1.5)
        logs, certain = [[math.log(one) for one in line] for line in x], math.log(2.0) + 1e-7 * math.log(2e-7)
        return [
            loss_case("mean over two rows, none of them brought to sum 1", x, y, (row + 0.5 * math.log(2.0)) / 2),
            loss_case("a target of 0 is 1e-7", [[0.5, 0.5]], [[1.0, 0.0]], certain),
            loss_case("a sum of the same", [[0.5, 0.5]], [[1.0, 0.0]], certain, reduction="sum"),
            loss_case("and 0 where outputs are logarithms", [[math.log(0.5)] * 2], [[1.0, 0.0]], math.log(2.0),
                      log_outputs=True),
            loss_case("PyTorch's mean is over the classes, too", logs, y, (row + 0.5 * math.log(2.0)) / 4,
                      log_outputs=True, reduction="mean_over_classes"),
        ]  # fmt: skip
