"""A step of a program, and the NumPy reference of its config with changes held against it.

A step is compared in the order in which it is computed, and no further than to the first tensor that departs: a change
of a layer costs that layer, as long as it is not the right one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from parity.compare.judge import MEANT, PHASES
from parity.compare.measure import relative_difference
from parity.explain.changes import Change, varied
from parity.explain.habits import FROM_THE_LOSS, FROM_THE_UPDATE, Habits, Habitual
from parity.lazy import np
from parity.reference import Passed
from parity.spec.resolve import Resolved
from parity.tensors import LOGITS, form_of, itself, output

Name = tuple[str, str]
"""Phase and tensor."""

Changes = tuple[Change, ...]

UNFIT = (ValueError, TypeError, LookupError, ArithmeticError)
"""What NumPy raises where a config cannot take the batch: a loss of class numbers on rows of one-hot targets."""


@dataclass(frozen=True, kw_only=True)
class Agreed:
    """How far a reference and a program agree.

    Args:
        place: the first tensor that departs, None where none does.
        order: how many tensors agree before it.
        largest: the largest relative difference of those that agree and are not rounding altogether.
        numbers: how many numbers were compared that are not zero.
        unsteady: phases with tensors that the program does not compute twice alike: nothing can be said of those.
    """

    place: Name | None
    order: int
    largest: float
    numbers: int
    unsteady: frozenset[str] = frozenset()

    def later(self, other: Agreed) -> bool:
        """Return whether it agrees for longer than another one by whole phases of a step."""
        if self.place is None or other.place is None:
            return self.place is None
        return PHASES.index(self.place[0]) > PHASES.index(other.place[0])


@dataclass(kw_only=True)
class Held:
    """One step of a program, and the state it was taken from.

    Args:
        side: the program's, with the config that it is meant to have.
        weights: before the step, by ``layer.parameter``.
        slots: before the step, by ``slot/layer.parameter``.
        x: the batch, (N, ...).
        y: its targets, (N, ...).
        number: of the step, counted from 0.
        own: the program's tensor of a phase and name, None where it cannot be seen.
        noise: the largest relative difference of it that rounding explains.
        expected: what the reference of the config computes, where that is known.
        form: what predictions are compared as, see ``Reference.form``.
        leftovers: what the step before left in the program: gradients by ``layer.parameter``, and slots that its
            config has none of, by ``ATTRIBUTE/layer.parameter``.
        beside: names of gradients that the config has no parameter for.
    """

    side: Resolved
    weights: Mapping[str, np.ndarray]
    slots: Mapping[str, np.ndarray]
    x: np.ndarray
    y: np.ndarray
    number: int
    own: Callable[[Name], np.ndarray | None]
    noise: Callable[[Name], float]
    expected: Mapping[Name, np.ndarray] | None = None
    form: Mapping[str, str | None] = field(default_factory=dict)
    leftovers: Mapping[str, np.ndarray] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    trials: int = field(default=0, init=False)
    _known: Passed | None = field(default=None, init=False)
    _compared: dict[tuple[Name, int], float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Take up the state."""
        self.base = Habitual(self.side, dict(self.weights), dict(self.slots), dict(self.leftovers))
        self.base.form, self.base.own, self.base.beside = self.form, self.own, self.beside

    def known(self) -> Passed:
        """Return the step as the config has it, which those that differ from it late go on from."""
        if self._known is None and self.expected is not None:
            self._known = self.base.passed(self.x, self.expected)
        if self._known is None:
            self._known = Passed(values=self.base.fed(self.x))
            for _ in self.base.varied(self.side, Habits()).stages(self.x, self.y, self.number, self._known):
                pass
        return self._known

    @property
    def departs(self) -> bool:
        """Return whether the program departs from its config as it is."""
        found = self.outcome()
        return found is not None and found.place is not None

    def kept(self, names: Iterable[Name]) -> Held:
        """Return the step with the program's tensors in memory, and what rounding explains of them as it is known now.

        Args:
            names: of the tensors that can be seen.
        """
        every = [*names, ("loss", "loss")]
        own = {name: np.array(self.own(name)) for name in every}
        noise = {name: self.noise(name) for name in every}
        return replace(self, own=own.get, noise=lambda name: noise.get(name, 0.0))

    def _stages(self, changes: Changes, afresh: bool = False) -> Iterator[tuple[Name, np.ndarray]] | None:
        made = varied(self.side, changes)
        if made is None:
            return None
        self.trials += 1
        side, habits = made
        reference = self.base.varied(side, habits)
        since = 0 if afresh else self._since(changes, reference)
        known = self.known() if since else None
        return reference.everything(self.x, self.y, self.number, known, since)

    def _since(self, changes: Changes, reference: Habitual) -> int:
        """Return the first layer that changes touch; behind the last come the loss and the update."""
        places = {layer.name: index for index, layer in enumerate(self.side.layers())}
        count = len(places)
        since = count + 1
        for path, _ in (pair for change in changes for pair in change.sets):
            section, *keys = path.split(".")
            if section == "layers":
                _, said = self.side.layers()[places[keys[0]]].op.about(keys[1])
                said = "regularizer" if keys[1].startswith("activity_") else said
                late = {"regularizer": count, "constraint": count + 1}.get(said, places[keys[0]])
            else:
                late = {"optimizer": count + 1, "loss": count, "data": count}[section]
            since = min(since, late)
        for habit, value in (pair for change in changes for pair in change.habits):
            if habit in FROM_THE_LOSS or habit in FROM_THE_UPDATE:
                since = min(since, count if habit in FROM_THE_LOSS else count + 1)
            elif habit in ("flattened", "symmetric", "turned"):
                since = min(since, *(places[name] for name in value))
            else:
                modal = [places[one.name] for one in self.side.layers() if one.op.draws or one.op.statistics]
                since = min(since, *modal)
        apart = reference.fused ^ self.base.fused
        return min([since, *(index for index, one in enumerate(self.base.graph.layers) if one.name in apart)])

    def outcome(self, changes: Changes = (), afresh: bool = False) -> Agreed | None:
        """Return how far the reference of a config with changes agrees with the program; None for no such config.

        Args:
            changes: to the config.
            afresh: the step is not gone on from that of the config, which would have to be computed first.
        """
        with np.errstate(all="ignore"), suppress(*UNFIT):
            stages = self._stages(changes, afresh)
            return None if stages is None else self._followed(stages, self._orders(changes))
        return None

    def _orders(self, changes: Changes) -> dict[str, tuple[int, ...]]:
        """Return the layers ahead of one that reads its axes in another order, and that order.

        Where a layer's output is seen as what the next one takes in, it may be seen in that order already.
        """
        read = [one for change in changes for habit, one in change.habits if habit == "flattened"]
        layers = self.side.graph.by_name
        return {layers[name].reads[0].name: order for one in read for name, order in one.items()}

    def _followed(self, stages: Iterator[tuple[Name, np.ndarray]], orders: Mapping[str, tuple[int, ...]]) -> Agreed:
        order, largest, numbers, unsteady = 0, 0.0, 0, set[str]()
        for name, value in stages:
            seen, own = self._seen(name)
            if own is None:
                continue
            if not math.isfinite(self.noise(seen)):
                unsteady.add(name[0])
                continue
            difference = self._apart(name, value, own)
            if name[1] in orders and not difference <= self.noise(seen):
                difference = relative_difference(value.transpose(0, *(axis + 1 for axis in orders[name[1]])), own)
            if not difference <= self.noise(seen):
                return Agreed(place=name, order=order, largest=largest, numbers=numbers)
            order, numbers = order + 1, numbers + int(np.count_nonzero(own))
            largest = max(largest, difference) if self.noise(seen) < MEANT else largest
        return Agreed(place=None, order=order, largest=largest, numbers=numbers, unsteady=frozenset(unsteady))

    def _apart(self, name: Name, value: np.ndarray, own: np.ndarray) -> float:
        """Return a relative difference; of what many configs have in common, it is known from the first."""
        if self._known is None or not (value is self._known.gradients.get(name[1]) or self._shared(value)):
            return relative_difference(np.asarray(value), own)
        key = (name, id(value))
        if key not in self._compared:
            self._compared[key] = relative_difference(value, own)
        return self._compared[key]

    def _shared(self, value: np.ndarray) -> bool:
        return self._known is not None and any(value is one for one in self._known.values)

    def _seen(self, name: Name) -> tuple[Name, np.ndarray | None]:
        """Return a tensor of the program; the last layer's may be seen with or without its activation."""
        own = self.own(name)
        if own is not None:
            return name, own
        phase, tensor = name
        other = (phase, itself(tensor) if form_of(tensor) == LOGITS else output(tensor, form=LOGITS))
        return other, self.own(other)

    def apart(self, changes: Changes, phase: str, place: Name) -> tuple[np.ndarray, np.ndarray] | None:
        """Return a phase as the reference of changes has it, and as the program has it, each tensor by its norm.

        Of the forward pass that is the one tensor of the place: what comes behind it depends on it.
        """
        ours, theirs = [], []
        with np.errstate(all="ignore"), suppress(*UNFIT):
            for name, value in self._stages(changes) or ():
                own = self.own(name) if name == place or (name[0] == phase != "forward") else None
                if own is not None and own.shape == value.shape:
                    scale = float(np.linalg.norm(own)) or 1.0
                    ours.append(np.ravel(value) / scale)
                    theirs.append(np.ravel(own) / scale)
                if (name == place and phase == "forward") or (ours and name[0] != phase):
                    break
            return (np.concatenate(ours), np.concatenate(theirs)) if ours else None
        return None

    def visible(self) -> set[str]:
        """Return the layers whose output can be seen."""
        names = [layer.name for layer in self.side.layers()]
        return {name for name in names if self._seen(("forward", name))[1] is not None}
