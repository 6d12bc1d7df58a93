"""Outcomes: the number that says which side does better, evaluated by the same code for all runs.

An outcome is named in a line: a metric at the end of a run (``accuracy``), whether it ends at a level
(``accuracy >= 0.8``), or how long it takes to get there (``steps to accuracy >= 0.8``). A score is the outcome turned
so that higher is better; of a metric that may grow without bound it is the logarithm, since losses span orders of
magnitude.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from parity.errors import UsageError, did_you_mean, listed
from parity.run.trajectory import Trajectory

LEAST, MOST = 1e-12, 1e12
"""Values of an unbounded metric beyond these count as these."""

LEAST_LEARNED = 0.02
"""Scores less than this above what a constant prediction gets have learned nothing."""

MOST_LOST = 2.0
"""Gaps that a run can lose at most."""

WRITTEN = re.compile(r"(?P<speed>steps to )?\s*(?P<metric>[A-Za-z_]\w*)\s*(?:(?P<sign>>=|<=)\s*(?P<level>[-+.\deE]+))?")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What is compared.

    Args:
        metric: name of the metric, with ``val_`` before it for the validation rows.
        better: whether a higher or a lower value of it is better.
        kind: its value at the ``end``, whether that reaches the ``level``, or the ``steps`` it takes to reach it.
        level: to be reached, None for the value at the end.
    """

    metric: str
    better: Literal["higher", "lower"] = "higher"
    kind: Literal["end", "level", "steps"] = "end"
    level: float | None = None

    @property
    def text(self) -> str:
        """Return the outcome as a user writes it."""
        if self.level is None:
            return self.metric
        sign = ">=" if self.better == "higher" else "<="
        return f"{'steps to ' if self.kind == 'steps' else ''}{self.metric} {sign} {self.level:g}"

    def reached(self, value: float) -> bool:
        """Return whether a value of the metric is at the level or better."""
        if self.level is None:
            return False
        return value >= self.level if self.better == "higher" else value <= self.level

    def value(self, run: Trajectory, steps: int, factor: float = 1.0) -> float:
        """Return the outcome of a run: the metric, 1 or 0 for a level, or a number of steps.

        Args:
            run: to its end, or to where its fate was decided.
            steps: of a run to its end; one that never gets to the level counts as a step more than that.
            factor: that puts the metric into the unit of the outcome.
        """
        last = factor * run.final.get(self.metric, math.nan)
        if self.kind == "end":
            return last
        if self.kind == "level":
            return float(self.reached(last))
        points = sorted([*run.curve, *run.measured], key=lambda one: one.step)
        return float(next((one.step for one in points if self.reached(factor * one.metrics.get(self.metric, math.nan))),
                          steps + 1))  # fmt: skip

    def score(self, value: float) -> float:
        """Return a value of :meth:`value` turned so that higher is better; NaN is the worst there is."""
        if self.kind == "level":
            return value
        if self.kind == "steps":
            return -math.log(max(value, 1.0))  # The untrained model may be there already.
        return self.metric_score(value)

    def typical(self, values: Sequence[float]) -> float:
        """Return the mean of some values as their scores have it: of a metric without a bound the geometric mean.

        A mean of values could be better where the mean of their scores is worse.

        Args:
            values: at least one; the mean is NaN where one of them is not finite.
        """
        if not all(map(math.isfinite, values)):
            return math.nan
        if self.better == "lower" and self.kind == "end":
            return math.exp(-statistics.fmean(map(self.metric_score, values)))
        return statistics.fmean(values)

    def learned(self, values: Sequence[float], constant: float, rows: int) -> bool:
        """Return whether values are better than what a constant prediction gets, by more than the rows' chance.

        Args:
            values: of the metric at the end, by seed.
            constant: what a constant prediction gets.
            rows: that it is measured on; of a share of them, c, two standard errors are 2 sqrt(c (1 - c) / rows).
        """
        least = LEAST_LEARNED
        if self.better == "higher" and 0.0 < constant < 1.0:
            least = max(least, 2.0 * math.sqrt(constant * (1.0 - constant) / max(1, rows)))
        return statistics.fmean(map(self.metric_score, values)) > self.metric_score(constant) + least

    def metric_score(self, value: float) -> float:
        """Return a value of the metric turned so that higher is better."""
        if self.better == "higher":
            return -math.inf if math.isnan(value) else value
        return -math.log(MOST if math.isnan(value) else min(max(value, LEAST), MOST))


def parse_outcome(text: str, metrics: Mapping[str, Literal["higher", "lower"]]) -> Outcome:
    """Return the outcome that a line names.

    Args:
        text: such as ``accuracy``, ``val_accuracy >= 0.8`` or ``steps to accuracy >= 0.8``.
        metrics: what is measured, and which way is better.

    Raises:
        UsageError: when it is not written so, names no metric that is measured, or asks for the worse side of a level.
    """
    found = WRITTEN.fullmatch(text.strip())
    level = _number(found["level"]) if found else None
    if found is None or (found["level"] is not None and level is None) or (found["speed"] and level is None):
        raise UsageError(
            f"outcome {text!r}: expected a metric, a level (accuracy >= 0.8) or the steps to one "
            "(steps to accuracy >= 0.8)"
        )
    metric = found["metric"]
    if metric not in metrics:
        raise UsageError(
            f"outcome {text!r}: {metric} is not measured; {listed(metrics)}; "
            f"{did_you_mean(metric, list(metrics)) or 'add it to metrics'}"
        )
    better = metrics[metric]
    wanted = ">=" if better == "higher" else "<="
    if found["sign"] not in (None, wanted):
        raise UsageError(f"outcome {text!r}: of {metric} {better} is better; write {metric} {wanted} {found['level']}")
    kind: Literal["end", "level", "steps"] = "steps" if found["speed"] else "end" if level is None else "level"
    return Outcome(metric=metric, better=better, kind=kind, level=level)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class OutcomeScale:
    """The good and the bad side's scores with one seed, between which all others of that seed are read.

    Args:
        good: score of the good side.
        bad: score of the bad side.
        gap: what lies between the sides, over all seeds: one seed's own gap may be missing, or have the other sign.
        floor: what a constant prediction scores, where the good side does better: what does worse has learned nothing,
            and counts as that.
    """

    good: float
    bad: float
    gap: float
    floor: float = -math.inf

    def lost(self, score: float) -> float:
        """Return the share of the gap that a score is below the good side: 1/2 + ((good + bad)/2 - score) / gap.

        Half of it is the middle between this seed's own two sides. So where its gap is that of all seeds, 0 is the good
        side and 1 the bad one; and where it has none, or the bad side is the better one, nothing near them is lost. No
        run counts for more than two gaps.
        """
        if self.gap <= 0.0:
            return 0.0
        share = 0.5 + ((self.good + self.bad) / 2.0 - max(score, self.floor)) / self.gap
        return min(MOST_LOST, max(1.0 - MOST_LOST, share))


def scale(good: float, bad: float, floor: float = -math.inf, gap: float | None = None) -> OutcomeScale:
    """Return the scale of two scores.

    Args:
        good: score of the good side.
        bad: score of the bad side.
        floor: what a constant prediction scores; it lifts nothing where the good side is not clearly above it.
        gap: between the sides over all seeds; their own one if not said.
    """
    if not floor < good - LEAST_LEARNED:
        floor = -math.inf
    finite = [one for one in (good, bad, floor) if math.isfinite(one)]
    low = min(finite, default=0.0)  # A score that is no number is the worst there is.
    good, bad = max(good, floor, low), max(bad, floor, low)
    return OutcomeScale(good=good, bad=bad, gap=good - bad if gap is None else gap, floor=floor)
