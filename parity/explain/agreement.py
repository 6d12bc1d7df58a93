"""Which changes of its config make a program agree: the smallest sets, those of the first place first.

Places come in the order of a step. A change that mends the first one is gone on with, and what is left is looked for
from there; only where none does are two tried at one place.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from parity.explain.against_reference import Agreed, Changes, Held
from parity.explain.changes import Change, Knob, Suspects
from parity.explain.fields import candidates, knobs, native
from parity.explain.solved import nearest, short_forms
from parity.lazy import np
from parity.ops.flatten import Flatten
from parity.tensors import layer_of, parameter, slot_of

SECONDS = 20.0
"""How long a search may take, of the time that its thread computes: what else the machine does must not decide."""

TRIALS = 4000
"""How many configs it may try."""

MOST = 3
"""Changes in a set, at most."""

ODD = 2.5
"""What a number of many digits counts as: two values that somebody would write are likelier."""

NOTHING = 1e-12
"""A number that is solved for and is so small beside what it was is 0, which is among the values that are tried."""

EXTENDED = 12
"""Sets that mend the first place and are gone on with, at most: those that agree longest."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Changes that make a program agree.

    Args:
        changes: the smallest set, or one of several of its size.
        largest: the largest relative difference left.
        unsteady: phases of which nothing can be said, see :class:`~parity.explain.against_reference.Agreed`.
        alike: sets that are called the same and did as well so far: a decay of kernels only, while biases are 0.
    """

    changes: Changes
    largest: float
    unsteady: frozenset[str] = frozenset()
    alike: tuple[Agreement, ...] = ()

    @property
    def told(self) -> frozenset[tuple[str, str]]:
        """Return what the changes are called."""
        return frozenset((change.path, repr(change.value)) for change in self.changes)

    @property
    def cost(self) -> float:
        """Return how many changes it counts as."""
        return sum(change.cost for change in self.changes)

    def held(self, outcome: Agreed) -> Agreement:
        """Return it as it stands once the changes were seen to agree in another step, too."""
        largest = max(self.largest, outcome.largest)
        return replace(self, largest=largest, unsteady=self.unsteady | outcome.unsteady)

    def against(self, held: Held, afresh: bool) -> tuple[Agreement | None, Agreed | None]:
        """Return what of it agrees in another step, None where nothing does, and how far its changes do.

        Args:
            held: the step.
            afresh: see :meth:`Held.outcome`.
        """
        first = held.outcome(self.changes, afresh=afresh)
        outcomes = [(self, first), *((one, held.outcome(one.changes)) for one in self.alike)]
        agree = [one.held(outcome) for one, outcome in outcomes if outcome and outcome.place is None]
        return (replace(agree[0], alike=tuple(agree[1:])) if agree else None), first


@dataclass(kw_only=True)
class ChangeSearch:
    """Looks for the smallest sets of changes with which a program agrees.

    Args:
        held: the step.
        seconds: the search may take.
        begin: changes that are made in any case.
    """

    held: Held
    seconds: float = SECONDS
    begin: Changes = ()
    stopped: bool = field(default=False, init=False)
    found: list[Agreement] = field(default_factory=list, init=False)
    _tried: dict[frozenset[tuple[str, str]], Agreed | None] = field(default_factory=dict, init=False)
    _until: float = field(default=0.0, init=False)

    def run(self) -> list[Agreement]:
        """Return the agreements, the smallest; empty where there is none, or where the time was over before."""
        self._until = time.thread_time() + self.seconds
        start = self._try(self.begin)
        if start is None or start.place is None:
            return []
        frontier, sizes = [(self.begin, start)], range(1, MOST + 1)
        self._natives(start)
        for size in sizes:
            if self._smallest() < size + 1 or self._over():
                break
            frontier = self._grown(frontier, size)
        least = self._smallest()
        # What is called the same is the same to whoever reads it: a decay of SGD's, coupled or not.
        alike: dict[frozenset[tuple[str, str]], list[Agreement]] = {}
        for one in self.found:
            if one.cost == least:
                alike.setdefault(one.told, []).append(one)
        return [replace(first, alike=tuple(rest)) for first, *rest in alike.values()]

    def _smallest(self) -> float:
        return min((one.cost for one in self.found), default=math.inf)

    def _over(self) -> bool:
        self.stopped = self.stopped or time.thread_time() > self._until or self.held.trials > TRIALS
        return self.stopped

    def _try(self, changes: Changes) -> Agreed | None:
        """Return the outcome of a set, noted where it agrees."""
        key = frozenset((change.path, repr((change.value, change.sets, change.habits))) for change in changes)
        if key not in self._tried:
            found = self._tried[key] = None if self._over() else self.held.outcome(changes)
            # Fewer numbers than there is to choose would agree with anything.
            if found is not None and found.place is None and found.numbers > 4 * len(changes):
                self.found.append(Agreement(changes=changes, largest=found.largest, unsteady=found.unsteady))
        return self._tried[key]

    def _suspects(self, outcome: Agreed) -> Suspects:
        """Return what may be the cause of a place: of the forward pass, the layers since the last one that agrees."""
        assert outcome.place is not None
        (phase, tensor), layers = outcome.place, self.held.side.layers()
        leftovers = any(np.any(one) for name, one in self.held.leftovers.items() if not slot_of(name))
        if phase == "state":
            layers = [
                layer for layer in layers if tensor in {parameter(layer.name, one) for one in layer.op.statistics}
            ]
        elif phase in ("forward", "loss"):
            visible, graph = self.held.visible(), self.held.side.graph
            if phase == "forward":
                place = graph.by_name[layer_of(tensor)]
                # What a flatten takes in may be seen there, as the layer before it puts it out.
                behind = [layer for layer in graph.readers(place.name) if isinstance(layer.op, Flatten)]
                layers = [*graph.unseen(place, visible), place, *behind]
            else:
                ends = [graph.by_name[value.name] for value in graph.outputs if value.name not in visible]
                found = {one.name for end in ends for one in (*graph.unseen(end, visible), end)}
                layers = [layer for layer in layers if layer.name in found]
        return Suspects(phase=phase, layers=layers, number=self.held.number, leftovers=leftovers)

    def _natives(self, start: Agreed) -> None:
        """Try all of a framework's own defaults at once, which no two would reach; keep what is needed of them."""
        for group in native(self.held.side, self._suspects(start)):
            found = self._try((*self.begin, *group))
            if found is None or found.place is not None:
                continue
            for change in group:
                fewer = tuple(one for one in group if one is not change)
                left = self._try((*self.begin, *fewer))
                group = fewer if left is not None and left.place is None else group

    def _grown(self, frontier: Sequence[tuple[Changes, Agreed]], size: int) -> list[tuple[Changes, Agreed]]:
        """Try every set with one change more; return those that agree longer than before, the longest first."""
        longer: list[tuple[Changes, Agreed]] = []
        for base, outcome in frontier:
            suspects = self._suspects(outcome)
            every, numbers = candidates(self.held.side, suspects), knobs(self.held.side, suspects)
            if size == 2 and base == self.begin:
                if self._smallest() > size:
                    self._pairs(longer, every, numbers, outcome)
                continue
            mended = False
            for change in every:
                if not any(change.meets(one) for one in base):
                    found = self._note(longer, (*base, change), outcome)
                    mended = mended or (found is not None and found.later(outcome))
            for knob in numbers:
                # A rate ten times too small and a momentum that is averaged may be one update: then both are told.
                if not mended or (size == 1 and knob.any and knob.change(knob.start).owner == "optimizer"):
                    self._solved(longer, base, knob, outcome)
        if size == 1:
            longer.append(frontier[0])  # Two changes may be needed before the first place is mended.
        return sorted(longer, key=lambda one: -one[1].order)[:EXTENDED]

    def _note(self, longer: list[tuple[Changes, Agreed]], changes: Changes, before: Agreed) -> Agreed | None:
        found = self._try(changes)
        if found is not None and found.place is not None and found.order > before.order:
            longer.append((changes, found))
        return found

    def _pairs(
        self, longer: list[tuple[Changes, Agreed]], every: Sequence[Change], numbers: Sequence[Knob], before: Agreed
    ) -> None:  # fmt: skip
        """Try two changes at one place: of one part of the config first, then of two, then with a number solved for."""
        pairs = [pair for pair in itertools.combinations(every, 2) if not pair[0].meets(pair[1])]
        for pair in sorted(pairs, key=lambda pair: pair[0].owner != pair[1].owner):
            self._note(longer, (*self.begin, *pair), before)
        for change, knob in itertools.product(every, numbers):
            told = knob.change(knob.start)
            if self._smallest() > 2 and change.owner == told.owner and change.cost == 1 and not change.meets(told):
                self._solved(longer, (*self.begin, change), knob, before)

    def _solved(self, longer: list[tuple[Changes, Agreed]], base: Changes, knob: Knob, before: Agreed) -> None:
        """Try the number that comes nearest to the program: of an update also the one by which the slots do."""
        if before.place is None or any(knob.change(knob.start).meets(one) for one in base) or self._over():
            return
        for phase in (before.place[0], *(("state",) if before.place[0] == "update" else ())):
            number = nearest(self.held, base, knob, phase, before.place)
            if number is None or not math.isfinite(number) or abs(number) <= NOTHING * abs(knob.start or knob.step):
                continue
            for short, value in short_forms(number):
                exact = not short and value == number
                if exact and not (knob.any and base == self.begin):
                    continue  # What no field would hold.
                change = knob.change(value) if short else replace(knob.change(value), cost=ODD)
                if self._helps(longer, (*base, change), before):
                    return

    def _helps(self, longer: list[tuple[Changes, Agreed]], changes: Changes, before: Agreed) -> bool:
        found = self._note(longer, changes, before)
        return found is not None and (found.place is None or found.order > before.order)
