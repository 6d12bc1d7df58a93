"""Whether there is a gap, and which side is the better one: decided by all seeds together.

With one seed both sides share every random number, so what is compared is the difference of their scores, seed by seed
(a paired test). The seeds are looked at up to three times, and more of them are asked for where they do not settle it:

==========  ======================================================================================  ================
seeds       there is a gap where                                                                    by chance alone
==========  ======================================================================================  ================
3           all three agree, and the mean is more than 7.81 standard errors from 0 (Student's t)    1.6 %
6           all six agree (sign test)                                                               3.1 %
12          eleven agree (sign test)                                                                0.3 %
==========  ======================================================================================  ================

so that sides that do not differ are told apart in 5 % of all cases at most, however often one looks. Where no more than
three seeds can be had, there is one look, and 4.30 standard errors are 5 %. A seed *agrees* where its own sides are
apart, the right way round; one without a gap counts against, as one with the other sign does.

There is no gap where no seed shows one, or where the interval around the mean is too narrow to hold one. What is
neither is *unsteady*: chance decides it as much as the configs do.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

LOOKS = (3, 6, 12)
"""Numbers of seeds at which it is decided whether more are needed."""

FEWEST = LOOKS[0]
"""Seeds without which nothing is decided."""

ERROR = 0.05
"""Probability with which sides that do not differ are told apart, over all looks."""

AT_THREE, LATER = 0.016, 0.01
"""What of it may be spent at three seeds when more can follow, and with more than six."""

Kind = Literal["gap", "none", "unsteady", "open"]


@dataclass(frozen=True, kw_only=True)
class OutcomeGap:
    """What the seeds say of two sides.

    Args:
        kind: ``gap``, ``none``, ``unsteady``, or ``open`` where more seeds have to be asked.
        gaps: score of the first side above that of the second, by seed.
        least: what two scores have to be apart, in the mean, to be told apart.
    """

    kind: Kind
    gaps: tuple[float, ...]
    least: float

    @property
    def sign(self) -> int:
        """Return 1 where the first side is the better one, -1 where the second is."""
        return _sign(self.gaps, self.least)

    @property
    def held(self) -> int:
        """Return with how many seeds the better side is better."""
        return sum(agrees(gap * self.sign, self.least) for gap in self.gaps)

    @property
    def against(self) -> int:
        """Return with how many seeds the other one is."""
        return sum(agrees(-gap * self.sign, self.least) for gap in self.gaps)


def agrees(gap: float, least: float) -> bool:
    """Return whether the sides of a seed are apart: by half of what all of them have to be in the mean."""
    return gap >= least / 2


def needed(seeds: int) -> int:
    """Return how many of some seeds have to agree: all of a few; of more, so many that chance does it rarely enough.

    >>> [needed(seeds) for seeds in (3, 5, 6, 9, 12)]
    [3, 5, 6, 9, 11]
    """
    if seeds <= 6:
        return seeds
    return next((count for count in range(seeds) if 2 * _tail(seeds, count) <= LATER), seeds)


def _tail(seeds: int, count: int) -> float:
    """Return the probability of at least so many heads of as many tosses of a coin."""
    return sum(math.comb(seeds, number) for number in range(count, seeds + 1)) / 2**seeds


def errors(values: Sequence[float]) -> float:
    """Return by how many of its standard errors a mean is above 0; infinite where nothing scatters.

    Args:
        values: one a seed, at least two.
    """
    mean, spread = statistics.fmean(values), statistics.stdev(values)
    if spread <= 1e-12 * abs(mean):
        return math.copysign(math.inf, mean) if mean else 0.0
    return mean / spread * math.sqrt(len(values))


def quantile_of_three(error: float) -> float:
    """Return Student's t that three values exceed on either side with a probability, sqrt(2) a / sqrt(1 - a^2).

    With a = 1 - error; two degrees of freedom have this closed form.

    >>> round(quantile_of_three(0.05), 2), round(quantile_of_three(0.016), 2)
    (4.3, 7.81)
    """
    middle = 1.0 - error
    return math.sqrt(2.0 / (1.0 - middle**2)) * middle


def judged(gaps: Sequence[float], least: float, last: bool = True) -> OutcomeGap:
    """Return what the seeds say of two sides.

    Args:
        gaps: score of the first side above that of the second, by seed; finite.
        least: what two scores have to be apart to be told apart.
        last: no more seeds can be asked.
    """
    gaps = tuple(gaps)
    return OutcomeGap(kind=_kind(gaps, least, last), gaps=gaps, least=least)


def _kind(gaps: tuple[float, ...], least: float, last: bool) -> Kind:
    count = len(gaps)
    if count < FEWEST:
        return "open"
    sign = _sign(gaps, least)
    turned = [gap * sign for gap in gaps]
    mean = statistics.fmean(turned)
    held = sum(agrees(gap, least) for gap in turned)
    if mean >= least and held >= needed(count):
        few = quantile_of_three(ERROR if last else AT_THREE)
        if count >= LOOKS[1] or errors(turned) > few:
            return "gap"
    if _alike(turned, least):
        return "none"
    return "unsteady" if last else "open"


def _alike(gaps: Sequence[float], least: float) -> bool:
    """Return whether the seeds say that there is none: each is too small, or all of them are about 0."""
    if max(map(abs, gaps)) < least:
        return True
    mean = abs(statistics.fmean(gaps))
    if len(gaps) < LOOKS[1]:
        return mean < least and max(map(abs, gaps)) < 2 * least
    # From six seeds on a quantile of 2.57 is Student's or above it.
    return mean + 2.57 * statistics.stdev(gaps) / math.sqrt(len(gaps)) < least


def _sign(gaps: Sequence[float], least: float) -> int:
    """Return which side is the better one: with more seeds, or else in the mean."""
    votes = sum(agrees(gap, least) - agrees(-gap, least) for gap in gaps)
    return 1 if (votes or math.fsum(gaps)) >= 0 else -1
