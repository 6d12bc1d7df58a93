"""How much of the gap each cause accounts for, and what they do only together.

The *share* of a cause is its Shapley value: what it takes away when it is put in, averaged over all orders in which the
causes can be put in, as a share of what all of them take away. Two causes *interact* where together they take away
more, or less, than one after the other alone: v(AB) - v(A) - v(B), averaged likewise over what else is put in.

Exact, from the scores of all subsets; so only for the few causes that the search confirmed.

Source: Shapley, A value for n-person games (1953); Grabisch and Roubens, An axiomatic approach to the concept of
interaction (1999).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

Paths = frozenset[str]

MOST_CAUSES = 4
"""Causes over which shares are exact: twice as many runs for each one more."""


SLIGHT = 0.005
"""A share so little below nothing is nothing: it rounds to 0 %."""


def subsets(causes: Sequence[str]) -> list[Paths]:
    """Return all subsets, the empty one first."""
    return [frozenset(one) for size in range(len(causes) + 1) for one in itertools.combinations(causes, size)]


def shares(causes: Sequence[str], lost: Mapping[Paths, float]) -> dict[str, float]:
    """Return each cause's share of what all of them take away; they sum to 1.

    Args:
        causes: differences that were confirmed.
        lost: share of the gap that each subset of them takes away.
    """
    whole = lost[frozenset(causes)] - lost[frozenset()]
    if not whole:
        return dict.fromkeys(causes, 0.0)
    count = len(causes)
    found = {}
    for cause in causes:
        rest = [other for other in causes if other != cause]
        value = 0.0
        for before in subsets(rest):
            weight = 1.0 / (count * math.comb(count - 1, len(before)))
            value += weight * (lost[before | {cause}] - lost[before])
        found[cause] = value / whole
    return found


def adds_up(found: Iterable[float]) -> bool:
    """Return whether shares are parts of a whole: none is negative, none above all, and they sum to 1.

    Where one cause makes up for another they are not: one has more than all of the gap, the other less than nothing.

    >>> adds_up([0.7, 0.3]), adds_up([1.13, -0.13]), adds_up([])
    (True, False, False)
    """
    known = list(found)
    return all(-SLIGHT <= one <= 1.0 + SLIGHT for one in known) and abs(math.fsum(known) - 1.0) < 1e-6


def interactions(causes: Sequence[str], lost: Mapping[Paths, float]) -> dict[tuple[str, str], float]:
    """Return what each pair takes away beyond what its parts take away alone, as a share of the gap.

    Positive: they act together. Negative: each does what the other has already done.

    Args:
        causes: differences that were confirmed.
        lost: share of the gap that each subset of them takes away.
    """
    count = len(causes)
    found = {}
    for one, other in itertools.combinations(causes, 2):
        rest = [cause for cause in causes if cause not in (one, other)]
        value = 0.0
        for before in subsets(rest):
            weight = 1.0 / ((count - 1) * math.comb(count - 2, len(before)))
            both = lost[before | {one, other}] - lost[before | {one}] - lost[before | {other}] + lost[before]
            value += weight * both
        found[one, other] = value
    return found
