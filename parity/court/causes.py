"""What makes a program agree with its config: one step is searched, and what is found held against later ones."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from parity.compare.noise import Name, Rounding
from parity.explain.against_reference import Held
from parity.explain.agreement import SECONDS, Agreement, ChangeSearch
from parity.run.exchange import Exchange
from parity.run.lockstep import Lockstep, Taken, batch_of, slots_before
from parity.spec.resolve import Resolved

LATER = 2
"""Later steps that what was found is held against, beside the last one."""

LATER_IN_DOUBT = 5
"""The same where several changes agree as well: a later step may tell them apart."""

KEPT_BYTES = 1 << 26
"""A step of more is not kept: what a later step shows besides cannot be looked for then."""


@dataclass(kw_only=True)
class Caused:
    """What came of a search.

    Args:
        side: the program's.
        agreements: the smallest sets of changes with which it agrees, each as well as the others; none were found if
            empty.
        steps: in which they agree, counted from 1; the first is the one that was searched.
        trials: configs that were tried.
        stopped: the search ended before all were tried.
        seconds: that it all took.
        departs: a later step in which what had been found did not agree, and the first tensor that departed there.
    """

    side: str
    agreements: list[Agreement]
    steps: list[int]
    trials: int
    stopped: bool = False
    seconds: float = 0.0
    departs: tuple[int, Name] | None = None


@dataclass(kw_only=True)
class Causes:
    """Searches a step of every program written by hand that departs from the reference of its config.

    Args:
        lock: the sides, open.
        sides: resolved, by name.
        rounding: what is known of it.
        seconds: a search may take.

    ``expected`` has, by side, what the reference of its config computes in the step that is looked at, where that is
    known already.
    """

    lock: Lockstep
    sides: Mapping[str, Resolved]
    rounding: Rounding
    seconds: float = SECONDS
    found: dict[str, Caused] = field(default_factory=dict, init=False)
    expected: dict[str, Mapping[Name, np.ndarray]] = field(default_factory=dict, init=False)
    _kept: dict[str, Held] = field(default_factory=dict, init=False)

    def look(self, number: int, replay: Mapping[str, Taken], names: Iterable[str]) -> None:
        """Search a step for those of the sides that no step has been searched for.

        Args:
            number: of the step, counted from 1; the last one taken.
            replay: what the sides computed, their tensors kept.
            names: of the sides.
        """
        for name in names:
            side = self.sides.get(name)
            if side is None or side.program is None or name in self.found or self.lock.precision != "float64":
                continue
            begun = time.thread_time()
            held = self._held(side, number, replay[name], self.expected.pop(name, None))
            if held is None or not held.departs:
                continue
            search = ChangeSearch(held=held, seconds=self.seconds)
            agreements = search.run()
            self.found[name] = Caused(
                side=name, agreements=agreements, steps=[number], trials=held.trials, stopped=search.stopped,
                seconds=time.thread_time() - begun,
            )  # fmt: skip
            if agreements and sum(replay[name].tensor(*one).nbytes for one in replay[name].digests) <= KEPT_BYTES:
                self._kept[name] = held.kept(replay[name].digests)
        self.expected.clear()

    def wanted(self, number: int, last: bool) -> list[str]:
        """Return the sides of which a later step can tell more than was found."""
        return [name for name, one in self.found.items() if self._open(one, number, last)]

    def _open(self, caused: Caused, number: int, last: bool) -> bool:
        if not caused.agreements or number <= caused.steps[-1] or self._keeps_slots(caused.side):
            return False
        if caused.seconds > self.seconds:
            return False
        return last or len(caused.steps) <= (LATER if len(caused.agreements) == 1 else LATER_IN_DOUBT)

    def _keeps_slots(self, side: str) -> bool:
        """Return whether a program's optimizer keeps slots that are not known: a later step starts from those, too."""
        bound = self.lock.openings[side]["bindings"]["slots"]
        return any(slot not in bound for slot in self.sides[side].config.optimizer.slots())

    def confirm(self, number: int, replay: Mapping[str, Taken], last: bool) -> None:
        """Hold what was found against a later step: what does not agree there goes; what else it shows is looked for.

        Args:
            number: of the step, counted from 1; the last one taken.
            replay: what the sides computed, their tensors kept.
            last: it is the last one checked.
        """
        for name, caused in self.found.items():
            held = self._held(self.sides[name], number, replay[name]) if self._open(caused, number, last) else None
            if held is None:
                continue
            begun, alone = time.thread_time(), len(caused.agreements) == 1
            outcomes = [one.against(held, afresh=alone) for one in caused.agreements]
            agree = [one for one, _ in outcomes if one is not None]
            if not agree:
                agree = self._extended(name, held, caused)
            caused.trials, caused.seconds = caused.trials + held.trials, caused.seconds + time.thread_time() - begun
            if agree:
                caused.agreements, caused.steps = agree, [*caused.steps, number]
            else:
                place = next((outcome.place for _, outcome in outcomes if outcome and outcome.place), ("", ""))
                caused.departs, caused.agreements = (number, place), []

    def _extended(self, name: str, held: Held, caused: Caused) -> list[Agreement]:
        """Return what agrees in this step beside what was found, and in the step that was searched as well."""
        found: list[Agreement] = []
        for one in caused.agreements if name in self._kept else ():
            for more in ChangeSearch(held=held, seconds=self.seconds / 2, begin=one.changes).run():
                before = self._kept[name].outcome(more.changes)
                if before is not None and before.place is None:
                    found.append(more.held(before))
        least = min((one.cost for one in found), default=0)
        return [one for one in found if one.cost == least]

    def _held(
        self, side: Resolved, number: int, taken: Taken, expected: Mapping[Name, np.ndarray] | None = None
    ) -> Held | None:
        """Return a step of a side; None where its noise is not known, or where the state is not one of its config."""
        state, parameters = Exchange(self.lock.state), side.parameters()
        given = (state.has(f"weights/{name}") and state.get(f"weights/{name}").shape == one.shape
                 for name, one in parameters.items())  # fmt: skip
        if not self.rounding.errors.get(side.name) or not all(given):
            return None

        x, y = batch_of(side, taken)
        return Held(
            side=side,
            form=self.lock.form(side.name),
            weights={name: state.get(f"weights/{name}") for name in parameters},
            slots=slots_before(side, state, number - 1),
            x=x,
            y=y,
            number=number - 1,
            own=taken.own,
            noise=lambda name: self.rounding.noise(side.name, side.name, name),
            expected=expected,
            leftovers=self.lock.leftovers(side.name),
            beside=tuple(taken.beside(parameters)),
        )
