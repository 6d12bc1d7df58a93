"""targets_no_probabilities: a cross-entropy whose targets are no probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation
from parity.advice.endings import last_activation
from parity.lazy import np
from parity.losses.crossentropies import CrossEntropy

SLACK = 1e-6
"""By so much rounding may put a probability below 0 or above 1."""


class TargetsNoProbabilities(Rule):
    """A cross-entropy reads targets as probabilities; below 0 or above 1 it has no lower bound.

    With y = 50 and p = sigmoid(z), -(y log p + (1 - y) log(1 - p)) falls without end as z grows: training makes the
    numbers larger, and nothing is learned. A row of zeros has a categorical cross-entropy of 0 whatever is predicted.
    """

    kind: ClassVar[str] = "targets_no_probabilities"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where a target is below 0 or above 1, or where whole rows are 0."""
        loss = at.side.config.loss
        if at.data is None or not isinstance(loss, CrossEntropy):
            return
        targets = at.targets
        if targets is None or at.data.y.shape[1:] != at.side.last.output_shape:
            return  # They are numbers of classes, or do not fit, which is said elsewhere.
        beyond = (targets < -SLACK) | (targets > 1.0 + SLACK)
        empty = (targets == 0.0).all(axis=-1) if loss.behind == "softmax" else np.zeros(0, bool)
        if beyond.any():
            what = f"targets run from {targets.min():.4g} to {targets.max():.4g}, and {loss.kind} reads probabilities"
            why = "it then has no lower bound: it falls without end while nothing is learned"
        elif empty.any():
            what = f"{empty.mean():.1%} of the rows have targets that are all 0, and {loss.kind} sums over the classes"
            why = "such a row costs 0 whatever is predicted, and has no gradient"
        else:
            return
        yield Advice(
            rule=self.kind,
            path="loss",
            what=what,
            why=why,
            fix="store classes as integers from 0, or probabilities; for quantities set loss: mse",
            changes={"loss": "mse"} if last_activation(at.side) is None else {},
        )
