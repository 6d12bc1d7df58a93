"""Which of two steps does what the config says, the recorded one or the one taken now, and what the other does instead.

Both start from one state, of which the NumPy reference of the config takes the step as well. Where one of them departs
from it, the reference is tried with what the entry at that place knows otherwise: another form of a rule, another value
of a field, a habit of programs. What was recorded is seen by its digests alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from parity.compare.by_digests import LEAST, LOSS
from parity.compare.measure import relative_gap
from parity.compare.noise import Name, Rounding, StepDigests
from parity.compare.saturated import lost
from parity.compare.steps import DOUBT
from parity.explain.against_reference import UNFIT
from parity.explain.changes import Change, Suspects, varied
from parity.explain.fields import candidates
from parity.explain.habits import Habits, Habitual
from parity.run.digest import apart, digest
from parity.run.exchange import Exchange
from parity.run.lockstep import Lockstep, Taken, batch_of, slots_before
from parity.spec.resolve import Resolved
from parity.tensors import layer_of, without_slot

SECONDS = 20.0
"""A search may take, of the time that its thread computes."""


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """How a step stands to the reference of its config.

    Args:
        side: whose step it is, as a judge calls it.
        agrees: with the reference of the config as it is.
        forms: the changes, each alone and none cheaper, with which it agrees; none were found, or needed, if empty.
    """

    side: str
    agrees: bool
    forms: tuple[Change, ...] = ()


@dataclass(kw_only=True)
class Meanings:
    """Holds steps against the reference of a config.

    Args:
        side: whose config it is.
        base: the reference, in the state that the steps start from.
        x: the batch.
        y: its targets.
        number: of the step, counted from 0.
        rounding: what is known of the rounding of both.
    """

    side: Resolved
    base: Habitual
    x: np.ndarray
    y: np.ndarray
    number: int
    rounding: Rounding

    def of(self, who: str, step: StepDigests) -> Meaning:
        """Return how a step stands to the config, and to changes of it."""
        place = self._departs(step, who, ())
        if place is None:
            return Meaning(side=who, agrees=True)
        phase, tensor = place
        layers = [layer for layer in self.side.layers() if layer.name == layer_of(tensor)]
        suspects = Suspects(phase=phase, layers=layers if phase in ("forward", "state") else [], number=self.number)
        found: list[Change] = []
        begun = time.thread_time()
        for change in sorted(candidates(self.side, suspects), key=lambda one: one.cost):
            if time.thread_time() - begun > SECONDS or (found and change.cost > found[0].cost):
                break
            if self._departs(step, who, (change,)) is None:
                found.append(change)
        return Meaning(side=who, agrees=False, forms=tuple(found))

    def _departs(self, step: StepDigests, who: str, changes: tuple[Change, ...]) -> Name | None:
        """Return the first tensor of a step in which the reference of changes is another; None where none is."""
        made = varied(self.side, changes)
        if made is None:
            return "", ""
        gone = lost(step)
        with np.errstate(all="ignore"), suppress(*UNFIT):
            for name, value in self._stages(*made):
                if name != LOSS and (name not in step.digests or without_slot(name[1]) in gone):
                    continue
                if name == LOSS:
                    difference = relative_gap(float(value), step.loss)
                else:
                    difference = apart(digest(np.asarray(value, np.float64)), step.digests[name])
                if not difference <= DOUBT * self.rounding.noise(who, who, name) + LEAST:
                    return name
            return None
        return "", ""

    def _stages(self, side: Resolved, habits: Habits) -> Iterator[tuple[Name, np.ndarray]]:
        return self.base.varied(side, habits).everything(self.x, self.y, self.number)


def meanings(
    lock: Lockstep, side: Resolved, number: int, steps: Mapping[str, StepDigests], rounding: Rounding
) -> list[Meaning]:  # fmt: skip
    """Return how the recorded step and the one taken now stand to the config that both have.

    Args:
        lock: of the side, its state that which the step starts from.
        side: whose config it is.
        number: of the step, counted from 0; the last one taken.
        steps: both, as a judge calls them.
        rounding: what is known of the rounding of both.
    """
    taken: Taken = lock.replay(number)[side.name]
    state = Exchange(lock.state)
    weights = {name: np.array(state.get(f"weights/{name}")) for name in side.parameters()}
    base = Habitual(side, weights, slots_before(side, state, number))
    base.form = lock.form(side.name)
    x, y = batch_of(side, taken)
    every = Meanings(side=side, base=base, x=x, y=y, number=number, rounding=rounding)
    return [every.of(who, step) for who, step in steps.items()]
