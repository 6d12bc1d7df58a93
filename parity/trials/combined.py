"""Combinations of the causes: every one of them is run where somebody asks for it, and what is known of all is kept."""

from __future__ import annotations

import statistics

from parity.errors import ParityError
from parity.explain.contest import Paths
from parity.explain.search import SpentError
from parity.explain.shapley import subsets
from parity.trials.inquired import Combination, Explained
from parity.trials.trials import Trials

MOST_COMBINED = 6
"""Causes of which all combinations are run: twice as many runs for each one more."""

ALL = "all combinations of the causes"
"""What is asked for, in the words of a progress bar."""


def combined(trials: Trials, told: Explained) -> None:
    """Run the good side with every combination of the causes, with the first seed; say what was left out, and why.

    Args:
        trials: with what is known.
        told: what is told of it, the causes among it.
    """
    causes = told.findings.causes
    if trials.gapless or not causes:
        return
    told.missing[:] = [text for text in told.missing if ALL not in text]
    if len(causes) > MOST_COMBINED:
        told.missing.append(f"{ALL}: of at most {MOST_COMBINED} causes, and here are {len(causes)}")
        return
    trials.why, seed, left = "every combination of the causes", trials.seeds[0], 0
    sets = subsets(causes)
    trials.start([(one, seed) for one in sets])
    for one in sets:
        try:
            trials.run(one, seed)
        except SpentError:
            left += 1
        except ParityError as error:
            trials.say(f"not run: {trials.contest.label(one)}: {error}")
    if left:
        told.missing.append(f"{left} of {ALL} ({len(sets)}): {trials.budget.over}")


def combinations(trials: Trials) -> list[Combination]:
    """Return every combination of differences that was run, those with the fewest first.

    Args:
        trials: with what is known.
    """
    sets = dict.fromkeys(paths for paths, _ in trials.runs) | dict.fromkeys(trials.ended_early)
    found = []
    for paths in sorted(sets, key=lambda one: (len(one), sorted(one))):
        known = trials.known(paths)
        if known.values:
            found.append(_combination(trials, paths, known.values))
    return found


def _combination(trials: Trials, paths: Paths, values: tuple[float, ...]) -> Combination:
    seed = trials.seeds[0]
    run = trials.runs.get((paths, seed)) or trials.ended_early[paths]
    return Combination(
        paths=paths, values=values, seeds=tuple(trials.seeds[: len(values)]), losses=run.losses, stopped=run.stopped
    )


def thinned(losses: tuple[float, ...], most: int) -> tuple[int, list[float]]:
    """Return a curve of at most so many numbers: each the mean of as many steps as the first number says.

    >>> thinned((4.0, 2.0, 3.0, 1.0, 7.0), 3)
    (2, [3.0, 2.0, 7.0])

    Args:
        losses: of every step.
        most: numbers of the curve.
    """
    every = max(1, -(-len(losses) // most))
    return every, [statistics.fmean(losses[at : at + every]) for at in range(0, len(losses), every)]
