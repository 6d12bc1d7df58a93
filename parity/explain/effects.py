"""How far each difference moves the outcome, with an interval: for outcomes that chance moves as much as a difference.

A difference is put into the good side, and taken back from the bad side, with the same seeds. What it moves is

    by = ((mean(alone) - mean(good)) + (mean(bad) - mean(back))) / 2

over the seeds: the mean of what it does alone and of what it does on top of all others. Every config scatters over its
seeds; the variance is pooled over all configs, s^2 = sum (x - mean)^2 / sum (n - 1), since three runs alone say next to
nothing of it. The interval is by +- t s sqrt(sum c^2 / n) over the configs that are compared, c what a config counts in
``by`` (1/2 or -1/2; 1 or -1 where two of them are one, as with a single difference), t that quantile of Student's
distribution with which all intervals hold together with 95 % (Bonferroni).

Scores are compared: the metric itself where more of it is better, its logarithm where it may grow without bound.
Source of t: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.7.5.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from parity.explain.claims import LEAST_GAP, Tried
from parity.explain.contest import Paths

LEVEL = 0.95
"""Probability with which all intervals hold together."""

LEAST_FREEDOM = 4
"""Degrees of freedom below which a variance is not worth an interval."""

Verdict = Literal["moves", "still", "open"]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What having a difference moves.

    Args:
        by: change of the score.
        margin: half of the interval around it.
    """

    by: float
    margin: float

    @property
    def verdict(self) -> Verdict:
        """Return whether it moves the outcome, does nothing that matters, or is not decided."""
        if abs(self.by) > self.margin:
            return "moves"
        return "still" if abs(self.by) + self.margin < LEAST_GAP else "open"


def effects(
    sides: tuple[Tried, Tried],
    alone: Mapping[str, Tried],
    back: Mapping[str, Tried],
    score: Callable[[float], float],
) -> dict[str, Effect]:
    """Return what each difference moves; those that were not tried with several seeds are left out.

    Args:
        sides: the good and the bad side.
        alone: configs of the good side that is given one difference.
        back: configs of the bad side that takes one back.
        score: of an outcome.
    """
    tried = {one.paths: _scores(one, score) for one in (*alone.values(), *back.values(), *sides)}
    known = {paths: scores for paths, scores in tried.items() if scores}  # Each config once, whatever it is called.
    freedom = sum(len(scores) - 1 for scores in known.values())
    good, bad = (one.paths for one in sides)
    if freedom < LEAST_FREEDOM or good not in known or bad not in known:
        return {}
    variance = sum(statistics.variance(scores) * (len(scores) - 1) for scores in known.values()) / freedom
    ways = {
        path: [
            *([(alone[path].paths, good)] if path in alone and alone[path].paths in known else []),
            *([(bad, back[path].paths)] if path in back and back[path].paths in known else []),
        ]
        for path in dict.fromkeys([*alone, *back])
    }
    ways = {path: pairs for path, pairs in ways.items() if pairs}
    factor = quantile(1.0 - (1.0 - LEVEL) / 2.0 / max(1, len(ways)), freedom)
    found = {}
    for path, pairs in ways.items():
        counts: Counter[Paths] = Counter()
        for one, other in pairs:
            counts[one] += 1
            counts[other] -= 1
        by = sum(count * statistics.fmean(known[paths]) for paths, count in counts.items()) / len(pairs)
        spread = math.sqrt(variance * sum(count**2 / len(known[paths]) for paths, count in counts.items())) / len(pairs)
        found[path] = Effect(by=by, margin=factor * spread)
    return found


def _scores(tried: Tried, score: Callable[[float], float]) -> Sequence[float]:
    """Return the scores of a config by seed; none where it was tried with one, or where one is not finite."""
    found = [score(value) for value in tried.values]
    return found if len(found) > 1 and all(map(math.isfinite, found)) else ()


def quantile(probability: float, freedom: int) -> float:
    """Return a quantile of Student's distribution, to 1 % from four degrees of freedom on.

    Args:
        probability: above 0.5.
        freedom: degrees of freedom.
    """
    z = statistics.NormalDist().inv_cdf(probability)
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )
