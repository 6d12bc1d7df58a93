"""What rounding can do to each tensor of a step: measured on each side, in the very steps that are compared.

In float64 lockstep a side also takes the step in float32, from the same state rounded to float32 and from states moved
by one more unit in the last place. What changes in a tensor is the rounding error of that side's own program in
float32, conditioning and order of summation included; to first order it shrinks with the unit roundoff, by 2^-29 to
float64. In float32 or bfloat16 lockstep nothing need be scaled: the same step in float64 shows the error itself.

Two programs that mean the same then differ by about sqrt(error_a^2 + error_b^2), and never, in the clean pairs that
``parity selftest`` runs, by more than a small multiple of it (docs/verdicts.md has the measured ones). ``FACTOR`` is
above the largest multiple met.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from parity.compare.measure import relative_gap
from parity.run.digest import RESOLUTION, apart

UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "bfloat16": 2.0**-8}
"""Unit roundoff."""

FACTOR = {"float64": 16.0, "float32": 16.0, "bfloat16": 16.0}
"""Multiple of the expected rounding difference up to which two tensors count as the same."""

FLOOR = 8.0
"""Units of roundoff that any tensor is allowed: a measured error may be 0 by luck."""

CONSTANTS = 2.0
"""Multiple of what other constants do in the reference's step that they may do in another program's."""

EXACT_PHASES = ("batch", "weights")
"""Drawn once and handed over: there is nothing to round."""

WORSE, WORSE_STEPS = 30.0, 3
"""A side is less accurate than the other where its error is so many times the other's, in so many steps or more."""

Name = tuple[str, str]
"""Phase and tensor."""


class StepDigests(Protocol):
    """What is read of a side's step; ``parity.run.lockstep.Taken`` is one."""

    @property
    def loss(self) -> float:
        """The loss."""

    @property
    def digests(self) -> Mapping[Name, np.ndarray]:
        """Digest by phase and tensor."""


def distance(a: StepDigests, b: StepDigests, name: Name) -> float:
    """Return the relative difference of one tensor, or of the loss, as the digests give it.

    Args:
        a: the reference.
        b: the other one.
        name: phase and tensor.
    """
    if name[0] == "loss":
        return relative_gap(a.loss, b.loss)
    return apart(a.digests[name], b.digests[name])


def names_of(step: StepDigests) -> list[Name]:
    """Return everything a step computes that two sides can be compared in."""
    return [*step.digests, ("loss", "loss")]


@dataclass(kw_only=True)
class Rounding:
    """The rounding errors of the sides of a lockstep.

    Args:
        precision: of the lockstep.
        bits: by side, the bits that its products keep of a float32 number; of no side where all keep all. Of two sides
            that keep not the same, the error of the one that keeps more is what rounding explains: that the other one
            keeps less is what they differ in.
    """

    precision: str
    bits: Mapping[str, int] = field(default_factory=dict)
    errors: dict[str, dict[Name, float]] = field(default_factory=dict)
    constants: dict[str, dict[Name, float]] = field(default_factory=dict)
    history: dict[str, dict[Name, dict[int, float]]] = field(default_factory=dict)

    def measure(self, side: str, step: int, taken: StepDigests, shadows: Sequence[StepDigests]) -> None:
        """Take note of a side's step beside the same step in the other precision.

        Args:
            side: name of the side.
            step: number of the step.
            taken: the step as the lockstep takes it.
            shadows: as :meth:`parity.run.lockstep.Lockstep.shadows` returns them.
        """
        if self.precision == "float64":
            high, low, scale = taken, list(shadows), UNIT["float64"] / UNIT["float32"]
        else:
            high, low, scale = shadows[0], [taken, *shadows[1:]], 1.0
        known, history = self.errors.setdefault(side, {}), self.history.setdefault(side, {})
        for name in names_of(high):
            # Relative to the tensor in the higher precision: one that is all rounding there is all noise here, too.
            distances = [distance(high, one, name) for one in low if name in one.digests or name[0] == "loss"]
            # float32 may overflow where float64 does not.
            found = [one if math.isfinite(one) else 1.0 for one in distances]
            if found:
                error = scale * math.sqrt(sum(one * one for one in found) / len(found))
                known[name] = max(known.get(name, 0.0), error)
                history.setdefault(name, {})[step] = error

    def stored(self, side: str, taken: StepDigests, sizes: Mapping[str, float]) -> None:
        """Take note of what is lost where an update is read from a parameter as it is kept before and after a step.

        A rounding error is uniform in +- u |w|: relative to the update, u / sqrt(3) norm(w) / norm(update). Of a
        decay alone that is 1e-12 in float64, and the one float32 step that measures may have none by luck.

        Args:
            side: name of the side.
            taken: the step as the lockstep takes it.
            sizes: norm of each parameter before the step.
        """
        known = self.errors.setdefault(side, {})
        for name, size in sizes.items():
            moved = float(taken.digests["update", name]["norm"]) if ("update", name) in taken.digests else 0.0
            if moved > 0.0 and math.isfinite(size):
                lost = UNIT[self.precision] / math.sqrt(3.0) * size / moved
                known["update", name] = max(known.get(("update", name), 0.0), lost)

    def unsteady(self, side: str, name: Name, difference: float) -> None:
        """Take note of how far a side is from itself, where the same step taken twice is not the same."""
        known = self.errors.setdefault(side, {})
        known[name] = max(known.get(name, 0.0), difference)

    def constant(self, side: str, name: Name, difference: float) -> None:
        """Take note of what it does to a tensor that a side keeps numbers of the config in float32.

        Args:
            side: that is not the reference.
            name: phase and tensor.
            difference: that another side's numbers make in the reference's step.
        """
        known = self.constants.setdefault(side, {})
        known[name] = max(known.get(name, 0.0), difference)

    def expected(self, a: str, b: str, name: Name) -> float:
        """Return the difference that rounding makes two sides' tensors have, about."""
        kept = {side: self.bits.get(side, 0) for side in (a, b)}
        finest = [max(kept, key=lambda side: kept[side])] * 2 if kept[a] != kept[b] else [a, b]
        return math.hypot(*(self.errors.get(side, {}).get(name, 0.0) for side in finest))

    def noise(self, a: str, b: str, name: Name) -> float:
        """Return the largest difference of two sides' tensors that rounding explains.

        Args:
            a: the reference side.
            b: the other side.
            name: phase and tensor.
        """
        if name[0] in EXACT_PHASES:
            return 0.0
        kept = CONSTANTS * self.constants.get(b, {}).get(name, 0.0) if a != b else 0.0
        return FACTOR[self.precision] * self.expected(a, b, name) + kept + FLOOR * UNIT[self.precision]

    def resolution(self, name: Name) -> float:
        """Return the difference below which two digests say nothing."""
        return 0.0 if name[0] == "loss" else RESOLUTION * UNIT["float64"]

    def less_accurate(self, a: str, b: str) -> list[tuple[Name, float]]:
        """Return the tensors in which b is always much further from the float64 run than a, and how many times.

        Only of a lockstep in low precision: one step may be unlucky (a unit at the kink of its activation), several
        are not.
        """
        if self.precision == "float64":
            return []
        worse = []
        ours, theirs = (self.history.get(side, {}) for side in (a, b))
        floor = FLOOR * UNIT[self.precision]
        for name, errors in theirs.items():
            shared = [step for step in errors if step in ours.get(name, {})]
            ratios = [errors[step] / max(ours[name][step], floor) for step in shared]
            if len(ratios) >= WORSE_STEPS and min(ratios) > WORSE:
                worse.append((name, min(ratios)))
        return worse
