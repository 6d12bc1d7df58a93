"""Outcomes as every report words them: a metric, a level that is reached or missed, or the steps it takes to get there.

The facts hold a number in every case. Of a level it is 1 or 0, or the share of the seeds that reach it; of the steps
to a level it is one more than a run has where the run never gets there.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal, TypeVar

from parity.result import formats
from parity.result.schema import Explanation

Kind = Literal["end", "level", "steps"]

STEPS_TO = "steps to "

T = TypeVar("T")


def kind(told: Explanation) -> Kind:
    """Say what the numbers of an explanation are: values of a metric, a level reached or not, or counts of steps."""
    if told.outcome.startswith(STEPS_TO):
        return "steps"
    return "level" if ">=" in told.outcome or "<=" in told.outcome else "end"


def metric(outcome: str) -> str:
    """Name the metric that an outcome is about.

    >>> metric("accuracy"), metric("val_accuracy >= 0.8"), metric("steps to accuracy >= 0.8")
    ('accuracy', 'val_accuracy', 'accuracy')
    """
    return outcome.removeprefix(STEPS_TO).partition(" ")[0]


def shown(told: Explanation, value: float | None, values: Sequence[float] = ()) -> str:
    """Write one outcome, with its spread where it was measured with several seeds.

    Args:
        told: says what the number is.
        value: the outcome, a mean where there were several seeds; None where nothing was measured.
        values: by seed.
    """
    if value is None:
        return formats.MISSING
    if not math.isfinite(value):
        return formats.not_finite(value)
    what = kind(told)
    if what == "level":
        return "reached" if value >= 1 else "missed" if value <= 0 else f"reached by {value:.0%} of the seeds"
    if what == "steps":
        if value > told.steps:
            return "never"
        most = "at least " if any(one > told.steps for one in values) else ""
        return f"{most}{value:,.0f}{'' if most else _spread(told, values)}"
    return number(told, value) + _spread(told, values)


def number(told: Explanation, value: float) -> str:
    """Write a value of the metric; one of which less is better spans orders of magnitude, so it has its digits."""
    return formats.significant(value) if told.better == "lower" else formats.decimals(value)


def cell(told: Explanation, value: float | None) -> str:
    """Write one outcome in a table, in as few words as that takes."""
    text = shown(told, value)
    return text.removeprefix("reached by ").removesuffix(" of the seeds")


def moved(told: Explanation, before: float, after: float, values: Sequence[float] = ()) -> str:
    """Write what a change does to the outcome; ``values`` are those after it, by seed."""
    colon = "" if kind(told) == "end" else ":"
    return f"{told.outcome}{colon} {shown(told, before)} -> {shown(told, after, values)}"


def measured(told: Explanation) -> str:
    """Name what is compared and when."""
    lower = " (less is better)" if told.better == "lower" and kind(told) == "end" else ""
    if kind(told) == "steps":
        return f"{told.outcome} (of {told.steps:,} in a run)"
    return f"{told.outcome} after {length(told)}{lower}"


def length(told: Explanation) -> str:
    """Say how long the runs are; where the sides' differ, each config runs its own."""
    if told.good_steps is None or told.bad_steps is None:
        return formats.count(told.steps, "step")
    return f"{formats.count(told.good_steps, 'step')} ({told.good}) and {told.bad_steps:,} ({told.bad})"


def axis(told: Explanation) -> str:
    """Name the axis of a chart of outcomes."""
    code = " (1: reached, 0: missed)" if kind(told) == "level" else ""
    return f"{measured(told)}{code}"


def kept(told: Explanation, values: Sequence[float]) -> str:
    """Say where the outcome stays, whichever of some differences is put in."""
    if kind(told) == "level":
        return f"{told.outcome} is still reached" if min(values) >= 1 else ""
    lower = told.better == "lower"
    worst = max(values) if lower else min(values)
    return f"{told.outcome} stays at {shown(told, worst)} or {'below' if lower else 'above'}"


def sides_at(told: Explanation) -> tuple[float, float]:
    """Give the good and the bad side's outcome with the seeds with which each difference was tried."""
    known = told.good_at is not None and told.bad_at is not None
    return (told.good_at, told.bad_at) if known else (told.good_value, told.bad_value)  # type: ignore[return-value]


def tried_with(told: Explanation) -> str:
    """Name the seeds with which each difference was tried, for the head of a column; empty where not recorded."""
    if not told.effect_seeds:
        return ""
    one = len(told.effect_seeds) == 1
    return f"seed {told.effect_seeds[0]}" if one else f"mean of {len(told.effect_seeds)} seeds"


def ways(told: Explanation) -> tuple[str, str]:
    """Head the columns of what a difference does, put in alone and taken back."""
    seeds = f", {tried}" if (tried := tried_with(told)) else ""
    return f"Alone on {told.good}{seeds}", f"Taken back from {told.bad}{seeds}"


def ends(told: Explanation) -> str:
    """Say what the two sides come to as they are, for the foot of a table."""
    good, bad = (cell(told, value) for value in sides_at(told))
    what = f"{told.outcome[0].upper()}{told.outcome[1:]} of the two sides as they are, on {told.framework}"
    return f"{what}: {good} ({told.good}) and {bad} ({told.bad})."


def gain(bad: float, good: float, value: float) -> float:
    """Give the share of the gap that an outcome wins back from the bad side; 0 where there is none to win."""
    gap = good - bad
    won = (value - bad) / gap if gap else 0.0
    return won if math.isfinite(won) else 0.0


def each(told: Explanation, values: Sequence[float]) -> str:
    """Write outcomes by seed, as they are, the lowest seed first."""
    return ", ".join(shown(told, value) for value in ascending(told, values))


def ascending(told: Explanation, values: Sequence[T]) -> list[T]:
    """Put values by seed, which are in the order of ``told.seeds``, into that of the seeds' numbers.

    The seed that leads the search stands first in the facts; a reader counts from the lowest.
    """
    if len(values) > len(told.seeds):
        return list(values)
    return [value for _, value in sorted(zip(told.seeds, values, strict=False), key=lambda one: one[0])]


def better(told: Explanation, one: float, other: float) -> bool:
    """Say whether an outcome is better than another; one that is no number is the worst there is."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(other) and not math.isnan(one)
    return one < other if told.better == "lower" else one > other


def ruins(told: Explanation, one: bool = True) -> str:
    """Name what is done to the good side; where it has learned nothing there is nothing to be ruined."""
    if told.learned is False:
        return "worsens" if one else "worsen"
    return "ruins" if one else "ruin"


def mends(told: Explanation, one: bool = True) -> str:
    """Name what is done to the bad side; where the good one has learned nothing, nothing is mended by being like it."""
    if told.learned is False:
        return "improves" if one else "improve"
    return "mends" if one else "mend"


def constant(told: Explanation) -> str:
    """Say what a constant prediction would get, and whether that is less than the good side; empty where not known."""
    if told.constant is None:
        return ""
    what = f"the best prediction that is the same for every row gets {number(told, told.constant)}"
    if told.learned is not False:
        return what
    return f"{what}, and neither side is clearly better than that: nothing is learned here"


def _spread(told: Explanation, values: Sequence[float]) -> str:
    """Write the standard deviation over the seeds; nothing where there was one, or none that is finite.

    Of a metric without a bound, whose mean is the geometric one, it is the lowest and the highest.
    """
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return ""
    if told.better == "lower" and kind(told) == "end":
        low, high = number(told, min(values)), number(told, max(values))
        return f" ({low} to {high})" if low != high else " (every seed)"
    spread = statistics.stdev(values)
    return f" ± {spread:,.0f}" if kind(told) == "steps" else f" ± {number(told, spread)}"
