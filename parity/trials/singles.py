"""Single differences: what each was seen to do alone and taken back, whatever it was run for."""

from __future__ import annotations

from parity.explain.contest import Paths
from parity.explain.effects import effects
from parity.explain.search import Search
from parity.trials.combined import combinations
from parity.trials.inquired import Explained
from parity.trials.probes import end_share
from parity.trials.trials import Trials


def taken_back(trials: Trials, search: Search) -> None:
    """Take each difference back alone where no single one is known to mend, and runs are short.

    Where differences mend, one that does need not be in any breaker, and the search looks no further.

    Args:
        trials: of a contest with a gap.
        search: that is over.

    Raises:
        SpentError: when the budget is spent.
    """
    if any(len(one) == 1 for one in search.repairs) or not trials.affordable(len(trials.contest.live)):
        return
    trials.why = "does a single difference mend?"
    backs = [trials.contest.without(one) for one in _singles(trials)]
    trials.start([(one, trials.seeds[0]) for one in backs])
    for one in backs:
        trials.bad(one)


def one_by_one(trials: Trials, both: bool) -> list[Paths]:
    """Return each difference alone and then, where one asks for that, all without each.

    Args:
        trials: whose differences they are.
        both: also all without each.
    """
    alone = _singles(trials)
    return [*alone, *(trials.contest.without(one) for one in alone if both)]


def new_ones(trials: Trials, search: Search) -> tuple[list[str], list[Paths]]:
    """Return the differences that were seen to ruin alone, and those seen to mend alone, that the search has not.

    Args:
        trials: with what is known.
        search: that is over.
    """
    singles = _singles(trials)
    broken = [one for one in singles if one not in search.breakers and _known(trials, one) and trials.bad(one)]
    mended = []
    for one in singles if not trials.gapless else ():
        rest = trials.contest.without(one)
        if one not in search.repairs and _known(trials, rest) and not trials.bad(rest):
            mended.append(one)
    return [path for one in broken for path in one], mended


def measured(trials: Trials, told: Explained) -> None:
    """Gather what each difference does alone and taken back, as far as it was run, and with an interval if asked for.

    Args:
        trials: with what is known.
        told: what is told of it.
    """
    findings, told.combinations = told.findings, combinations(trials)
    for path in _singles(trials):
        (name,) = path
        for into, paths in ((findings.alone, path), (findings.back, trials.contest.without(path))):
            known = trials.known(paths)
            if known.lost:
                into[name] = known
        share = end_share(trials, path)
        if share is not None:
            told.end_shares[name] = share
    if told.each_seeds > 1 and trials.outcome.kind == "end":
        good, bad = (one.first(told.each_seeds) for one in told.sides)
        some = [
            {path: one.first(told.each_seeds) for path, one in known.items()}
            for known in (findings.alone, findings.back)
        ]
        told.effects = effects((good, bad), some[0], some[1], trials.outcome.score)
        told.rows = trials.unit.rows


def _singles(trials: Trials) -> list[Paths]:
    return [frozenset({one.path}) for one in trials.contest.live]


def _known(trials: Trials, paths: Paths) -> bool:
    return bool(trials.known(paths).lost)
