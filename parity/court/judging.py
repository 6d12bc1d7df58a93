"""Running sides in lockstep and judging them: which steps, what is looked at twice, who is asked to settle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from parity.compare.judge import MEANT, Judge, Seen
from parity.compare.measure import gap
from parity.compare.noise import Name, Rounding
from parity.compare.saturated import forgiven
from parity.compare.steps import compare_digests, compare_guided, compare_tensors, in_order, repeats, seen_of
from parity.court.causes import Caused, Causes
from parity.court.expected import Constants, has_state, reference_step
from parity.recorded import given_to_reference, tapped, undealt
from parity.run.environment import may_have_gpus
from parity.run.exchange import Exchange
from parity.run.lockstep import Lockstep, Taken
from parity.spec.exactness import kept_bits
from parity.spec.resolve import Resolved
from parity.spec.sections import Config
from parity.tensors import itself

REPEATS, REPEATS_IN_DOUBT = 2, 6
"""Steps in the other precision by which rounding is measured: at the first step and where sides part, and where
something stands out so little that it may still be rounding."""

OWN_STATE_STEPS = 8
"""Steps checked, one after another, of a side that keeps state of its own which nothing else can set."""

UNMEASURED = 1e-9
"""Taken for rounding, in float64, where a program draws other numbers each time, so that it cannot be measured."""

OUT_OF_DOUBT = 1e6
"""Multiples of the noise from which on a difference is no matter of how well the noise is known."""


@dataclass(frozen=True, kw_only=True)
class Witness:
    """How a side stands to the NumPy reference of its own config.

    Args:
        side: name of the side.
        place: the first tensor in which it departs from it beyond rounding, None where it agrees.
        places: all of them.
        number: of the step, counted from 1.
        largest: largest difference of the tensors that agree, those aside that are nothing but rounding.
        tensors: that were compared.
    """

    side: str
    place: Seen | None
    places: tuple[Seen, ...] = ()
    number: int = 0
    largest: float = 0.0
    tensors: int = 0


@dataclass(kw_only=True)
class Judged:
    """What came of a lockstep.

    Args:
        judges: one for each side but the first.
        witnesses: each side beside the NumPy reference, at the first step in which sides part; none where none do.
        odd: sides that differ where a majority agrees, or that alone depart from their reference.
        causes: of each program written by hand that departs from its reference, what makes it agree.
        rounding: what was measured of every side's rounding.
    """

    judges: list[Judge]
    rounding: Rounding
    witnesses: list[Witness] = field(default_factory=list)
    causes: list[Caused] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Court:
    """Takes the chosen steps one after another.

    A step is looked at, tensors and guided ops, when a tensor is in doubt that has not been beyond rounding before.
    So a later fault in a tensor that inherits an earlier one's difference from the start stays hidden until the last
    checked step: there the sides that have parted are looked at once more, if any tensor in doubt has only inherited
    its difference so far. What is made there and was not listed is listed with that step, though it may have begun
    earlier; a fault that is over by then is not found. That bounds the cost: one look a side more, whatever the
    number of steps.

    Args:
        lock: the sides, open.
        judges: one for each side but the first.
        sides: resolved, for the reference; a side left out is not held against it.
        hold: look at every step, and hold every side against the reference in each, though none have parted.
    """

    lock: Lockstep
    judges: Sequence[Judge]
    sides: Mapping[str, Resolved] = field(default_factory=dict)
    hold: bool = False
    judged: Judged = field(init=False)
    _causes: Causes = field(init=False)
    _known: dict[str, set[Name]] = field(default_factory=dict)
    _drifts: bool = False
    _measured: dict[tuple[int, str], int] = field(default_factory=dict)
    _constants: Constants = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing known of rounding."""
        low, gpus = self.lock.precision != "float64", may_have_gpus()  # In float64 every product is in full.
        bits = {name: kept_bits(side.config, gpus) for name, side in self.sides.items()} if low else {}
        rounding = Rounding(precision=self.lock.precision, bits=bits)
        self.judged = Judged(judges=list(self.judges), rounding=rounding)
        self._causes = Causes(lock=self.lock, sides=self.sides, rounding=rounding)
        self._constants = Constants(lock=self.lock, sides=self.sides, rounding=rounding)

    def sit(self, numbers: Sequence[int], note: Callable[[int], None]) -> Judged:
        """Judge every step.

        Args:
            numbers: of the steps, counted from 1, in order.
            note: told each step's number once it is judged.

        Raises:
            WorkerError: when a worker fails, dies or hangs.
        """
        left = list(numbers)
        while left:
            number = left.pop(0)
            self._step(number, first=number == numbers[0], last=not left)
            note(number)
            if self._drifts and number == numbers[0] and len(numbers) > 1:
                # A program that keeps its own count or rate must take every step.
                left = list(range(number + 1, min(numbers[-1], number + OWN_STATE_STEPS - 1) + 1))
        for judge in self.judges:
            judge.inaccurate = self.judged.rounding.less_accurate(judge.a, judge.b)
        self.judged.causes = list(self._causes.found.values())
        return self.judged

    def _step(self, number: int, first: bool, last: bool) -> None:
        rounding, everyone = self.judged.rounding, list(self.lock.sessions)
        taken = self.lock.take(number - 1)
        self._drifts = self._drifts or any(one.drifts for one in taken.values())
        for judge in self.judges:
            for name in (judge.a, judge.b):
                judge.moved(name, taken[name].moved)
        if first or self.lock.precision != "float64":
            self._measure(number, taken, everyone, REPEATS)
        look = first or self.hold
        for judge in self.judges:
            judge.check(number)
            overall = judge.overall()
            # As long as all is identical it is a matter of bits, and digests are not.
            identical = overall is None or overall.difference == 0.0
            doubtful = compare_digests(judge, number, taken, rounding)
            look = look or bool(doubtful - self._known.get(judge.b, set())) or identical
            look = look or (last and _hides(judge, doubtful))
        wanted = self._causes.wanted(number, last)
        if not look and not wanted:
            return
        replay = self.lock.replay(number - 1)
        if wanted:
            self._measure(number, replay, wanted, REPEATS)
            self._causes.confirm(number, replay, last)
        if not look:
            return
        for name in taken:
            judges = [judge for judge in self.judges if name in (judge.a, judge.b)]
            note_repeated(self.judged.rounding, judges, name, number, taken[name], replay[name])
        parted = [judge for judge in self.judges if self._look(judge, number, replay, last)]
        if self.hold:
            self._measure(number, replay, everyone, REPEATS)
            self.judged.witnesses += self._witnesses(number, replay)
        if parted and not self.judged.odd and not self.judged.witnesses:
            # In less than float64 the reference is too far from every side to tell them apart.
            if self.lock.precision == "float64":
                self.judged.witnesses = self._witnesses(number, replay)
            begin = min((judge.first for judge in parted if judge.first), key=lambda one: one.when)
            self.judged.odd = self._odd(begin, replay)
        searched = [name for judge in parted for name in (judge.a, judge.b)]
        searched += [one.side for one in self.judged.witnesses if self.hold and one.place is not None]
        self._causes.look(number, replay, dict.fromkeys(searched))

    def _measure(self, number: int, taken: Mapping[str, Taken], sides: Sequence[str], times: int) -> None:
        """Measure the rounding of sides in a step, of those with which that was not done as well before."""
        # The reference side is in every pair.
        sides = [name for name in sides if self._measured.get((number, name), 0) < times]
        self._measured |= {(number, name): times for name in sides}
        measured = self.lock.shadows(number - 1, sides, times)
        sizes = sizes_moved(Exchange(self.lock.state), (taken[name] for name in measured))
        for name, shadows in measured.items():
            self.judged.rounding.measure(name, number, taken[name], shadows)
            self.judged.rounding.stored(name, taken[name], sizes)

    def _look(self, judge: Judge, number: int, replay: Mapping[str, Taken], last: bool) -> bool:
        """Judge the tensors of a step; return whether something new is beyond rounding."""
        rounding = self.judged.rounding

        def remeasure(beyond: Iterable[Seen]) -> None:
            times = REPEATS_IN_DOUBT if any(_in_doubt(seen) for seen in beyond) else REPEATS
            self._measure(number, replay, [judge.a, judge.b], times)

        self._constants.measure(judge, number, replay)
        beyond = compare_tensors(judge, number, replay, rounding, remeasure)
        known = self._known.setdefault(judge.b, set())
        known |= set(judge.aside)
        fresh = {seen.name for seen in beyond} - known
        if not fresh and not (last and _hides(judge, {seen.name for seen in beyond})):
            return False
        guided = self.lock.guided(number - 1, [judge.b], replay[judge.a], without=set(judge.aside))[judge.b]
        ops = compare_guided(judge, number, replay[judge.a], guided, rounding, remeasure)
        ops = {name: seen for name, seen in ops.items() if name not in judge.aside}
        complete = all(seen.name in ops for seen in beyond if seen.phase != "metric")
        judge.settle(beyond, ops, complete=complete, again=not fresh)
        if judge.first is not None:  # Rounding that a step made large says nothing about the next one.
            known |= fresh
        return bool(fresh) and judge.first is not None

    def _witnesses(self, number: int, replay: Mapping[str, Taken]) -> list[Witness]:
        """Hold every side's step against the NumPy reference of its config, from the same state."""
        state, found = Exchange(self.lock.state), []
        self._causes.expected.clear()
        known: list[tuple[Config, dict[Name, np.ndarray]]] = []
        left = list(self.sides.values())
        for name, side in self.sides.items():
            left.remove(side)
            if not has_state(side, state):
                continue  # The reference side has other parameters: from its state there is no step to take.
            # Sides of one config read one batch, and have one reference.
            expected = next((step for config, step in known if config == side.config), None)
            if expected is None:
                expected = reference_step(side, state, replay[name], number - 1, self.lock.form(name))
            # Gigabytes, of a large network: held only as long as another side has the same config.
            known = [(side.config, expected)] if any(one.config == side.config for one in left) else []
            if side.program is not None:
                self._causes.expected[name] = expected
            seen = self._compared(name, number, replay[name], expected)
            places = [one for one in seen if one.beyond]
            agreeing = [one.difference for one in seen if not one.beyond and one.noise < MEANT]
            found.append(Witness(
                side=name, place=min(places, key=lambda one: one.when, default=None), places=tuple(places),
                number=number, largest=max(agreeing, default=0.0), tensors=len(seen),
            ))  # fmt: skip
        return found

    def _compared(
        self, side: str, number: int, taken: Taken, expected: Mapping[Name, np.ndarray]
    ) -> list[Seen]:  # fmt: skip
        """Return what the reference computes beside what a side does; not what it was given of what is opaque."""
        given = {(phase, itself(tensor)) for phase, tensor in given_to_reference(self.sides[side])}
        given |= {("gradient", name) for name in tapped(self.sides[side])}
        steady = not undealt(self.sides[side])
        order = in_order([*taken.digests, ("loss", "loss")])
        places = []
        for name, value in expected.items():
            if (name not in taken.digests and name[0] != "loss") or (name[0], itself(name[1])) in given:
                continue
            own = np.array(taken.loss) if name[0] == "loss" else taken.tensor(*name)
            noise = self.judged.rounding.noise(side, side, name) if steady else UNMEASURED
            places.append(seen_of(number, name, np.asarray(value), own, noise, order[name])[0])
        return forgiven(places, expected, taken, self.judged.rounding.precision)

    def _odd(self, place: Seen, replay: Mapping[str, Taken]) -> list[str]:
        """Return who is the odd one out at a place: by majority of the sides, else by the NumPy reference."""
        sides = [name for name, one in replay.items() if place.phase == "loss" or place.name in one.digests]
        values = {
            name: np.array(replay[name].loss) if place.phase == "loss" else replay[name].tensor(*place.name)
            for name in sides
        }
        noise = self.judged.rounding.noise

        def agree(a: str, b: str) -> bool:
            return gap(values[a], values[b]).difference <= noise(a, b, place.name)

        camps = [[other for other in sides if other == name or agree(name, other)] for name in sides]
        largest = max(camps, key=len, default=[])
        if len(largest) * 2 > len(sides):
            return [name for name in sides if name not in largest]
        return [one.side for one in self.judged.witnesses if one.place is not None]


def sizes_moved(state: Exchange, steps: Iterable[Taken]) -> dict[str, float]:
    """Return the norms of the parameters that steps have moved, as they were in the state before them."""
    moved = dict.fromkeys(name for taken in steps for phase, name in taken.digests if phase == "update")
    return {name: float(np.linalg.norm(state.get(f"weights/{name}"))) for name in moved if state.has(f"weights/{name}")}


def note_repeated(
    rounding: Rounding, judges: Iterable[Judge], side: str, number: int, first: Taken, second: Taken
) -> None:  # fmt: skip
    """Note where a step of a side, counted from 1, is not the same when it is taken twice: that is rounding, too."""
    if first.same(second):
        return
    found = repeats(first, second)
    for name, difference in found.items():
        rounding.unsteady(side, name, difference)
    (phase, tensor), most = max(found.items(), key=lambda one: one[1], default=(("", ""), 0.0))
    text = (
        f"{side} does not repeat itself: step {number}, taken twice from the same state, differs by {most:.1e} "
        f"in {tensor} ({phase})"
    )
    for judge in judges:
        judge.unsteady.append(text)
        judge.unsteadiness = max(judge.unsteadiness, most)


def _hides(judge: Judge, names: set[Name]) -> bool:
    """Return whether faults may be hidden: sides have parted, and a tensor is apart that was only inherited so far."""
    return judge.first is not None and not all(judge.known(name) for name in names)


def _in_doubt(seen: Seen) -> bool:
    """Return whether a difference is beyond rounding, but not so far that a better measure of it could not matter."""
    return seen.noise < seen.difference < OUT_OF_DOUBT * seen.noise
