"""The judge: two sides in lockstep, tensor by tensor, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from parity.compare.looked import Looks
from parity.tensors import itself, slot_of, without_slot

PHASES = ("batch", "weights", "forward", "loss", "gradient", "update", "state", "metric")
"""The order in which a step can part; ``metric`` is the model in evaluation mode."""

UNSTEADY = {"float64": 1e-6, "float32": 1e-3, "bfloat16": 1e-1}
"""A side that differs so much from itself, in the same step from the same state, cannot be compared."""

Verdict = Literal["identical", "rounding", "divergent", "inconclusive"]

AGREE = ("identical", "rounding")
"""Verdicts of sides that agree."""


MEANT = 1e-6
"""Share of a tensor above which, in float64, what rounding explains is all that there is of it."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The difference of one tensor in one step, beside what rounding explains.

    Args:
        step: counted from 1.
        phase: one of ``PHASES``.
        tensor: canonical name.
        shape: canonical shape, with the batch axis; None where it was never seen itself.
        difference: norm(a - b) / norm(a).
        noise: the largest difference that rounding explains.
        exact: measured on the tensors; else estimated from their digests.
        order: where in its phase a step computes it.
        element: index of the element that differs most.
        values: the two values there.
        made: ``here`` where the op differs on the same inputs, ``inherited`` where only its inputs do; None where
            that was not asked.
    """

    step: int
    phase: str
    tensor: str
    shape: tuple[int, ...] | None = None
    difference: float
    noise: float
    exact: bool = True
    order: int = 0
    element: tuple[int, ...] | None = None
    values: tuple[float, float] | None = None
    made: Literal["here", "inherited"] | None = None

    @property
    def size(self) -> str:
        """Return the difference as text; one that only digests tell is an estimate."""
        return f"{'' if self.exact else 'about '}{self.difference:.1e}"

    @property
    def beyond(self) -> bool:
        """Return whether rounding does not explain it."""
        return not self.difference <= self.noise

    @property
    def name(self) -> tuple[str, str]:
        """Return phase and tensor."""
        return self.phase, self.tensor

    @property
    def when(self) -> tuple[int, int, int]:
        """Return where in a run it was computed."""
        return self.step, PHASES.index(self.phase), self.order


@dataclass(kw_only=True)
class Judge:
    """Collects what two sides computed, and judges.

    Args:
        a: name of the reference side.
        b: name of the other side.
        precision: of the lockstep.
        by_hand: one of the two was written by hand. What is in its layers is then only believed where it comes out of
            them: a pooling before a relu is another tensor, and the same network.
        lone: by side, in words, each parameter that only it has; as long as no step moves them they are constants.
        unlike: why the two cannot be held against each other.
        apart: what only one has and its steps move: where all else agrees, nothing comes of it.
        aside: in words, tensors of single layers that differ while all that comes out of the network agrees.
        undealt: what draws random numbers that nothing deals to it, in words, by side; then a difference of meaning is
            one that is made ahead of it.
        ahead: layers whose outputs nothing of that reaches.
        ignored: targets that the losses of both leave out: what is predicted for them is not compared.
        looks: the tensors of one whole step.
    """

    a: str
    b: str
    precision: str = "float64"
    checked: list[int] = field(default_factory=list)
    first: Seen | None = None
    largest: dict[str, Seen] = field(default_factory=dict)
    closest: dict[str, float] = field(default_factory=dict)
    tensors: dict[str, set[str]] = field(default_factory=dict)
    shapes: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    places: list[Seen] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    unsteady: list[str] = field(default_factory=list)
    unsteadiness: float = 0.0
    amplified: list[str] = field(default_factory=list)
    inaccurate: list[tuple[tuple[str, str], float]] = field(default_factory=list)
    nonfinite: Seen | None = None
    by_hand: bool = False
    lone: dict[str, dict[str, str]] = field(default_factory=dict)
    unlike: list[str] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)
    aside: dict[tuple[str, str], str] = field(default_factory=dict)
    undealt: dict[str, str] = field(default_factory=dict)
    ahead: frozenset[str] = frozenset()
    ignored: int | None = None
    looks: Looks = field(default_factory=Looks)
    _under_way: tuple[int, bool] = (0, False)
    _earlier: dict[str, Seen] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Return the number of steps checked."""
        return len(self.checked)

    def add(self, seen: Seen, finite: bool = True) -> Seen:
        """Take note of one tensor.

        Args:
            seen: its difference.
            finite: whether the reference side's tensor is free of NaN and infinity.
        """
        if seen.shape is None:
            seen = replace(seen, shape=self.shapes.get(seen.name))
        else:
            self.shapes[seen.name] = seen.shape
        if seen.phase != "weights":  # Initial values come before any step.
            self.check(seen.step)
        if (now := (seen.step, seen.phase == "weights")) != self._under_way:
            self._under_way, self._earlier = now, dict(self.largest)
        self.tensors.setdefault(seen.phase, set()).add(seen.tensor)
        if not finite and (self.nonfinite is None or seen.when < self.nonfinite.when):
            self.nonfinite = seen
        if seen.noise > 0.0 and seen.exact:
            share = seen.difference / seen.noise
            self.closest[seen.phase] = max(self.closest.get(seen.phase, 0.0), share)
        kept = self.largest.get(seen.phase)
        if kept is None or self._weight(seen) > self._weight(kept):
            self.largest[seen.phase] = seen
        return seen

    def _weight(self, seen: Seen) -> tuple[bool, bool, float]:
        """Return what a difference counts by.

        Ahead of all, in float64, that it is not of a tensor that is nothing but rounding, whatever its size: the
        gradient of a bias ahead of a batch norm. Ahead of that, that there is one, lest two that differ be identical.
        """
        empty = self.precision == "float64" and seen.noise > MEANT and not seen.beyond
        difference = math.inf if math.isnan(seen.difference) else seen.difference
        return difference > 0.0, not empty, difference

    def check(self, step: int) -> None:
        """Take note that a step is checked, whatever comes of it."""
        if step not in self.checked:
            self.checked.append(step)

    def again(self, step: int) -> None:
        """Take back how far apart digests said that a step is, before its tensors say it."""
        if self._under_way == (step, False):
            self.largest = dict(self._earlier)

    def known(self, name: tuple[str, str]) -> bool:
        """Return whether a tensor is listed as made different in an op of its own, not only as inheriting it."""
        return any(place.name == name for place in self.places)

    def settle(
        self, natural: Sequence[Seen], guided: Mapping[tuple[str, str], Seen] | None, complete: bool = False,
        again: bool = False,
    ) -> None:  # fmt: skip
        """Tell the places where a step's differences are made from those that inherit them.

        Args:
            natural: what is beyond rounding in the step as it is.
            guided: the differences on the reference side's inputs; None where nothing could be guided.
            complete: every op was guided. What is beyond rounding while no op differs on equal inputs is then rounding
                that an ill-conditioned step makes large: the sign of a gradient that is nothing but rounding, say.
            again: nothing in it is new. Where nothing is made in it either, it says nothing.
        """
        if self.undealt:
            natural = [seen for seen in natural if self._dealt(seen)]
            guided = {name: seen for name, seen in (guided or {}).items() if self._dealt(seen)}
        if not natural:
            return
        forward = any(seen.phase == "forward" for seen in natural)
        told: list[Seen] = []
        for seen in natural:
            own = (guided or {}).get(seen.name)
            if seen.phase == "metric":
                here = not forward  # The same layers on the same rows, in evaluation.
            else:
                here = seen.phase in ("batch", "weights") or (own is not None and own.beyond)
                if own is not None and own.beyond:
                    # What the op makes of the same inputs, not what it made of inputs that may have differed already.
                    seen = replace(
                        seen, difference=own.difference, noise=own.noise, element=own.element, values=own.values
                    )
            told.append(replace(seen, made="here" if here else "inherited"))
        made = [seen for seen in told if seen.made == "here"]
        # What only shows on equal inputs: one of two faults that cancel.
        shown = {seen.name for seen in natural}
        made += [replace(own, made="here") for name, own in (guided or {}).items() if own.beyond and name not in shown]
        if not made and again:
            return
        if not made and complete:
            worst = max(natural, key=lambda seen: seen.difference)
            self.amplified.append(
                f"step {worst.step}, {worst.phase}, {worst.tensor}: {worst.size} apart, though ops agree "
                f"on equal inputs: rounding, made large by an ill-conditioned step"
            )
            return
        # What is ahead of all that is made in a step, from the same state, is rounding made large, and no place.
        begin = min(made if complete else [*told, *made], key=lambda seen: seen.when)
        if not made:
            begin = replace(begin, made="here")
            made = [begin]
        if self.first is None or begin.when < self.first.when:
            self.first = begin
        self.places += [seen for seen in made if not self.known(seen.name)]
        self.places.sort(key=lambda seen: seen.when)

    def _dealt(self, seen: Seen) -> bool:
        """Return whether no random numbers come into a tensor but those that both sides are dealt."""
        if seen.phase == "forward":
            return itself(seen.tensor) in self.ahead
        return seen.phase in ("batch", "weights")

    def missing(self, phase: str, tensor: str, side: str) -> None:
        """Take note of a tensor that only one side has.

        What follows from a note already taken is not told again: the gradient of a parameter that one side lacks,
        the slots of the same name for every parameter.
        """
        parameter = without_slot(tensor)
        if any(parameter in names for names in self.lone.values()):
            return  # Told by itself.
        told = (f"{parameter} (weights)", f"output of layer {parameter}:")
        if any(text.startswith(told) for text in self.unmatched):
            return
        if phase == "state" and slot_of(tensor):
            text = f"optimizer slot {slot_of(tensor)}: only {side} has it"
        else:
            text = f"{tensor} ({phase}): only {side} has it"
        if text not in self.unmatched:
            self.unmatched.append(text)

    def set_aside(self, seen: Seen) -> None:
        """Take note of a layer's tensor that differs while all that comes out of the network agrees."""
        self.aside.setdefault(
            seen.name,
            f"{seen.tensor} ({seen.phase}) is another tensor in one of the programs, from which nothing follows: the "
            "loss, the predictions and the parameters' gradients agree",
        )

    def moved(self, side: str, names: Iterable[str]) -> None:
        """Take note of parameters of its own that a side's step has moved: they may be part of what it learns."""
        other = self.b if side == self.a else self.a
        for name in names:
            text = self.lone.get(side, {}).get(name)
            told = f"{text} moves as it trains, and {other} has none like it"
            if text is not None and told not in self.apart:
                self.apart.append(told)

    def reshaped(self, tensor: str, a: tuple[int, ...], b: tuple[int, ...]) -> None:
        """Take note of a parameter that has another shape on each side."""
        text = f"{tensor} (weights): {a} in {self.a}, {b} in {self.b}"
        if text not in self.unmatched:
            self.unmatched.append(text)

    def overall(self) -> Seen | None:
        """Return the largest difference of all."""
        return max(self.largest.values(), key=self._weight, default=None)

    def verdict(self) -> tuple[Verdict, str]:
        """Return the verdict and the sentence that gives its reason."""
        # What only one has and moves matters where something differs, or where it has had no step to matter in.
        unlike = [*self.unlike, *(self.apart if self.first is not None or self.steps < 2 else [])]
        if unlike:
            return "inconclusive", f"they do not have the same parameters, so nothing can be told: {'; '.join(unlike)}"
        if self.first is not None:
            # What is computed of no numbers may be anything: a loss of nan has gradients of nan, or of 0.
            if self.nonfinite is not None and self.nonfinite.when < self.first.when:
                return "inconclusive", f"{self.a} is not finite from step {self.nonfinite.step} on"
            at = self.first
            return "divergent", (
                f"first at step {at.step}, {at.phase}, {at.tensor}: they differ by {at.size}, "
                f"rounding explains {at.noise:.1e}"
            )
        overall = self.overall()
        if self.undealt and overall is not None and (overall.difference > 0.0 or self.unsteady):
            told = "; ".join(f"{text} in {side}" for side, text in self.undealt.items())
            return "inconclusive", (
                f"{told} draws random numbers that nothing deals to it, so the two do not take the same steps; ahead "
                f"of it nothing is beyond rounding in {_steps(self.steps)}"
            )
        weights = [text for text in self.unmatched if "(weights)" in text]
        if weights:
            return "divergent", f"they do not have the same parameters: {'; '.join(weights)}"
        if self.inaccurate:
            (phase, tensor), ratio = max(self.inaccurate, key=lambda one: one[1])
            return "divergent", (
                f"{self.b} is less accurate in {self.precision}: its error in {tensor} ({phase}) against its own "
                f"float64 step is at least {ratio:.0f} times that of {self.a}"
            )
        if self.steps == 0:
            return "inconclusive", "no step was compared"
        if self.unsteadiness > UNSTEADY[self.precision]:
            return "inconclusive", f"{self.unsteady[0]}: a difference of meaning would be lost in that"
        if self.nonfinite is not None:
            return "inconclusive", f"{self.a} is not finite from step {self.nonfinite.step} on, on both sides alike"
        largest, aside = self.overall(), _aside(len(self.unmatched))
        if self.aside:
            aside = f"; {next(iter(self.aside.values()))}{aside}"
        if self.amplified:
            aside = f"; {self.amplified[0]}{aside}"
        if largest is None or (largest.difference == 0.0 and not self.unsteady):
            return "identical", f"bit for bit, in every tensor of {_steps(self.steps)}{aside}"
        return "rounding", (
            f"nothing beyond rounding in {_steps(self.steps)}: the largest difference of any tensor is "
            f"{largest.size} ({largest.phase}, {largest.tensor}, step {largest.step}){aside}"
        )


def _aside(unmatched: int) -> str:
    """Return what is said of tensors that only one side has."""
    if not unmatched:
        return ""
    return f"; not compared: {'1 tensor' if unmatched == 1 else f'{unmatched} tensors'} that only one side has"


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"
