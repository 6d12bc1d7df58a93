"""softmax_of_quantities: outputs that sum to 1 where the targets do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from parity.advice import Advice, Rule, Situation, setting
from parity.advice.endings import UNIT, last_activation
from parity.lazy import np
from parity.losses.crossentropies import CrossEntropy

SUMMED = 1e-3
"""By how much a row of targets may miss the sum of 1."""


class SoftmaxOfQuantities(Rule):
    """A softmax gives shares of 1; targets whose rows do not sum to 1 it cannot give, whatever the weights.

    So it is with several quantities, and with several labels at once: a row with two right labels is met at 1/2 each at
    best.
    """

    kind: ClassVar[str] = "softmax_of_quantities"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where a softmax over two outputs or more meets rows that do not sum to 1."""
        last, loss = last_activation(at.side), at.side.config.loss
        if last is None or last[1].kind != "softmax" or at.side.last.output_shape[-1] < 2 or at.data is None:
            return
        targets = at.data.y.reshape(-1, at.data.y.shape[-1])
        if at.data.classes is not None or targets.shape[-1] != at.side.last.output_shape[-1]:
            return
        sums = targets.sum(axis=-1)
        off = np.abs(sums - 1.0) > SUMMED
        inside = bool((targets >= UNIT[0]).all() and (targets <= UNIT[1]).all())
        crossed = isinstance(loss, CrossEntropy)
        if not off.any() or not inside or (crossed and not (sums > 1.0 + SUMMED).any()):
            return  # Targets beyond [0, 1] are targets_out_of_reach, rows of none targets_no_probabilities.
        path = last[0]
        labels = bool(np.isin(targets, (0.0, 1.0)).all())
        changes: dict[str, Any] = {path: "sigmoid" if labels or crossed else "linear"}
        if crossed:
            changes["loss"] = "sigmoid_crossentropy"
        told = f"up to {int(sums.max())} labels of a row are right at once" if labels else "the targets are no shares"
        yield Advice(
            rule=self.kind,
            path=path,
            what=f"{path} is softmax, whose outputs sum to 1, and {off.mean():.0%} of the rows of targets do not: "
            f"their sums run from {sums.min():.3g} to {sums.max():.3g}",
            why=f"{told}; the loss cannot fall below a floor, whatever the weights are",
            fix="set " + " and ".join(setting(one, value) for one, value in changes.items()),
            changes=changes,
        )
