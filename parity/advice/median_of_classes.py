"""median_of_classes: a mean absolute error where targets are classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from parity.advice import Advice, Rule, Situation
from parity.advice.endings import last_activation
from parity.lazy import np


class MedianOfClasses(Rule):
    """The answer of least mean absolute error is the median: of 0s and 1s the commoner of the two, not their share.

    The best constant answer is so a class for all rows, and its cost is the share of the other; the slope of |p - y| is
    +1 or -1 however wrong p is, and behind a sigmoid p (1 - p) times that, 0 at both ends.
    """

    kind: ClassVar[str] = "median_of_classes"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where the loss is mae and every target is 0 or 1, both among them."""
        loss = at.side.config.loss
        if loss.kind != "mae" or at.data is None or not bool(np.isin(at.data.y, (0.0, 1.0)).all()):
            return
        share = float(at.data.y.mean())
        if not 0.0 < share < 1.0:
            return
        last = last_activation(at.side)
        logits: Any = {"from_logits": True} if last is None else {}
        several = at.data.y.shape[-1] > 1 and bool((at.data.y.sum(axis=-1) == 1.0).all())
        name = "categorical_crossentropy" if several else "sigmoid_crossentropy"
        yield Advice(
            rule=self.kind,
            path="loss",
            what=f"loss is mae, and the targets are 0 and 1, {share:.1%} of them 1",
            why=f"a constant answer of {round(share)} costs {min(share, 1.0 - share):.3g}, less than any share between "
            "0 and 1: a mean absolute error pulls all rows to the commoner class, and its slope does not grow with "
            "the error",
            fix=f"set loss: {name}" + (" with from_logits: true" if logits else ""),
            changes={"loss": {name: logits}},
        )
