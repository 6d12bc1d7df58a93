"""rate_too_small: all updates together move the weights by next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation, setting
from parity.advice.first_updates import FirstTwo, FirstUpdates
from parity.advice.one_output import OneOutput
from parity.lazy import np
from parity.run.randomness import steps_per_epoch
from parity.schedules import Schedule

PATH = "optimizer.learning_rate"

MOVED = 1e-2
"""Sum of all updates over the weights, were each as large as the first."""

FALLEN = 1e-3
"""Part of the loss by which they would make it fall."""


class RateTooSmall(Rule):
    """Were every update as large as the first, and in its direction, they would add up to updates x the first one.

    With momentum m the steps grow to 1 / (1 - m) times that. Where even so no tensor moves by a hundredth of its size
    and the loss falls by less than a thousandth, there are too few updates for the rate, or the rate is too small for
    the updates. Of a network whose gradient is 0 for another reason that is known, a softmax over one output, it is
    measured with that mended.
    """

    kind: ClassVar[str] = "rate_too_small"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where updates x the first update is next to nothing."""
        rate, training = at.side.config.optimizer.learning_rate, at.side.config.training
        if at.updates is None or at.data is None or at.data.stand_in or isinstance(rate, Schedule):
            return
        if training.epochs < 2:
            return  # A spec that compares a few steps is not meant to learn.
        found, aside = measured(at, at.updates)
        if found is None:
            return
        updates = training.epochs * steps_per_epoch(len(at.data.x), training.batch_size, training.drop_remainder)
        momentum = float(getattr(at.side.config.optimizer, "momentum", 0.0) or 0.0)
        times = updates / (1.0 - min(momentum, 0.999))
        moves = [one for one in found.moves.values() if np.isfinite(one)]
        before, after = found.before, found.after
        if not moves or not before > 0.0 or not after < before:
            return
        moved, fallen = times * max(moves), times * (before - after) / before
        if moved >= MOVED or fallen >= FALLEN:
            return
        larger = float(f"{float(rate) * min(MOVED / moved, FALLEN / fallen, 1e6) * 10:.0e}")
        yield Advice(
            rule=self.kind,
            path=PATH,
            what=f"{PATH} is {rate:g}, and there are {updates} updates{aside}: were each as large as the first, they "
            f"would move no tensor by more than {moved:.1g} of its size",
            why=f"the loss, {before:.4g}, would fall by {fallen * before:.1g}: nothing is learned in so many updates",
            fix=f"set a larger rate, {setting(PATH, larger)} for one, or train for more epochs",
            changes={PATH: larger},
        )


def measured(at: Situation, updates: FirstUpdates) -> tuple[FirstTwo | None, str]:
    """Return the first updates, and what was mended to see them; None where there is no gradient."""
    if updates.as_is.gradient > 0.0:
        return updates.as_is, ""
    for told in OneOutput().look(at):
        mended = updates.tried({path: value for path, value in told.changes.items() if path != "loss"})
        if mended is not None and mended.gradient > 0.0:
            return mended, f" (with {told.path} mended, whose gradient is 0)"
    return None, ""
