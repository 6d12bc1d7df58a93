"""The causes' shares of the gap, over all subsets of them, and what is left when all of them are taken back."""

from __future__ import annotations

from parity.explain.shapley import MOST_CAUSES, adds_up, interactions, shares, subsets
from parity.trials.inquired import Explained
from parity.trials.trials import Trials

SHARES = "the causes' shares of the gap"
"""What is measured, in the words of a progress bar."""


def shared(trials: Trials, told: Explained) -> None:
    """Measure the causes' shares of the gap, where they are few enough, and what is left without all of them.

    Args:
        trials: with what is known.
        told: what is told of it, the causes among it.

    Raises:
        SpentError: when the budget is spent.
    """
    findings = told.findings
    causes = findings.causes
    if trials.gapless or not causes:
        return
    trials.why = "what the causes do together, and what is left without them"
    rest, seed = trials.contest.without(frozenset(causes)), trials.seeds[0]
    trials.start([(rest, one) for one in trials.few])
    exact = len(causes) <= MOST_CAUSES
    sets = subsets(causes) if exact else []
    findings.shares, findings.interactions = {}, {}
    trials.start([(one, seed) for one in sets], whole=False)
    findings.rest = trials.tried(rest, len(trials.few))
    if not exact:
        told.missing = [text for text in told.missing if not text.startswith(SHARES)]
        told.missing.append(f"{SHARES}: exact over at most {MOST_CAUSES} causes, and here are {len(causes)}")
        return
    lost = {one: trials.lost(one, seed, whole=False) for one in sets}
    found = shares(causes, lost)
    if adds_up(found.values()):
        findings.shares, findings.interactions = found, interactions(causes, lost)
