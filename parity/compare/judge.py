"""The judge: two sides in lockstep, tensor by tensor, and the verdict.

What rounding can do is measured, not chosen: at some steps the reference side repeats its step from weights
moved by one unit in the last place (its twin). What that changes in a tensor, times ``MARGIN``, is the tensor's
noise: two frameworks that sum in another order differ by a few such units, a difference of meaning by many orders
more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

PHASES = ("batch", "weights", "forward", "loss", "gradient", "update", "state")
"""The order in which a step can part."""

MARGIN = 100.0
"""How many times the twin's difference two frameworks may differ by and still be called the same."""

UNIT = {"float64": 2.0**-53, "float32": 2.0**-24}
"""Unit roundoff: the least noise of any tensor."""

Verdict = Literal["identical", "rounding", "divergent", "inconclusive"]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The difference of one tensor in one step, beside what rounding explains.

    Args:
        step: counted from 1.
        phase: one of ``PHASES``.
        tensor: canonical name.
        shape: canonical shape, with the batch axis.
        difference: norm(a - b) / norm(a).
        noise: the largest difference that rounding explains.
    """

    step: int
    phase: str
    tensor: str
    shape: tuple[int, ...]
    difference: float
    noise: float

    @property
    def beyond(self) -> bool:
        """Return whether rounding does not explain it."""
        return not self.difference <= self.noise


@dataclass(kw_only=True)
class Judge:
    """Collects what two sides computed, and judges.

    Args:
        a: name of the reference side.
        b: name of the other side.
        precision: of the lockstep.
    """

    a: str
    b: str
    precision: str = "float64"
    steps: int = 0
    first: Seen | None = None
    largest: dict[str, Seen] = field(default_factory=dict)
    tensors: dict[str, set[str]] = field(default_factory=dict)
    unmatched: list[str] = field(default_factory=list)
    nonfinite: Seen | None = None
    _twin: dict[tuple[str, str], float] = field(default_factory=dict)

    def noise(self, phase: str, tensor: str, twin: float | None = None) -> float:
        """Return the noise of a tensor: ``MARGIN`` times the largest twin difference met so far.

        Args:
            phase: of the tensor.
            tensor: its name.
            twin: what the twin changed in it in this step, when it ran.
        """
        if phase in ("batch", "weights"):
            return 0.0  # Drawn once and handed over: there is nothing to round.
        known = self._twin.get((phase, tensor), UNIT[self.precision])
        if twin is not None and math.isfinite(twin):
            known = max(known, twin)
            self._twin[phase, tensor] = known
        return MARGIN * known

    def add(
        self,
        step: int,
        phase: str,
        tensor: str,
        shape: tuple[int, ...],
        difference: float,
        twin: float | None = None,
        finite: bool = True,
    ) -> Seen:
        """Take note of one tensor; called in the order in which a step computes.

        Args:
            step: counted from 1.
            phase: one of ``PHASES``.
            tensor: its name.
            shape: its shape.
            difference: of the two sides.
            twin: what the twin changed in it, when it ran.
            finite: whether the reference side's tensor is free of NaN and infinity.
        """
        seen = Seen(
            step=step, phase=phase, tensor=tensor, shape=shape, difference=difference,
            noise=self.noise(phase, tensor, twin),
        )  # fmt: skip
        if phase != "weights":  # Initial values are compared before any step is taken.
            self.steps = max(self.steps, step)
        self.tensors.setdefault(phase, set()).add(tensor)
        if not finite and self.nonfinite is None:
            self.nonfinite = seen
        if seen.beyond and (self.first is None or _order(seen) < _order(self.first)):
            self.first = seen
        kept = self.largest.get(phase)
        if kept is None or not seen.difference <= kept.difference:
            self.largest[phase] = seen
        return seen

    def missing(self, phase: str, tensor: str, side: str) -> None:
        """Take note of a tensor that only one side has.

        What follows from a note already taken is not told again: the gradient of a parameter that one side lacks,
        the slots of the same name for every parameter.
        """
        parameter = tensor.partition("/")[2] if phase == "state" else tensor
        if any(text.startswith(f"{parameter} (weights)") for text in self.unmatched):
            return
        if phase == "state":
            text = f"optimizer slot {tensor.partition('/')[0]}: only {side} has it"
        else:
            text = f"{tensor} ({phase}): only {side} has it"
        if text not in self.unmatched:
            self.unmatched.append(text)

    def reshaped(self, tensor: str, a: tuple[int, ...], b: tuple[int, ...]) -> None:
        """Take note of a parameter that has another shape on each side."""
        text = f"{tensor} (weights): {a} in {self.a}, {b} in {self.b}"
        if text not in self.unmatched:
            self.unmatched.append(text)

    def overall(self) -> Seen | None:
        """Return the largest difference of all."""
        return max(self.largest.values(), key=lambda seen: seen.difference, default=None)

    def verdict(self) -> tuple[Verdict, str]:
        """Return the verdict and the sentence that gives its reason."""
        if self.first is not None:
            if self.nonfinite is not None and self.nonfinite.step < self.first.step:
                return "inconclusive", f"{self.a} is not finite from step {self.nonfinite.step} on"
            at = self.first
            return "divergent", (
                f"first at step {at.step}, {at.phase}, {at.tensor}: they differ by {at.difference:.1e}, "
                f"rounding explains {at.noise:.1e}"
            )
        weights = [text for text in self.unmatched if "(weights)" in text]
        if weights:
            return "divergent", f"they do not have the same parameters: {'; '.join(weights)}"
        if self.steps == 0:
            return "inconclusive", "no step was compared"
        if self.nonfinite is not None:
            return "inconclusive", f"{self.a} is not finite from step {self.nonfinite.step} on, on both sides alike"
        largest, aside = self.overall(), _aside(len(self.unmatched))
        if largest is None or largest.difference == 0.0:
            return "identical", f"bit for bit, in every tensor of {_steps(self.steps)}{aside}"
        return "rounding", (
            f"nothing beyond rounding in {_steps(self.steps)}: the largest difference of any tensor is "
            f"{largest.difference:.1e} ({largest.phase}, {largest.tensor}, step {largest.step}){aside}"
        )


def _order(seen: Seen) -> tuple[int, int]:
    """Return where in a run something was seen."""
    return seen.step, PHASES.index(seen.phase)


def _aside(unmatched: int) -> str:
    """Return what is said of tensors that only one side has."""
    if not unmatched:
        return ""
    return f"; not compared: {'1 tensor' if unmatched == 1 else f'{unmatched} tensors'} that only one side has"


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"
