"""How far each difference moves the outcome, where that was measured with several seeds: what is decided, what is not.

Pure functions of a :class:`~parity.result.schema.Result`, used by all reports.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from parity.report import lookup
from parity.report.sentences import outcomes
from parity.report.sentences.finding import Finding, Item, change, explanation
from parity.result import formats
from parity.result.schema import DifferenceFact, Explanation, MovedFact, Result

Measured = tuple[DifferenceFact, MovedFact]


def moved(result: Result) -> list[Finding]:
    """Say of every difference whether it moves the outcome, does nothing that matters, or is not decided."""
    told = explanation(result)
    known = _measured(result)
    if not known:
        return []
    moving, still, left = (
        [one for one in known if one[1].verdict == verdict] for verdict in ("moves", "still", "open")
    )
    found = [Finding("moved", f"{_counted(told, known)} {_how(told, known)}{_rows(told)}")]
    for lead, some in (
        (f"Decided: put in, {_these(moving, 'moves', 'move')} {told.outcome}", moving),
        (
            f"Decided: {_these(still, 'does', 'do')} nothing to {told.outcome} that matters (less than {_least(told)})",
            still,
        ),
        (f"Not decided, the interval holds no change: what {_these(left, 'does', 'do')} to {told.outcome}", left),
    ):
        items = [Item(change(item, told.good), written(told, one)) for item, one in _by_size(some)]
        found += [Finding("moved", lead, tuple(items))] if items else []
    return found


def written(told: Explanation, one: MovedFact) -> str:
    """Write how far a difference moves the outcome: a change of the metric, or a factor of one without a bound."""
    if told.better == "higher":
        return f"{told.outcome} {one.by:+.3f} ± {one.margin:.3f}"
    low, high = (math.exp(one.by + sign * one.margin) for sign in (-1, 1))
    return f"{told.outcome} times {math.exp(one.by):.3g}, {low:.3g} to {high:.3g}"


def _least(told: Explanation) -> str:
    """Write what is the least that matters: a change, or a share of a metric without a bound."""
    return f"{told.least_gap:g}" if told.better == "higher" else f"{told.least_gap * 100:g} %"


def _measured(result: Result) -> list[Measured]:
    return [
        (item, item.effect.moved)
        for item in lookup.explained(result)
        if item.effect is not None and item.effect.moved is not None
    ]


def _by_size(some: Sequence[Measured]) -> list[Measured]:
    return sorted(some, key=lambda one: -abs(one[1].by))


def _these(some: Sequence[Measured], one: str, more: str) -> str:
    return f"this {one}" if len(some) == 1 else f"these {more}"


def _counted(told: Explanation, known: Sequence[Measured]) -> str:
    """Say in a sentence how many differences are decided."""
    moves, still, left = (sum(one.verdict == verdict for _, one in known) for verdict in ("moves", "still", "open"))
    parts = [f"{moves} move{'s' if moves == 1 else ''} {told.outcome}"]
    parts += [f"{still} do{'es' if still == 1 else ''} nothing that matters"] if still else []
    parts += [f"of {left} it is not decided"] if left else []
    return f"Of {formats.count(len(known), 'difference')}, {formats.names(parts)}."


def _how(told: Explanation, known: Sequence[Measured]) -> str:
    """Say how it was measured."""
    seeds = formats.count(min(one.seeds for _, one in known), "seed")
    return (
        f"Each was put into {told.good} and taken back from {told.bad} with {seeds}; what it moves is the mean of the "
        f"two, and ± is the interval that all {len(known)} hold together with {told.level * 100:g} %."
    )


def _rows(told: Explanation) -> str:
    """Say how far a share of validation rows is known at all: the seeds do not tell, since all runs have these rows."""
    name = outcomes.metric(told.outcome)
    if not (told.rows and name.startswith("val_") and name.endswith("accuracy")):
        return ""
    share = (told.good_value + told.bad_value) / 2
    error = math.sqrt(max(0.0, share * (1 - share)) / told.rows)
    return (
        f" All of it is about these {told.rows:,} validation rows: on as many others a {told.outcome} of {share:.2f} "
        f"would come out another by ± {error:.3f} (one standard error)."
    )
