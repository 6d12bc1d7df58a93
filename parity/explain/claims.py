"""What holds: the findings of the search, each tried again with other seeds.

Every seed has its own good and bad side, with the same random numbers in all runs of that seed; a score is read as the
share of the gap that is lost (:class:`~parity.explain.outcome.Scale`). A set *breaks* where more than half of the gap
is lost when the good side is given it, and *repairs* where less than half is lost when the bad side takes it back; and
where none of its parts does it without the others. A seed whose own two sides are not apart, or the other way round,
speaks against a claim, whatever else it shows.

A claim holds where as many seeds say so as :func:`~parity.explain.seeds.needed` asks for, and the mean says it, too:
with fewer than six seeds it must be 4.30 of its standard errors away from the middle of the gap. With more than six
seeds it also holds where the mean is 3.71 of its standard errors away and every single seed leans that way: a seed that
loses 0.44 of its gap does not say that a set breaks, and does not speak against it either. A claim is inconclusive
where seeds speak against it, and unconfirmed where too few were tried.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from parity.explain.contest import Paths
from parity.explain.search import Search
from parity.explain.seeds import ERROR, FEWEST, LOOKS, errors, needed, quantile_of_three

BREAKS = 0.5
"""Share of the gap that a breaker loses and a repair wins back."""

DOUBT = 0.15
"""A share so near to that line is asked again with the other seeds, and their mean decides."""

MOST_DOUBT, SCATTER = 0.45, 1.5
"""Where the gap itself scatters over the seeds, doubt is so many of its standard deviations, and at most so much."""

HARMLESS = 0.1
"""Share of the gap below which a difference is called harmless."""

LEAST_GAP = 0.02
"""Outcomes nearer than this are not told apart: one row in fifty."""

LEAST_GAINED = 0.05
"""Nor are those nearer than this share of what training gained."""

DOES_NOT_OBJECT = BREAKS / 2
"""Share of the gap that a seed has to lose, or keep, not to speak against what the mean of many says."""

MANY = 3.71
"""Student's t that more than six values exceed on either side with a probability of at most 1 %."""

SEEDS = FEWEST
"""Seeds that a claim is tried with at least."""

Kind = Literal["breaks", "repairs", "compensates"]
Status = Literal["holds", "inconclusive", "unconfirmed"]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One config with several seeds.

    Args:
        paths: differences that the good side was given.
        lost: share of the gap that is lost, by seed.
        values: outcome, by seed.
        sound: whether the two sides of that seed are apart, the right way round; all are if not said.
    """

    paths: Paths
    lost: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    sound: tuple[bool, ...] = ()

    def first(self, seeds: int) -> Tried:
        """Return the same of the first so many seeds."""
        return replace(self, lost=self.lost[:seeds], values=self.values[:seeds], sound=self.sound[:seeds])

    @property
    def bad(self) -> list[bool]:
        """Return whether it is bad, by seed."""
        return [one > BREAKS for one in self.lost]

    def says(self, bad: bool) -> list[bool]:
        """Return with which seeds it is bad, or is not; a seed whose own sides are not apart says neither."""
        sound = self.sound or (True,) * len(self.lost)
        return [own and one is bad for own, one in zip(sound, self.bad, strict=True)]

    def clear(self, bad: bool) -> bool:
        """Return whether the mean over a few seeds is bad, or is not, by more than chance; of many, the mean alone."""
        away = self._away(bad)
        if statistics.fmean(away) <= 0.0:
            return False
        return len(away) >= LOOKS[1] or len(away) < 2 or errors(away) > quantile_of_three(ERROR)

    def clear_of_many(self, bad: bool) -> bool:
        """Return whether it is bad, or is not, by the mean of many seeds, none of which speaks against it."""
        away = self._away(bad)
        none_objects = all(self.sound) and min(away, default=0.0) >= DOES_NOT_OBJECT - BREAKS
        return len(away) > LOOKS[1] and none_objects and errors(away) > MANY

    def _away(self, bad: bool) -> list[float]:
        """Return by how much each seed is beyond the middle of the gap, on the side that is asked for."""
        return [(one - BREAKS) * (1.0 if bad else -1.0) for one in self.lost]

    @property
    def mean(self) -> float:
        """Return the mean outcome."""
        return statistics.fmean(self.values)

    @property
    def spread(self) -> float:
        """Return the standard deviation of the outcome over the seeds."""
        return statistics.stdev(self.values) if len(self.values) > 1 else 0.0


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A finding, and the runs it rests on.

    Args:
        kind: ``breaks``: the good side fails when it is given the set; ``repairs``: the bad side is mended when it
            takes the set back; ``compensates``: what ``paths`` ruin is mended by ``by``.
        paths: the set.
        by: what makes up for it.
        whole: the config with the set given, taken back, or made up for.
        parts: the configs that show that no smaller set does it.
        seeds: number of seeds that there were to be.
    """

    kind: Kind
    paths: Paths
    whole: Tried
    by: Paths = frozenset()
    parts: tuple[Tried, ...] = ()
    seeds: int = SEEDS

    @property
    def held(self) -> int:
        """Return with how many seeds it is so."""
        does = self.kind == "breaks"
        said = [self.whole.says(does), *(part.says(not does) for part in self.parts)]
        return sum(all(one[index] for one in said if index < len(one)) for index in range(len(self.whole.lost)))

    @property
    def tried(self) -> int:
        """Return with how many seeds it was tried."""
        return len(self.whole.lost)

    @property
    def status(self) -> Status:
        """Return whether it holds."""
        does = self.kind == "breaks"
        if self.tried and self.held < needed(self.tried) and not self._clear_of_many(does):
            return "inconclusive"
        if not self._leans(does):
            return "inconclusive"
        known = min([self.tried, *(len(part.lost) for part in self.parts)])
        return "holds" if known >= self.seeds and self.whole.clear(does) else "unconfirmed"

    def _clear_of_many(self, does: bool) -> bool:
        return all(one.clear_of_many(bad) for one, bad in self._sides(does))

    def _leans(self, does: bool) -> bool:
        """Return whether the means say what the claim says, too."""
        return all((statistics.fmean(one.lost) > BREAKS) is bad for one, bad in self._sides(does) if one.lost)

    def _sides(self, does: bool) -> list[tuple[Tried, bool]]:
        """Return the configs that it rests on, and whether each has to be bad."""
        return [(self.whole, does), *((part, not does) for part in self.parts)]


def parts_of(kind: Kind, paths: Paths, by: Paths, everything: Paths) -> tuple[Paths, list[Paths]]:
    """Return the config that shows a finding, and those that show that no smaller set does it.

    Args:
        kind: of the claim.
        paths: the set.
        by: what makes up for it, in a compensation.
        everything: all differences.
    """
    if kind == "breaks":
        return paths, [paths - {path} for path in sorted(paths)] if len(paths) > 1 else []
    if kind == "compensates":
        return paths | by, [paths]
    return everything - paths, [everything - (paths - {path}) for path in sorted(paths)] if len(paths) > 1 else []


@dataclass(kw_only=True)
class Findings:
    """What was found out about a contest.

    Args:
        claims: the findings.
        alone: each difference that was tried alone on the good side.
        back: each that was taken back alone from the bad side.
        shares: each cause's share of the gap; empty where it was not measured.
        interactions: what pairs of causes do beyond what they do alone.
        rest: the bad side with all causes taken back, None where that was not run.
        complete: whether the search came to its end.
    """

    claims: list[Claim] = field(default_factory=list)
    alone: dict[str, Tried] = field(default_factory=dict)
    back: dict[str, Tried] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    interactions: dict[tuple[str, str], float] = field(default_factory=dict)
    rest: Tried | None = None
    complete: bool = False

    def of(self, kind: str, *statuses: Status) -> list[Claim]:
        """Return the claims of a kind and of some statuses; of all of them if none is named."""
        return [one for one in self.claims if one.kind == kind and (not statuses or one.status in statuses)]

    @property
    def causes(self) -> list[str]:
        """Return the differences that are in a breaker or a repair that no seed speaks against."""
        good: tuple[Status, Status] = ("holds", "unconfirmed")
        claims = [*self.of("breaks", *good), *self.of("repairs", *good)]
        return list(dict.fromkeys(path for claim in claims for path in sorted(claim.paths)))

    @property
    def unexplained(self) -> float | None:
        """Return the share of the gap that is still lost when all causes are taken back."""
        return None if self.rest is None or not self.rest.lost else max(0.0, statistics.fmean(self.rest.lost))

    def harmless(self, path: str) -> bool | None:
        """Return whether a difference does no harm; None where that is not known.

        Alone it loses next to nothing; or, where it was not tried alone, all that are left when the causes are taken
        back lose next to nothing together.
        """
        if path in self.causes:
            return False
        if any(path in one.paths for kind in ("breaks", "repairs") for one in self.of(kind, "inconclusive")):
            return None
        if path in self.alone:
            return max(self.alone[path].lost) < HARMLESS
        if self.rest is not None and path in self.rest.paths and max(self.rest.lost, default=1.0) < HARMLESS:
            return True
        return None


def claims_of(found: Search, everything: Paths, known: Callable[[Paths], Tried], seeds: int) -> list[Claim]:
    """Return the findings of a search as claims; those of which nothing is known are left out.

    Args:
        found: with its smallest breakers and repairs, and its compensations.
        everything: all differences.
        known: returns what is known of a config.
        seeds: number of seeds that there were to be.
    """
    none: Paths = frozenset()
    listed: list[tuple[Kind, Paths, Paths]] = [("breaks", one, none) for one in found.breakers]
    listed += [("repairs", one, none) for one in found.repairs]
    listed += [("compensates", one.breaker, one.by) for one in found.compensations]
    claims = []
    for kind, paths, by in listed:
        whole, parts = parts_of(kind, paths, by, everything)
        if (tried := known(whole)).lost:
            lesser = tuple(known(part) for part in parts)
            claims.append(Claim(kind=kind, paths=paths, by=by, whole=tried, parts=lesser, seeds=seeds))
    return claims
