"""What each difference does to the outcome: alone, and taken back.

Half of the gap between the two outcomes decides: a difference *breaks* when it takes the good side below the middle
on its own, and *repairs* when the bad side rises above the middle without it. It is *harmless* when, alone, it costs
less than a tenth of the gap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from parity.explain.trials import Contest, Trial
from parity.spec.differences import Difference

BREAKS = 0.5
"""Share of the gap that a breaker loses and a repair wins back."""

HARMLESS = 0.1
"""Share of the gap below which a difference alone is called harmless."""

LEAST_GAP = 0.02
"""Outcomes nearer than this are not told apart: one row in fifty."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What one difference does.

    Args:
        difference: which.
        alone: outcome of the good side with only this difference put in, None when it was not run.
        taken_back: outcome of the bad side with only this difference taken back, None when it was not run.
        breaks: whether it ruins the good side alone.
        repairs: whether taking it back mends the bad side.
        harmless: whether it costs next to nothing alone.
    """

    difference: Difference
    alone: float | None
    taken_back: float | None
    breaks: bool | None
    repairs: bool | None
    harmless: bool | None


@dataclass(frozen=True, kw_only=True)
class Effects:
    """The outcomes of both sides and of every difference.

    Args:
        good: outcome of the good side, on the framework of the trials.
        bad: outcome of the bad side, likewise.
        each: effects, in the order of the differences.
    """

    good: float
    bad: float
    each: tuple[Effect, ...]

    @property
    def breakers(self) -> list[list[str]]:
        """Return the differences that ruin the good side alone, worst first."""
        found = [one for one in self.each if one.breaks and one.alone is not None]
        return [[one.difference.path] for one in sorted(found, key=lambda one: one.alone or 0.0)]

    @property
    def repairs(self) -> list[list[str]]:
        """Return the differences whose taking back mends the bad side, best first."""
        found = [one for one in self.each if one.repairs and one.taken_back is not None]
        return [[one.difference.path] for one in sorted(found, key=lambda one: -(one.taken_back or 0.0))]

    @property
    def harmless(self) -> list[str]:
        """Return the differences that cost next to nothing alone."""
        return [one.difference.path for one in self.each if one.harmless]


def outcome_value(value: float) -> float:
    """Return an outcome that can be compared: NaN is the worst there is."""
    return -math.inf if math.isnan(value) else value


def judge_effects(contest: Contest, outcomes: Mapping[Trial, float]) -> Effects:
    """Return what each difference does.

    Args:
        contest: the two sides and their differences.
        outcomes: of the trials that were run; both sides must be among them.
    """
    good, bad = (outcome_value(outcomes[trial]) for trial in (contest.nothing, contest.everything))
    gap = good - bad
    decided = gap >= LEAST_GAP
    effects = []
    for difference in contest.live:
        alone, back = outcomes.get(contest.alone(difference)), outcomes.get(contest.taken_back(difference))
        lost = None if alone is None or not decided else (good - outcome_value(alone)) / gap
        won = None if back is None or not decided else (outcome_value(back) - bad) / gap
        effects.append(
            Effect(
                difference=difference,
                alone=alone,
                taken_back=back,
                breaks=None if lost is None else lost > BREAKS,
                repairs=None if won is None else won > BREAKS,
                harmless=None if lost is None else lost < HARMLESS,
            )
        )
    for difference in contest.inert:
        effects.append(
            Effect(difference=difference, alone=None, taken_back=None, breaks=False, repairs=False, harmless=True)
        )
    return Effects(good=good, bad=bad, each=tuple(effects))
