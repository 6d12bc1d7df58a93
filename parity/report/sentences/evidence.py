"""What a verdict stands on, as sentences: repeated steps, measured noise, who departs from what, free runs.

Every sentence claims what the facts hold and no more: which steps were taken twice, which step was held against the
NumPy reference, from which step on the free runs prove nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import get_args

from parity.report import lookup
from parity.result import formats
from parity.result.schema import Comparison, Phase, Place, Result, WitnessFact

DRAWN = ("batch", "weights")
"""Phases whose tensors are drawn outside the programs."""


def unsteady(result: Result) -> list[str]:
    """Say where a side does not repeat itself bit for bit: it comes before every verdict."""
    texts = dict.fromkeys(text.rstrip(".") for pair in result.comparisons for text in pair.unsteady)
    if not texts:
        return []
    return [*(f"{text}." for text in texts), "What a side does not repeat counts as rounding in its comparisons."]


def steady(result: Result) -> str | None:
    """Say that the sides repeated themselves, where that was seen; None where one did not or nothing was taken."""
    seen = [pair for pair in result.comparisons if pair.checked]
    if not seen or unsteady(result):
        return None
    names = list(dict.fromkeys(name for pair in seen for name in (pair.a, pair.b)))
    who = "every side" if {side.name for side in result.sides} <= set(names) else f"each of {formats.names(names)}"
    first = min(pair.checked[0] for pair in seen)
    return (
        f"Where a step was taken twice from the same state (step {first:,} at least), {who} repeated itself bit for "
        "bit: the same loss, the same digest of every tensor."
    )


def noise(result: Result) -> list[str]:
    """Say how it was found out what rounding explains: a line for each precision of the comparisons."""
    judged = [pair for pair in result.comparisons if pair.steps and pair.verdict != "identical"]
    lines = []
    for precision in dict.fromkeys(pair.precision for pair in judged):
        how = (
            "by the same step in float32, scaled to float64"
            if precision == "float64"
            else f"in {precision} against the same step in float64"
        )
        lines.append(f"Noise: rounding measured in each program {how}; a fixed multiple of it counts as explained.")
    if any(place.phase in DRAWN for pair in judged for place in [*pair.places, pair.first] if place is not None):
        lines.append("Batches and initial weights are drawn, not computed: in these rounding explains nothing.")
    return lines


def blame(result: Result) -> list[str]:
    """Say which side stands alone, and whether the sides do what their configs say."""
    parted = [pair for pair in result.comparisons if pair.first is not None]
    return [*_odd(result, parted), *_witnesses(result, parted)]


def free_runs(result: Result) -> list[str]:
    """Say of each pair of sides how their free runs stand to each other, where there were any."""
    known = [(pair, pair.free.reason.rstrip(".")) for pair in result.comparisons if pair.free is not None]
    return [f"Free runs of {pair.a} and {pair.b}: {reason}." for pair, reason in known]


def horizon(result: Result) -> str | None:
    """Say from which step on the curves prove nothing."""
    step = lookup.horizon(result)
    if step is None:
        return None
    pairs = [pair for pair in result.comparisons if pair.free is not None and pair.free.horizon == step]
    twins = formats.names(dict.fromkeys(pair.a for pair in pairs))
    return (
        f"From step {step:,} on, rounding alone parts the curves visibly (so does a twin of {twins} that differs "
        "by rounding only): no cause is claimed from there."
    )


def explained_beyond(result: Result) -> str | None:
    """Say what an outcome measured beyond the horizon is worth; None when it was measured before."""
    step, told = lookup.horizon(result), result.explanation
    if step is None or told is None or told.steps <= step:
        return None
    return (
        f"Measured at step {told.steps:,}, beyond the rounding horizon (step {step:,}): the outcome is a metric of the "
        "whole run, single steps prove nothing there."
    )


def at_most(where: Place, a: str, b: str) -> str:
    """Say where in a tensor a difference is largest, and the two values there; empty where that is not known."""
    if where.values is None:
        return ""
    values = " and ".join(f"{value} in {side}" for value, side in zip(formats.both(*where.values), (a, b), strict=True))
    return f"most at {formats.index(where.element)}: {values}" if where.element else values


def place(where: Place, a: str, b: str) -> str:
    """Write a place with everything that is known of it, on one line.

    Args:
        where: the place.
        a: what the first value is of.
        b: what the second is of.
    """
    shape = f" {formats.index(where.shape)}" if where.shape else ""
    most = at_most(where, a, b)
    endless = f", since {a}'s is all zeros" if _over_zero(where) else ""
    if math.isinf(where.difference) and where.values is None and where.shape:
        endless = f", since it has another shape in {b}"
    return f"{formats.place(where)}{shape}: {formats.difference(where)}{endless}" + (f"; {most}" if most else "")


def _over_zero(where: Place) -> bool:
    """Say whether a difference is infinite because the first side's tensor is zero, not because one is not finite."""
    if where.values is None or not math.isinf(where.difference):
        return False
    return where.values[0] == 0.0 and math.isfinite(where.values[1])


def _odd(result: Result, parted: Sequence[Comparison]) -> list[str]:
    """Name the sides that differ at the first place where a majority agrees."""
    odd = list(dict.fromkeys(name for pair in parted for name in pair.odd))
    sides = list(dict.fromkeys(name for pair in result.comparisons if pair.steps for name in (pair.a, pair.b)))
    rest = [name for name in sides if name not in odd]
    if not odd or len(rest) * 2 <= len(sides):
        return []
    theirs = [pair for pair in parted if {pair.a, pair.b} & set(odd)]
    firsts = [pair.first for pair in theirs if pair.first is not None]
    at = min(firsts, key=_when, default=None)
    if at is None or not _agree(rest, odd, parted, at):
        return []
    # Two pairs may part in one phase at different tensors: then which comes first is not known here.
    alone = len({first.tensor for first in firsts if _when(first) == _when(at)}) == 1
    where = formats.place(at) if alone else f"step {at.step:,}, {at.phase}"
    who = f"{odd[0]} is the odd one out" if len(odd) == 1 else f"{formats.names(odd)} are the odd ones out"
    return [f"{who}: {formats.names(rest)} agree there ({where})."]


def _agree(rest: Sequence[str], odd: Sequence[str], parted: Sequence[Comparison], at: Place) -> bool:
    """Say whether the facts show that the other sides agree at a place.

    Where one of them is the side all are compared with, its comparisons say so. Else they were only compared with the
    odd one, which may be so called because it alone departs from its reference: then they agree if they differ from it
    by as much, and have the same value where they differ most.
    """
    among = [pair.first for pair in parted if pair.first is not None and pair.a in rest and pair.b in rest]
    if any(_when(first) <= _when(at) for first in among):
        return False
    theirs = [pair for pair in parted if {pair.a, pair.b} & set(odd)]
    if any(pair.a in rest for pair in theirs) or not _alone_astray(odd, parted):
        return True
    firsts = {pair.b: pair.first for pair in theirs if pair.b in rest and pair.first is not None}
    return len(firsts) == len(rest) and all(
        (one.phase, one.tensor, one.element) == (at.phase, at.tensor, at.element)
        and abs(one.difference - at.difference) <= one.noise + at.noise
        for one in firsts.values()
    )


def _alone_astray(odd: Sequence[str], parted: Sequence[Comparison]) -> bool:
    """Say whether the odd sides may be called so only because they, and no other, depart from their references."""
    held = {witness.side: witness.agrees for pair in parted for witness in pair.witnesses}
    present = {name for pair in parted for name in (pair.a, pair.b)}
    return all(name in held for name in odd if name in present) and all(
        agrees != (name in odd) for name, agrees in held.items()
    )


def _when(where: Place) -> tuple[int, int]:
    return where.step, get_args(Phase).index(where.phase)


def _witnesses(result: Result, parted: Sequence[Comparison]) -> list[str]:
    """Say whether each side agrees with the NumPy reference of its own config."""
    held = {witness.side: witness for pair in parted for witness in pair.witnesses}
    if not held:
        return []
    sides = dict.fromkeys(name for pair in parted for name in (pair.a, pair.b))
    agreeing = [name for name in sides if name in held and held[name].agrees]
    left = [name for name in sides if name not in held]
    told = [_departs(witness) for witness in held.values() if not witness.agrees]
    if told or left:
        told += [f"{_agrees(agreeing)} in that step."] if agreeing else []
        told += [f"{formats.names(left)} {_were(left)} not held against a reference."] if left else []
    else:
        told.append(_configs(result, parted, list(sides)))
    return [*told, *_later(parted)]


def _departs(witness: WitnessFact) -> str:
    at = f": first at {place(witness.place, 'its NumPy reference', witness.side)}" if witness.place is not None else ""
    return f"{witness.side} does not do what its config says{at}."


def _agrees(sides: Sequence[str]) -> str:
    if len(sides) == 1:
        return f"{sides[0]} agrees with the NumPy reference of its own config"
    return f"{formats.names(sides)} agree with the NumPy references of their own configs"


def _were(sides: Sequence[str]) -> str:
    return "was" if len(sides) == 1 else "were"


def _configs(result: Result, parted: Sequence[Comparison], sides: Sequence[str]) -> str:
    """Conclude from sides that all agree with their references."""
    compared = {name for pair in result.comparisons for name in (pair.a, pair.b)}
    every = "Each program does what its config says"
    who = every if compared == set(sides) else f"{formats.names(sides)} do what their configs say"
    does = f"{who} (in the first step in which sides part, each agrees with the NumPy reference of its own config)"
    opaque = [side.name for side in result.sides if side.name in compared and side.opaque]
    if opaque:
        return (
            f"{does}, where what is opaque in {formats.names(opaque)} is taken as it is: the difference is one of "
            "configs (see the differences below), or lies in what is opaque."
        )
    acting = [item for pair in parted for item in lookup.differences_between(result, pair.a, pair.b) if not item.inert]
    if acting:
        return f"{does}: the difference is one of configs (see the differences below)."
    return f"{does}, and the configs differ in nothing that acts: this does not tell which side is wrong."


def _later(parted: Sequence[Comparison]) -> list[str]:
    """Name the pairs that part only after the step that was held against the reference."""
    steps = {
        (pair.a, pair.b): min(where.step for where in taken)
        for pair in parted
        if (taken := [one for one in [*pair.places, pair.first] if one is not None and one.phase != "weights"])
    }
    earliest = min(steps.values(), default=0)
    late = [f"{a} and {b} (step {step:,})" for (a, b), step in steps.items() if step > earliest]
    return [f"These part later, in a step not held against the reference: {'; '.join(late)}."] if late else []
