"""Free runs side by side: how far rounding alone carries two runs apart, and whether two sides part sooner.

A *twin* of a side is the same program from the same weights, each moved by one unit in the last place. Its gap to the
side it is a twin of grows, on most networks exponentially, until it is as large as the loss. From the *rounding
horizon* on rounding alone explains a visible gap; what two sides do beyond it says nothing about them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from parity.compare.noise import UNIT

VISIBLE = 0.01
"""Relative gap of two loss curves that one would see."""

ALLOWED, AHEAD = 30.0, 1.5
"""A pair of sides may be so many times further apart than the twins, and so much earlier: growth that is exponential
makes a small head start a large factor."""

LEAST = {name: 64 * unit for name, unit in {**UNIT, "float16": 2.0**-11}.items()}
"""Gap that is allowed in any step: one step's own rounding."""

Series = Mapping[tuple[str, str], np.ndarray]
"""Gap of each (phase, tensor), the loss among them, in every step."""


@dataclass(frozen=True, kw_only=True)
class FreeVerdict:
    """How two free runs stand to each other.

    Args:
        a: name of the reference side.
        b: name of the other side.
        verdict: ``divergent`` only where they part before the horizon, further than rounding can.
        reason: the verdict in one sentence.
        horizon: step, counted from 1, from which rounding alone makes a visible gap; None where the runs end before.
        growth: factor by which a rounding error grows each step, None where it does not show.
        first: step, phase and tensor in which they part, where they do.
        gap: largest relative gap of the losses before the horizon.
        largest: largest relative gap of the losses of all.
    """

    a: str
    b: str
    verdict: Literal["identical", "rounding", "divergent", "inconclusive"]
    reason: str
    horizon: int | None = None
    growth: float | None = None
    first: tuple[int, str, str] | None = None
    gap: float = 0.0
    largest: float = 0.0


def loss_gap(a: Sequence[float], b: Sequence[float]) -> np.ndarray:
    """Return abs(a - b) / abs(a) of two loss curves, step by step; infinite where one of them is not finite."""
    steps = min(len(a), len(b))
    one, two = (np.array(losses[:steps], dtype=np.float64) for losses in (a, b))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        gap = np.abs(one - two) / np.abs(one)
    gap[(one == two) | (np.isnan(one) & np.isnan(two))] = 0.0
    return np.where(np.isnan(gap), math.inf, gap)


def digest_gap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the estimated relative gap of a tensor in two traces, step by step.

    Args:
        a: its records in one trace.
        b: in the other.
    """
    steps = min(len(a), len(b))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        apart = np.sqrt(np.mean((a["projections"][:steps] - b["projections"][:steps]) ** 2, axis=1))
        gap = apart / a["norm"][:steps]
    same = (_bytes(a[:steps]) == _bytes(b[:steps])).all(axis=1)  # NaN in the same places, too.
    gap[(apart == 0.0) | same] = 0.0
    return np.where(np.isnan(gap), math.inf, gap)


def _bytes(records: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(records).view(np.uint8).reshape(len(records), records.itemsize)


def horizon_of(twins: Sequence[np.ndarray]) -> int | None:
    """Return the first step, counted from 1, in which twins are visibly apart, None where they never are."""
    seen = [int(np.argmax(gap > VISIBLE)) + 1 for gap in twins if (gap > VISIBLE).any()]
    return min(seen, default=None)


def growth_of(twins: Sequence[np.ndarray]) -> float | None:
    """Return the factor by which the twins' gap grows each step until it is visible; None where it does not grow.

    By least squares on the logarithm of the largest gap so far.
    """
    rates = []
    for gap in twins:
        running = np.maximum.accumulate(gap)
        steps = np.flatnonzero((running > 0.0) & (running <= VISIBLE))
        if len(steps) >= 3:
            rates.append(float(np.polyfit(steps, np.log(running[steps]), 1)[0]))
    return math.exp(float(np.mean(rates))) if rates else None


def envelope(twins: Sequence[np.ndarray], precision: str) -> np.ndarray:
    """Return the largest gap that rounding explains, step by step.

    Args:
        twins: gaps of a tensor, or of the loss, between a side and its twins.
        precision: of the runs.
    """
    steps = len(twins[0])
    running = np.maximum.accumulate(np.max(np.stack(twins), axis=0))
    ahead = np.minimum((np.arange(steps) * AHEAD).astype(int) + 8, steps - 1)
    return ALLOWED * running[ahead] + LEAST[precision]


def judge_free(a: str, b: str, pair: Series, twins: Sequence[Series], precision: str = "float32") -> FreeVerdict:
    """Judge two free runs by the twins of the first.

    Args:
        a: name of the reference side.
        b: name of the other side.
        pair: gaps between the sides; ``("loss", "loss")`` must be among them, of equal length all.
        twins: gaps between the reference side and each of its twins.
        precision: of the runs.
    """
    loss = pair["loss", "loss"]
    if not len(loss):
        return FreeVerdict(a=a, b=b, verdict="inconclusive", reason="no step was taken by both")
    if not twins:
        return FreeVerdict(a=a, b=b, verdict="inconclusive", reason="no twin ran, so what rounding does is not known")
    losses = [one["loss", "loss"][: len(loss)] for one in twins]
    horizon, growth = horizon_of(losses), growth_of(losses)
    last = len(loss) if horizon is None else horizon - 1
    told = partial(
        FreeVerdict, a=a, b=b, horizon=horizon, growth=growth, largest=float(loss.max()),
        gap=float(loss[:last].max(initial=0.0)),
    )  # fmt: skip
    if all(not gaps.any() for gaps in pair.values()):
        return told(verdict="identical", reason=f"bit for bit, in {len(loss)} steps")
    parted: list[tuple[int, int, tuple[str, str], list[np.ndarray]]] = []
    for order, ((phase, tensor), gaps) in enumerate(pair.items()):
        known = [one[phase, tensor][: len(gaps)] for one in twins if (phase, tensor) in one]
        if known and len(known[0]) == len(gaps):
            beyond = np.flatnonzero(gaps[:last] > envelope(known, precision)[:last])
            if len(beyond):
                parted.append((int(beyond[0]) + 1, order, (phase, tensor), known))
    if parted:
        step, _, (phase, tensor), known = min(parted, key=lambda one: one[:2])
        at = float(pair[phase, tensor][step - 1])
        allowed = float(envelope(known, precision)[step - 1])
        reason = f"they part at step {step}, {phase}, {tensor}: by {at:.1e}, rounding explains {allowed:.1e}"
        return told(verdict="divergent", reason=reason, first=(step, phase, tensor))
    return told(verdict="rounding", reason=_reason(horizon, growth, len(loss), float(loss.max())))


def _reason(horizon: int | None, growth: float | None, steps: int, largest: float) -> str:
    grows = f", growing by {100 * (growth - 1):.1f} % a step" if growth is not None and growth >= 1.0005 else ""
    if horizon is None:
        return f"rounding explains every gap in {steps} steps (the losses differ by {largest:.1e} at most{grows})"
    return (
        f"rounding explains every gap up to step {horizon}, its horizon{grows}; from there on it makes the curves part "
        f"visibly by itself (here by {100 * largest:.2g} %), and they say nothing about the sides"
    )
