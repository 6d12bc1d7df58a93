"""The search: which sets of differences decide the outcome, asked with as few runs as possible.

Between the good side, which has none of the differences, and the bad side, which has all, a set of them is either
*bad* (the good side that is given it fails) or not. Wanted are the **breakers**, the smallest bad sets, and the
**repairs**, the smallest sets that the bad side must give back to be good.

Where giving a good side more differences never mends it, the repairs are exactly the smallest sets that meet every
breaker, and each side of that duality finds the other: a set that meets all known breakers is taken back; if the rest
is still bad, another breaker is in it, and if not, a repair is found. When every such set has been tried, all breakers
and all repairs are known: one cause, several lone causes, sets that act only together, and any overlap of these.

A breaker inside a bad set is found by trying longer and longer beginnings of it, the most suspicious differences
first, and then QuickXplain between the last good beginning and the first bad one.

Differences can also mend: then a bad set lies inside a good one. That is looked for, too: every repair of several
differences is tried without each of them, and every suspect alone. What mends is found by the same search turned
round, and reported as a compensation.

Source: Junker, QuickXplain (2004); progression: Marques-Silva, Janota and Belov, Minimal sets over monotone predicates
(2013); duality: Reiter, A theory of diagnosis from first principles (1987).

No runs are made here: what is asked is a function, so that the search is tested on invented outcomes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

Paths = frozenset[str]

MOST_BREAKERS = 8
"""Breakers after which the search stops: more of them are no answer that a person can use."""

MOST_COMPENSATIONS = 2
"""Compensations that are followed up."""


class SpentError(Exception):
    """Raised by what answers when the budget has no run left."""


@dataclass(frozen=True)
class Compensation:
    """A set that is bad, and what makes it good again.

    Args:
        breaker: the bad set.
        by: a smallest set that, given as well, makes it good.
    """

    breaker: Paths
    by: Paths


class _UnknownError(Exception):
    """Raised by what answers in a search that is only played: the set it asks for was not tried."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths


@dataclass(kw_only=True)
class Search:
    """Finds breakers, repairs and compensations; what is known stays here when the budget ends it.

    Args:
        order: every difference, the most suspicious first.
        ask: whether the good side that is given a set is bad; may raise :class:`SpentError`.
        suspects: differences to try alone in any case: they are strong, and something may hide it.
        soon: told sets that will be asked next whatever comes of the one before, so that they can run beside it.
        clearly: whether a set that is not bad is clearly not; one that hovers around the middle mends nothing.
    """

    order: Sequence[str]
    ask: Callable[[Paths], bool]
    suspects: Sequence[str] = ()
    soon: Callable[[Sequence[Paths]], None] = lambda sets: None
    clearly: Callable[[Paths], bool] = lambda paths: True
    breakers: list[Paths] = field(default_factory=list)
    repairs: list[Paths] = field(default_factory=list)
    compensations: list[Compensation] = field(default_factory=list)
    tried: dict[Paths, bool] = field(default_factory=dict)
    complete: bool = False
    _given: dict[Paths, bool] = field(default_factory=dict)
    _more: tuple[Sequence[str], Sequence[Paths]] | None = None

    def __post_init__(self) -> None:
        """Remember what was known at the beginning."""
        self._given = dict(self.tried)

    def next_after(self, paths: Paths, bad: bool) -> Paths | None:
        """Return the set that will be asked next if one that is being tried turns out bad, or not; None if none is.

        Args:
            paths: the set that is being tried.
            bad: what it is supposed to be.
        """
        known = {**self.tried, paths: bad}

        def answer(asked: Paths) -> bool:
            if asked not in known:
                raise _UnknownError(asked)
            return known[asked]

        # Played from its beginning: what is asked next depends on what was tried by then, and in which order.
        played = Search(
            order=self.order, ask=answer, suspects=self.suspects, tried=dict(self._given), clearly=self.clearly
        )
        try:
            played.run()
            if self._more:
                played.more(*self._more)
        except _UnknownError as found:
            return found.paths
        return None

    def run(self) -> None:
        """Search until all is known or the budget is spent."""
        try:
            if self._bad(self._everything):
                self._alternate()
                self._check_repairs()
            self._try_alone(self.suspects)
            self._follow_compensations()
            self.complete = len(self.breakers) < MOST_BREAKERS
        except SpentError:
            pass
        self._settle()

    def more(self, suspects: Sequence[str], repairs: Sequence[Paths] = ()) -> None:
        """Try more differences alone, when the search is over, and follow up those that are bad.

        Args:
            suspects: that may be bad alone.
            repairs: that may mend the bad side, each alone: where differences mend, not every repair meets a breaker.
        """
        self._more = suspects, repairs
        try:
            self.repairs += [one for one in repairs if self._mends(one) and one not in self.repairs]
            self._try_alone(suspects)
            self._follow_compensations()
        except SpentError:
            self.complete = False
        self._settle()

    def _settle(self) -> None:
        self._gather_singles()
        self.breakers = sorted(_smallest(self.breakers), key=self._rank)
        self.repairs = sorted(_smallest(self.repairs), key=self._rank)

    def _gather_singles(self) -> None:
        """Take up every single difference that was seen to ruin or to mend, whatever it was tried for.

        Where differences mend, a repair need not meet every breaker that is known.
        """
        for paths, bad in self.tried.items():
            if bad and len(paths) == 1 and paths not in self.breakers:
                self.breakers.append(paths)
            rest = self._everything - paths
            if not bad and len(rest) == 1 and self.tried.get(self._everything) and rest not in self.repairs:
                self.repairs.append(rest)

    @property
    def _everything(self) -> Paths:
        return frozenset(self.order)

    def _rank(self, paths: Paths) -> tuple[int, list[int]]:
        return len(paths), sorted(self.order.index(path) for path in paths)

    def _bad(self, paths: Paths) -> bool:
        if not paths:
            return False
        if paths not in self.tried:
            self.tried[paths] = self.ask(paths)
        return self.tried[paths]

    def _alternate(self) -> None:
        """Take back what meets every known breaker, until nothing new comes of it."""
        done: set[Paths] = set()
        while len(self.breakers) < MOST_BREAKERS:
            back = next((one for one in self._meeting() if one not in done), None)
            if back is None:
                return
            done.add(back)
            rest = self._everything - back
            if self._bad(rest):
                self.breakers.append(self._breaker_in(rest))
            else:
                self.repairs.append(back)

    def _meeting(self) -> Iterator[Paths]:
        """Yield the smallest sets that meet every known breaker, small ones first."""
        union = sorted(frozenset().union(*self.breakers), key=self.order.index)
        found: list[Paths] = []
        for size in range(len(self.breakers) + 1):
            for chosen in map(frozenset, itertools.combinations(union, size)):
                if all(chosen & breaker for breaker in self.breakers) and not any(one < chosen for one in found):
                    found.append(chosen)
                    yield chosen

    def _breaker_in(self, bad: Paths) -> Paths:
        """Return a smallest bad set within a bad set."""
        ordered = [path for path in self.order if path in bad]
        if bad == self._everything:
            self.soon([self._everything - {ordered[0]}])  # The first suspect taken back is asked in nearly every case.
        return self._least(ordered, self._bad)

    def _least(self, ordered: Sequence[str], holds: Callable[[Paths], bool]) -> Paths:
        """Return a smallest set for which something holds, as it does for all of ``ordered``."""
        good, size = 0, 1
        while size < len(ordered) and not holds(frozenset(ordered[:size])):
            good, size = size, size * 2
        found = self._explain(tuple(ordered[:good]), tuple(ordered[good:size]), holds)
        # A set for which it does not hold, or part of which will do, comes of differences that mend.
        if not holds(found):
            found = frozenset(ordered[:size])
        return self._thinned(found, holds)

    def _explain(self, first: tuple[str, ...], second: tuple[str, ...], holds: Callable[[Paths], bool]) -> Paths:
        """QuickXplain over two parts, of which the first alone is known not to do."""
        needed = _quick(frozenset(first), second, holds)
        return needed | (_quick_within(needed, first, holds) if first else frozenset())

    def _thinned(self, found: Paths, holds: Callable[[Paths], bool]) -> Paths:
        """Return the set without what it can do without, asked one by one until nothing more can go."""
        while len(found) > 1:
            parts = sorted(found, key=self.order.index, reverse=True)
            idle = next((path for path in parts if holds(found - {path})), None)
            if idle is None:
                break
            found -= {idle}  # What could not go before may now: differences that mend are among them.
        return found

    def _check_repairs(self) -> None:
        """Try every repair without each of its parts: each must be necessary."""
        several = [one for one in _smallest(self.repairs) if len(one) > 1]
        self.soon([self._everything - (repair - {path}) for repair in several for path in sorted(repair)])
        for repair in several:
            for path in sorted(repair, key=self.order.index):
                less = repair - {path}
                if self._mends(less):
                    self.repairs.append(self._thinned(less, self._mends))

    def _mends(self, back: Paths) -> bool:
        return not self._bad(self._everything - back)

    def _try_alone(self, suspects: Sequence[str]) -> None:
        alone = [frozenset({path}) for path in suspects]
        self.soon([one for one in alone if one not in self.tried])
        for one in alone:
            if self._bad(one) and not any(breaker <= one for breaker in self.breakers):
                self.breakers.append(one)

    def _follow_compensations(self) -> None:
        """Find what mends where a bad set lies inside a good one."""
        known = [one.breaker for one in self.compensations]
        for breaker in sorted(_smallest(self.breakers), key=self._rank):
            if breaker in known:
                continue
            good = [paths for paths in list(self.tried) if breaker < paths and self._clearly_good(paths)]
            if not good or len(self.compensations) == MOST_COMPENSATIONS:
                continue
            around = min(good, key=self._rank) - breaker
            ordered = [path for path in self.order if path in around]
            by = self._least(ordered, lambda more, breaker=breaker: self._clearly_good(breaker | more))  # type: ignore[misc]
            self.compensations.append(Compensation(breaker, by))

    def _clearly_good(self, paths: Paths) -> bool:
        return not self._bad(paths) and self.clearly(paths)


def _quick(background: Paths, parts: tuple[str, ...], holds: Callable[[Paths], bool]) -> Paths:
    """Return a smallest part of ``parts`` that, with a background that alone does not do, will do."""
    if len(parts) == 1:
        return frozenset(parts)
    half = len(parts) // 2
    first, second = parts[:half], parts[half:]
    if holds(background | frozenset(first)):
        return _quick(background, first, holds)
    late = _quick(background | frozenset(first), second, holds)
    return late | _quick_within(background | late, first, holds)


def _quick_within(background: Paths, parts: tuple[str, ...], holds: Callable[[Paths], bool]) -> Paths:
    """Return a smallest part of ``parts`` that a background still needs, nothing where it needs none."""
    return frozenset() if holds(background) else _quick(background, parts, holds)


def _smallest(sets: Sequence[Paths]) -> list[Paths]:
    """Return the sets that have no other one inside them."""
    return [one for one in dict.fromkeys(sets) if not any(other < one for other in sets)]
