"""What the NumPy reference of a config computes in a step that a side has taken, from the same state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from parity.compare.judge import PHASES, Judge
from parity.compare.measure import gap
from parity.compare.noise import Name, Rounding
from parity.recorded import RecordedReference, unseen
from parity.run.exchange import Exchange
from parity.run.lockstep import Lockstep, Taken, batch_of, slots_before
from parity.spec.differences import with_numbers_of
from parity.spec.resolve import Resolved
from parity.tensors import predictions


@dataclass(kw_only=True)
class Constants:
    """What it does that a side keeps numbers of its config in float32, which another side has in full.

    Args:
        lock: the sides, open.
        sides: resolved, by name.
        rounding: takes note of it.
    """

    lock: Lockstep
    sides: Mapping[str, Resolved]
    rounding: Rounding
    _kept: dict[str, Resolved | None] = field(default_factory=dict, init=False)

    def measure(self, judge: Judge, number: int, replay: Mapping[str, Taken]) -> None:
        """Take the reference's step with the numbers of the one side and with those of the other.

        Args:
            judge: of the two sides.
            number: of the step, counted from 1; the last one taken.
            replay: what the sides computed, their tensors kept.
        """
        if self.lock.precision != "float64" or not {judge.a, judge.b} <= self.sides.keys():
            return
        mine, state = self.sides[judge.a], Exchange(self.lock.state)
        if judge.b not in self._kept:
            self._kept[judge.b] = with_numbers_of(mine, self.sides[judge.b])
        other = self._kept[judge.b]
        if other is None or not has_state(mine, state):
            return
        form = self.lock.form(judge.a)
        plain, kept = (reference_step(one, state, replay[judge.a], number - 1, form) for one in (mine, other))
        for name in plain.keys() & kept.keys():
            self.rounding.constant(judge.b, name, gap(plain[name], kept[name]).difference)


def has_state(side: Resolved, state: Exchange) -> bool:
    """Return whether a state has every parameter of a side."""
    return all(
        state.has(f"weights/{name}") and state.get(f"weights/{name}").shape == parameter.shape
        for name, parameter in side.parameters().items()
    )


def reference_step(
    side: Resolved, state: Exchange, taken: Taken, number: int, form: Mapping[str, str | None] | None = None
) -> dict[Name, np.ndarray]:
    """Return what the NumPy reference of a side's config computes in a step, by phase and tensor.

    Args:
        side: whose config it is.
        state: exchange with the full state that the step starts from.
        taken: the side's own step, for its batch.
        number: of the step, counted from 0.
        form: what predictions are compared as, see ``Reference.form``.
    """
    weights = {name: state.get(f"weights/{name}") for name in side.parameters()}  # The reference copies what it takes.
    slots = slots_before(side, state, number)
    x, y = batch_of(side, taken)
    reference = RecordedReference(side, weights, slots)
    reference.own, reference.beside = taken.own, tuple(taken.beside(side.parameters()))
    if unseen(side, taken.own):
        return {}  # What is opaque cannot be seen in the program: nothing behind it is known.
    reference.form = form or {}
    predicted = {("metric", predictions(name)): one for name, one in reference.predicted(x).items()}
    step = reference.step(x, y, number)
    found: dict[Name, np.ndarray] = {("loss", "loss"): np.asarray(step.loss), **predicted}
    for phase in PHASES:
        for name, value in getattr(step, phase, {}).items() if phase not in ("loss", "metric") else ():
            found[phase, name] = value
    return found
