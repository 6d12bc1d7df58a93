"""logits_before_probabilities: nothing makes probabilities of what a loss reads as such."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation, setting
from parity.advice.endings import bounds, last_activation, last_parameters
from parity.losses import EPSILON
from parity.losses.crossentropies import CrossEntropy


class LogitsBeforeProbabilities(Rule):
    """The loss is told ``from_logits: false`` and is given values that are no probabilities.

    A cross-entropy from probabilities clips them to [1e-7, 1 - 1e-7] before it takes the logarithm: an output below 0
    or above 1 costs the same wherever it is, and has no gradient. Sigmoid outputs before a categorical cross-entropy
    are renormalised to sum 1 and do train, so nothing is said of them.
    """

    kind: ClassVar[str] = "logits_before_probabilities"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where the loss reads probabilities and the outputs can leave [0, 1]."""
        loss, last = at.side.config.loss, last_activation(at.side)
        if not isinstance(loss, CrossEntropy) or loss.from_logits or loss.behind is None:
            return
        low, high = bounds(last[1]) if last is not None else (float("-inf"), float("inf"))
        if low >= 0.0 and high <= 1.0:
            return
        layer = last_parameters(at.side).name
        given = f"{last[0]} is {last[1].kind}" if last is not None else f"layer {layer} ends in no activation"
        change = {last[0]: loss.behind} if last is not None else {"loss.from_logits": True}
        ((path, value),) = change.items()
        other = "" if last is not None else f"; or end the network in {loss.behind}"
        yield Advice(
            rule=self.kind,
            path="loss.from_logits",
            what=f"{loss.kind} reads probabilities (from_logits: false), but {given}",
            why=f"the loss clips what it reads to [{EPSILON:g}, 1 - {EPSILON:g}]: outputs below 0 or above 1 have no "
            "gradient, so that much of the network does not learn",
            fix=f"set {setting(path, value)}{other}",
            changes=change,
        )
