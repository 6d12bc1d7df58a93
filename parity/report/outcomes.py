"""Outcomes as every report words them: a metric, a level that is reached or missed, or the steps it takes to get there.

The facts hold a number in every case. Of a level it is 1 or 0, or the share of the seeds that reach it; of the steps
to a level it is one more than a run has where the run never gets there.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal

from parity.report import formats
from parity.report.facts import Explanation

Kind = Literal["end", "level", "steps"]

STEPS_TO = "steps to "


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
    return f"{told.outcome} after {formats.count(told.steps, 'step')}{lower}"


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


def gain(told: Explanation, value: float) -> float:
    """Give the share of the gap that an outcome wins back from the bad side; 0 where there is none to win."""
    gap = told.good_value - told.bad_value
    won = (value - told.bad_value) / gap if gap else 0.0
    return won if math.isfinite(won) else 0.0


def _spread(told: Explanation, values: Sequence[float]) -> str:
    """Write the standard deviation over the seeds; nothing where there was one, or none that is finite."""
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return ""
    spread = statistics.stdev(values)
    return f" ± {spread:,.0f}" if kind(told) == "steps" else f" ± {number(told, spread)}"
