"""softmax_before_logits: a softmax or sigmoid in front of a loss that applies its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from parity.advice import Advice, Rule, Situation, setting
from parity.advice.endings import UNIT, bounds, last_activation
from parity.lazy import np
from parity.losses.crossentropies import CrossEntropy

if TYPE_CHECKING:
    from parity.spec.resolve import Resolved


class SoftmaxBeforeLogits(Rule):
    """The loss is told ``from_logits: true`` and is given values between 0 and 1.

    It applies softmax or sigmoid a second time, to numbers that can no longer be far apart. So even a row that is
    surely right costs a lot, the loss cannot fall below that, and gradients are small. What such a row costs is worked
    out with the loss itself.
    """

    kind: ClassVar[str] = "softmax_before_logits"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where the last activation is bounded to [0, 1] and the loss reads logits."""
        loss, last = at.side.config.loss, last_activation(at.side)
        if not isinstance(loss, CrossEntropy) or not loss.from_logits or last is None or bounds(last[1]) != UNIT:
            return
        path, activation = last
        own = loss.behind or "own activation"
        yield Advice(
            rule=self.kind,
            path="loss.from_logits",
            what=f"{path} is {activation.kind}, and {loss.kind} takes what it is given for logits (from_logits: true)",
            why=f"the loss applies {own} once more, to values between 0 and 1: a batch that is surely right in every "
            f"row still costs {certain(at.side):.4g}, and gradients are small",
            fix=f"set {setting(path, 'linear')}: the loss applies {own} itself"
            + (f"; or set {setting('loss.from_logits', False)}" if activation.kind == loss.behind else ""),
            changes={path: "linear"},
        )


def certain(side: Resolved) -> float:
    """Return the loss of a row whose probabilities are 1 for its class and 0 for the others, taken for logits."""
    row = np.zeros((1, side.last.output_shape[-1]))
    row[0, 0] = 1.0
    targets = np.zeros(1, np.int64) if side.config.loss.forms == ("index",) else row
    return float(side.config.loss.value(row, targets, True))
