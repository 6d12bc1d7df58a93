"""rate_too_large: a learning rate with which the first update makes the loss of its own batch many times larger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation, setting
from parity.advice.exploding_initializer import exploded
from parity.advice.first_updates import GROWN
from parity.advice.magnitudes import size
from parity.advice.unscaled_inputs import UnscaledInputs
from parity.schedules import Schedule

PATH = "optimizer.learning_rate"

DECADES = 6
"""How often a tenth of the rate is tried."""


class RateTooLarge(Rule):
    """Along the gradient a loss falls as long as lr < 2 / curvature; beyond it every update overshoots by more.

    That is measured: the first two updates are taken exactly, and the loss of the same rows is looked at. It is said
    where both leave it several times larger, and where a smaller rate, tried the same way, lets it fall.
    """

    kind: ClassVar[str] = "rate_too_large"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where the first updates overshoot and those of a smaller rate do not."""
        rate = at.side.config.optimizer.learning_rate
        if at.updates is None or isinstance(rate, Schedule) or not at.updates.as_is.grows(GROWN):
            return
        if at.scales is not None and exploded(at.scales) is not None:
            return
        if any(UnscaledInputs().look(at)):
            return  # A smaller rate would do as well, and the inputs are what is unusual.
        smaller, path = float(rate), PATH
        for _ in range(DECADES):
            smaller = float(f"{smaller / 10:.3g}")
            taken = at.updates.tried({path: smaller})
            if taken is not None and taken.falls() and not taken.grows(1.0):
                break
        else:
            return
        before, after, last = at.updates.as_is.losses
        targets = at.targets
        large = size(targets) if targets is not None else 0.0
        yield Advice(
            rule=self.kind,
            path=path,
            what=f"{path} is {rate:g}, and the first update takes the loss of its own batch from {before:.4g} to "
            f"{after:.4g}, the second to {last:.4g}",
            why=f"the updates overshoot; with {smaller:g} the first takes it to {taken.after:.4g}"
            + (f". The targets are of size {large:.3g}, and gradients grow with them" if large > 10.0 else ""),
            fix=f"set {setting(path, smaller)}" + (", or scale the targets" if large > 10.0 else ""),
            changes={path: smaller},
        )
