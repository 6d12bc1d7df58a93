"""Which pair of sides is explained, what of it is compared, and the inquiry that does it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from parity.court.work import Note, Work
from parity.explain.contest import Contest, Paths, contest
from parity.explain.outcome import Outcome, parse_outcome
from parity.metrics import VALIDATION
from parity.recorded import is_opaque
from parity.run.trajectory import Trajectory
from parity.spec.differences import Difference
from parity.spec.resolve import Resolved
from parity.spec.sections import SaidSpec, Spec
from parity.trials.budget import Budget, Length
from parity.trials.inquired import Explained, Grown
from parity.trials.inquiry import Inquiry
from parity.trials.runner import Runner
from parity.trials.speed import choose
from parity.trials.units import Unit, UnitError


def explain(
    work: Work,
    healthy: list[Resolved],
    runs: Mapping[str, Trajectory],
    found: dict[tuple[str, str], list[Difference]],
    note: Note,
    begun: float,
    grown: Grown | None = None,
) -> tuple[Explained | None, list[str]]:
    """Explain the first pair of sides whose outcomes differ, or else the first whose configs do."""
    opaque = [side.name for side in healthy if is_opaque(side)]
    if opaque:
        have = "has" if len(opaque) == 1 else "have"
        return None, [f"no cause was looked for: {' and '.join(opaque)} {have} opaque parts, which run only in their "
                      "own program, and a cause is shown by runs of compiled ones"]  # fmt: skip
    named = {side.name: side for side in healthy}
    pairs = [
        (a, b) for (a, b), ones in found.items() if a in named and b in named and any(not one.inert for one in ones)
    ]
    if not pairs:
        return None, []
    outcome = outcome_of(work, healthy)
    if outcome is None:
        return None, ["no cause was looked for: the spec names no metric that says which side does better"]

    def score(name: str) -> float:
        return outcome.metric_score(runs[name].final.get(outcome.metric, math.nan)) if name in runs else math.nan

    a, b = max(pairs, key=lambda pair: _distance(score(pair[0]), score(pair[1])))
    pair = named[a], named[b]
    ends = _ends(work, pair, runs, outcome)
    return explain_pair(work, healthy, pair, found[a, b], outcome, note, ends, begun, grown), []


def _ends(
    work: Work, pair: tuple[Resolved, Resolved], runs: Mapping[str, Trajectory], outcome: Outcome
) -> tuple[float, float] | None:
    """Return what the sides' own runs end at, in the unit of the first; None where that is not to be compared."""
    unit = Unit(outcome=outcome, first=pair[0], data=work.dataset)
    try:
        one, other = (runs[side.name].final[outcome.metric] * unit.factor(side) for side in pair)
    except (KeyError, UnitError):
        return None
    return one, other


def outcome_of(work: Work, sides: Sequence[Resolved]) -> Outcome | None:
    """Return what says which side does better: the command's, the spec's, or the first metric; None without any.

    Raises:
        UsageError: when what is named is not measured.
    """
    measured = {metric.name: metric.better for side in sides for metric in side.measured}
    if all(work.dataset(side).y_val is not None for side in sides):
        measured |= {f"{VALIDATION}{kind}": better for kind, better in measured.items()}
    text = work.options.outcome or work.spec.explain.outcome or next(iter(measured), None)
    return None if text is None else parse_outcome(text, measured)


def _distance(one: float, other: float) -> float:
    """Return how far apart two scores are, for the choice of a pair: the first one unless another is further."""
    apart = abs(one - other)
    return 0.0 if math.isnan(apart) else round(apart, 2)


def explain_pair(
    work: Work,
    sides: Sequence[Resolved],
    pair: tuple[Resolved, Resolved],
    found: Sequence[Difference],
    outcome: Outcome,
    note: Note,
    ends: tuple[float, float] | None = None,
    begun: float | None = None,
    grown: Grown | None = None,
) -> Explained:
    """Explain a pair of sides by counterfactual runs.

    Args:
        work: data, programs and store.
        sides: that ran; their interpreters may be used.
        pair: the two sides, in the order of the spec.
        found: their differences.
        outcome: what is compared.
        note: told what is under way.
        ends: what the two sides' own runs ended at; None where there were none.
        begun: when the command began, by the monotonic clock; now if not said.
        grown: told what is known so far, and what is still to come; None: nobody.

    Raises:
        UsageError: when a group that is to be split is none.
    """
    options, asked = work.options, work.spec.explain
    match = contest(*pair, found)
    length = Length(
        sides=pair, epoch_steps=work.epoch_steps, steps=options.explain_steps or asked.steps, most=options.steps
    )
    budget = Budget(runs=options.max_runs, seconds=options.max_seconds)
    budget.begun = budget.begun if begun is None else begun
    with Runner(work=work, gate=budget.on_time) as runner:
        choice = choose(runner, sides, pair, asked.framework, length.steps or length.full, note)
        return Inquiry(
            work=work, runner=runner, contest=match, choice=choice, outcome=outcome, length=length, ends=ends,
            budget=budget, note=note, every=options.effects, each_seeds=asked.effect_seeds,
            claims=list(said_sets(work.spec, match)), subsets=options.subsets, grown=grown,
        ).run()  # fmt: skip


def said_sets(spec: Spec, match: Contest) -> dict[Paths, SaidSpec]:
    """Return what somebody says is the cause, by the live differences that it names; none where it names none."""
    found = {}
    for one in spec.explain.said:
        paths = frozenset(
            difference.path
            for difference in match.live
            if any(fnmatchcase(difference.path, path) or path in difference.paths for path in one.paths)
        )
        if paths:
            found[paths] = one
    return found
