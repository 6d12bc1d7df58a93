"""targets_out_of_reach: targets that the last activation cannot give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation, setting
from parity.advice.endings import bounds, last_activation
from parity.lazy import np
from parity.losses.crossentropies import CrossEntropy

SLACK = 1e-6
"""Share of the targets' range by which they may pass a bound: the rounding of what scaled them."""


class TargetsOutOfReach(Rule):
    """A bounded output (sigmoid, softmax, tanh, relu) where targets lie beyond the bound.

    A sigmoid gives values in [0, 1]. For a target of 3 the best it can do is 1, where it is flat: the loss stops at a
    floor, and the gradient dies on the way there.
    """

    kind: ClassVar[str] = "targets_out_of_reach"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where some target is below or above what the last activation reaches."""
        last = last_activation(at.side)
        if last is None or at.data is None or isinstance(at.side.config.loss, CrossEntropy):
            return  # Of a cross-entropy the targets are probabilities, whatever comes before it.
        (path, activation), targets = last, at.data.y
        low, high = bounds(activation)
        slack = SLACK * float(np.ptp(targets))
        beyond = (targets < low - slack) | (targets > high + slack)
        if not beyond.any():
            return
        yield Advice(
            rule=self.kind,
            path=path,
            what=f"{path} is {activation.kind}, which gives values from {low:.3g} to {high:.3g}, and targets run from "
            f"{targets.min():.4g} to {targets.max():.4g}",
            why=f"{beyond.mean():.1%} of the target values are out of reach: the loss cannot fall below a floor, and "
            "the outputs are driven to where the activation is flat",
            fix=f"set {setting(path, 'linear')}; or bring the targets into that range",
            changes={path: "linear"},
        )
