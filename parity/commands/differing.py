"""The config differences of every pair of sides, and what is told of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parity.court.work import Work
from parity.explain.contest import split
from parity.result.filling_explanation import difference_facts
from parity.result.filling_lessons import about, by_themselves
from parity.result.patches import lines_of
from parity.result.schema import DifferenceFact, LineFact
from parity.run.environment import may_have_gpus
from parity.spec.differences import Difference, differences
from parity.spec.heads import joined
from parity.spec.resolve import Resolved
from parity.spec.sections import Config
from parity.trials.inquired import Explained


def pair_differences(work: Work, sides: Sequence[Resolved]) -> dict[tuple[str, str], list[Difference]]:
    """Return the differences of the first side and each other one."""
    first, *others = sides
    rows, gpus = len(work.dataset(first).x), may_have_gpus()
    found = {(first.name, other.name): joined(first, other, differences(first, other, rows, gpus)) for other in others}
    if not work.options.split:
        return found
    # A group may be one of a single pair's: it must be known in one of them.
    groups = [one for ones in found.values() for one in ones]
    split(groups, work.options.split)
    return {
        pair: split(ones, [path for path in work.options.split if any(one.path == path for one in ones)])
        for pair, ones in found.items()
    }


def told_differences(
    work: Work,
    sides: Sequence[Resolved],
    found: Mapping[tuple[str, str], list[Difference]],
    explained: Explained | None,
) -> list[DifferenceFact]:
    """Return the facts of all differences, with what those of the explained pair do."""
    told, named = [], {side.name: side for side in sides}
    for (a, b), ones in found.items():
        pair = {explained.contest.good.name, explained.contest.bad.name} if explained else set()
        mine = explained if pair == {a, b} else None
        known = {one.path: about(named[a], named[b], one) for one in ones}
        given = {one.path for one in ones if by_themselves(named[a], named[b], one)}
        told += difference_facts(a, b, ones, mine, _lines(work, sides, (a, b), ones), known, given)
    return told


def _lines(work: Work, sides: Sequence[Resolved], pair: tuple[str, str], found: Sequence[Difference]
           ) -> dict[str, list[LineFact]]:  # fmt: skip
    """Return where each difference stands in the programs of a pair."""
    named = {side.name: side for side in sides}
    a, b = (named[name] for name in pair)
    if work.failing().keys() & set(pair):
        return {}
    files = {side.name: f"programs/{work.program(side).file_name}" for side in (a, b)}

    def source(side: Resolved, config: Config) -> str:
        return work.program(side.having(config)).source

    return lines_of(a, b, found, source, files)
