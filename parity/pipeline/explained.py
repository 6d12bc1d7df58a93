"""From what was explained to the facts of ``result.json``."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from parity.errors import ParityError
from parity.explain.claims import LEAST_GAP, Claim, Tried
from parity.explain.trials import Paths
from parity.pipeline.answer import Explained
from parity.pipeline.patches import as_options, as_yaml, changes_of
from parity.report.facts import (
    ClaimFact,
    DifferenceFact,
    EffectFact,
    Explanation,
    InteractionFact,
    LineFact,
    MovedFact,
    OwnFact,
    SaidFact,
    StrikeFact,
)
from parity.spec.differences import Difference
from parity.spec.schema import SaidSpec

ALIKE = 0.1
"""A side's outcome on its own framework and on that of the trials may differ by this share of the gap."""


def explanation_fact(told: Explained, said: Mapping[Paths, SaidSpec]) -> Explanation | None:
    """Return the facts of an explanation, None where not even the two sides were run.

    Args:
        told: what came of it.
        said: what somebody says is the cause, by the differences it names.
    """
    good, bad = told.sides
    if not (good.values and bad.values):
        return None
    findings = told.findings
    claims = [claim_fact(told, one) for one in findings.claims]
    sound = [one for one in claims if one.status != "inconclusive"]
    return Explanation(
        framework=told.choice.home.framework,
        outcome=told.outcome.text,
        better="lower" if told.outcome.kind == "steps" else told.outcome.better,
        gap=told.gap or "unsteady",
        good=told.contest.good.name,
        bad=told.contest.bad.name,
        good_value=good.mean,
        bad_value=bad.mean,
        good_values=list(good.values),
        bad_values=list(bad.values),
        seeds=list(told.seeds),
        rows=told.rows,
        steps=told.steps,
        breakers=[one.paths for one in sound if one.kind == "breaks"],
        repairs=[one.paths for one in sound if one.kind == "repairs"],
        claims=claims,
        said=[said_fact(told, one, paths) for paths, one in said.items() if paths in told.claimed],
        harmless=[one.path for one in told.contest.live if findings.harmless(one.path)]
        + [one.path for one in told.contest.inert],
        harmless_together=findings.rest.mean if findings.rest is not None and findings.rest.values else None,
        interactions=[InteractionFact(paths=paths, share=share) for paths, share in findings.interactions.items()],
        unexplained=findings.unexplained,
        own=_own_facts(told),
        complete=findings.complete,
        interrupted=told.interrupted,
        missing=told.missing,
        searched=told.searched,
        runs=told.runs,
        cached_runs=told.runs - told.made,
        stopped=told.stopped,
        why=told.choice.why,
        seconds=told.seconds,
        notes=told.notes,
    )  # fmt: skip


def _own_facts(told: Explained) -> list[OwnFact]:
    score = told.outcome.score
    good, bad = told.sides
    gap = abs(score(good.values[0]) - score(bad.values[0]))
    return [
        OwnFact(side=side, own=own, trial=trial, agrees=abs(score(own) - score(trial)) <= max(ALIKE * gap, LEAST_GAP))
        for side, (own, trial) in told.own.items()
    ]


def claim_fact(told: Explained, claim: Claim) -> ClaimFact:
    """Return the facts of a finding, with the patch that makes the change."""
    contest = told.contest
    side = contest.bad if claim.kind == "repairs" else contest.good
    good, bad = told.sides
    before = bad if claim.kind == "repairs" else good
    try:
        changes = changes_of(contest.turned() if claim.kind == "repairs" else contest, claim.paths | claim.by)
    except ParityError:
        changes = {}
    return ClaimFact(
        kind=claim.kind,
        paths=_ordered(told, claim.paths),
        by=_ordered(told, claim.by),
        status=claim.status,
        held=claim.held,
        seeds=claim.tried,
        before=before.mean,
        after=claim.whole.mean,
        spread=claim.whole.spread,
        values=list(claim.whole.values),
        side=side.name,
        patch=as_yaml(changes),
        options=as_options(side.name, changes),
    )


def _ordered(told: Explained, paths: Paths) -> list[str]:
    return [one.path for one in told.contest.live if one.path in paths]


def difference_facts(
    a: str,
    b: str,
    found: Sequence[Difference],
    told: Explained | None = None,
    lines: Mapping[str, Sequence[LineFact]] | None = None,
) -> list[DifferenceFact]:
    """Return the facts of the differences of two sides, with what they do where that was tried.

    Args:
        a: name of the first side.
        b: name of the second side.
        found: their differences.
        told: what came of explaining this pair, None where another or none was explained.
        lines: where each difference stands in the programs.
    """
    return [
        DifferenceFact(
            path=one.path, a=one.a, b=one.b, a_side=a, b_side=b, a_origin=one.a_origin, b_origin=one.b_origin,
            layers=list(one.layers), inert=one.inert, reason=one.reason,
            effect=_effect(told, one.path) if told and not one.inert else None,
            strike=_strike(told, one.path) if told else None,
            share=told.findings.shares.get(one.path) if told else None,
            lines=list((lines or {}).get(one.path, ())),
        )
        for one in found
    ]  # fmt: skip


def _strike(told: Explained, path: str) -> StrikeFact | None:
    one = told.strikes.get(path)
    if one is None:
        return None
    return StrikeFact(
        step=one.step, phase=one.phase, tensor=one.tensor, share=one.share, end_share=told.end_shares.get(path)
    )


def _effect(told: Explained, path: str) -> EffectFact | None:
    alone, back = told.findings.alone.get(path), told.findings.back.get(path)
    if alone is None and back is None:
        return None
    gap = told.gap == "gap"
    return EffectFact(
        alone=alone.mean if alone else None,
        taken_back=back.mean if back else None,
        breaks=_agreed(alone, True) if alone else None,
        repairs=_agreed(back, False) if back and gap else None,
        moved=_moved(told, path),
    )


def _moved(told: Explained, path: str) -> MovedFact | None:
    effect = told.effects.get(path)
    if effect is None:
        return None
    by = effect.by if told.outcome.better == "higher" else -effect.by
    tried = [one[path] for one in (told.findings.alone, told.findings.back) if path in one]
    seeds = min(len(one.values) for one in tried)
    return MovedFact(by=by, margin=effect.margin, verdict=effect.verdict, seeds=seeds)


def _agreed(tried: Tried, bad: bool) -> bool | None:
    """Return whether all seeds say that a config is bad, or is not; None where they do not agree."""
    found = {one is bad for one in tried.bad}
    return found.pop() if len(found) == 1 else None


def said_fact(told: Explained, said: SaidSpec, paths: Paths) -> SaidFact:
    """Return how far an explanation that somebody gave is right."""
    alone, back = told.claimed[paths]
    sufficient = all(alone.bad) if len(alone.lost) == len(told.seeds) else None
    decided = told.gap == "gap" and len(back.lost) == len(told.seeds)
    necessary = not any(back.bad) if decided else None
    return SaidFact(
        text=said.text,
        source=said.source,
        paths=_ordered(told, paths),
        sufficient=sufficient,
        necessary=necessary,
        alone=alone.mean if alone.values else None,
        taken_back=back.mean if back.values else None,
        seeds=min(len(alone.lost), len(back.lost)),
        sentence=_judged(told, paths, alone, back, sufficient, necessary),
    )


def _judged(
    told: Explained, paths: Paths, alone: Tried, back: Tried, sufficient: bool | None, necessary: bool | None
) -> str:
    good, bad, outcome = told.contest.good.name, told.contest.bad.name, told.outcome.text
    if told.gap != "gap":
        return (
            f"Nothing to judge: {good} comes to {outcome} {_mean(told.sides[0])} and {bad} to "
            f"{_mean(told.sides[1])}, which is no gap to account for."
        )
    if sufficient is None or necessary is None:
        return "Not decided: not all of the runs it takes were made."
    what = " + ".join(_ordered(told, paths))
    parts = f"{what} alone takes {good} from {outcome} {_mean(told.sides[0])} to {_mean(alone)}"
    parts += f", and taken back from {bad} it moves {_mean(told.sides[1])} to {_mean(back)}"
    verdict = {
        (True, True): "Right",
        (True, False): "Half right: enough to ruin, not enough to mend",
        (False, True): "Half right: its part is needed, but it does not ruin alone",
        (False, False): "Wrong",
    }[sufficient, necessary]
    share = sum(told.findings.shares.get(path, 0.0) for path in paths)
    of_gap = f"; it accounts for {share:.0%} of the gap" if told.findings.shares else ""
    others = [path for path in told.findings.causes if path not in paths]
    rest = f"; of the rest {_listed(others)} matter{'s' if len(others) == 1 else ''}" if others else ""
    idle = [one.path for one in told.contest.live if one.path not in paths and told.findings.harmless(one.path)]
    none = (
        f"{'; ' if rest else '; of the rest '}{_listed(idle)} {'do' if len(idle) > 1 else 'does'} nothing"
        if idle
        else ""
    )
    return f"{verdict}: {parts}{of_gap}{rest}{none} ({len(told.seeds)} seeds)."


def _mean(tried: Tried) -> str:
    value = statistics.fmean(tried.values) if tried.values else math.nan
    return f"{value:.3g}"


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(paths[:-1]) + (" and " if len(paths) > 1 else "") + paths[-1]
