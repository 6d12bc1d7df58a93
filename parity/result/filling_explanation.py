"""From what was explained to the facts of ``result.json``."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from parity.errors import ParityError
from parity.explain.claims import LEAST_GAP, Claim, Tried
from parity.explain.contest import Paths
from parity.explain.effects import LEVEL
from parity.explain.seeds import needed
from parity.result.filling_lessons import combination_facts
from parity.result.patches import as_options, as_yaml, changes_of
from parity.result.schema import (
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
from parity.spec.sections import SaidSpec
from parity.trials.inquired import Explained

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
        least_gap=LEAST_GAP,
        level=LEVEL,
        gap=told.gap.kind if told.gap is not None else "open",
        good=told.contest.good.name,
        bad=told.contest.bad.name,
        good_value=told.outcome.typical(good.values),
        bad_value=told.outcome.typical(bad.values),
        good_values=list(good.values),
        bad_values=list(bad.values),
        seeds=list(told.seeds),
        **_seeds(told),
        **_lengths(told),
        constant=told.constant if told.outcome.kind == "end" else None,
        learned=_learned(told),
        unit=_unit(told),
        rows=told.rows,
        steps=max(told.steps, default=0),
        breakers=[one.paths for one in sound if one.kind == "breaks"],
        repairs=[one.paths for one in sound if one.kind == "repairs"],
        claims=claims,
        said=[said_fact(told, one, paths) for paths, one in said.items() if paths in told.claimed],
        harmless=[one.path for one in told.contest.live if findings.harmless(one.path)]
        + [one.path for one in told.contest.inert],
        harmless_together=told.outcome.typical(findings.rest.values)
        if findings.rest is not None and findings.rest.paths and findings.rest.values
        else None,
        interactions=[InteractionFact(paths=paths, share=share) for paths, share in findings.interactions.items()],
        unexplained=findings.unexplained,
        own=_own_facts(told),
        combinations=combination_facts(told),
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


def _seeds(told: Explained) -> dict[str, Any]:
    """Return what the seeds say of the gap, and with which of them each difference was tried."""
    found: dict[str, Any] = {"effect_seeds": list(told.seeds[: told.each_seeds])}
    for name, side in zip(("good_at", "bad_at"), told.sides, strict=True):
        found[name] = _at(told, side)
    if told.gap is not None:
        found |= {"held": told.gap.held, "against": told.gap.against}
    return found


def _at(told: Explained, tried: Tried | None) -> float | None:
    """Return the outcome with the seeds with which all differences were tried: no column has others beside them."""
    if tried is None or len(tried.values) < told.each_seeds:
        return None
    return told.outcome.typical(tried.first(told.each_seeds).values)


def _lengths(told: Explained) -> dict[str, Any]:
    """Return how long the runs are, and what the sides' own ones come to where they are longer."""
    found: dict[str, Any] = {}
    if len(set(told.steps)) > 1:
        found |= {"good_steps": told.steps[0], "bad_steps": told.steps[1]}
    if told.ends is not None and told.full > max(told.steps, default=0):
        ends = told.ends if told.first == told.contest.good.name else told.ends[::-1]
        found |= {"full_steps": told.full, "good_end": ends[0], "bad_end": ends[1]}
    return found


def _learned(told: Explained) -> bool | None:
    """Return whether the good side has learned more than a constant prediction knows; None where that is not known."""
    good = told.sides[0].values
    if told.constant is None or told.outcome.kind != "end" or not all(map(math.isfinite, good)):
        return None
    return told.outcome.learned(good, told.constant, told.unit.rows)


def _unit(told: Explained) -> str:
    """Say in whose unit an outcome is, where the sides' own units differ."""
    contest, unit = told.contest, told.unit
    other = contest.bad if unit.first.name == contest.good.name else contest.good
    factor = unit.factor(other)
    if factor == 1.0:
        return ""
    return (
        f"{told.outcome.metric} is in the unit of {unit.first.name}'s targets: those of {other.name} are on another "
        f"scale, and its {told.outcome.metric} was multiplied by {factor:.4g}."
    )


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
    before = (bad if claim.kind == "repairs" else good).first(claim.tried)
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
        before=told.outcome.typical(before.values),
        after=told.outcome.typical(claim.whole.values),
        before_values=list(before.values),
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
    about: Mapping[str, tuple[list[str], str]] | None = None,
    given: Collection[str] = (),
) -> list[DifferenceFact]:
    """Return the facts of the differences of two sides, with what they do where that was tried.

    Args:
        a: name of the first side.
        b: name of the second side.
        found: their differences.
        told: what came of explaining this pair, None where another or none was explained.
        lines: where each difference stands in the programs.
        about: of each, the entries that it is about, and what its field is.
        given: paths of those that the frameworks' own parts make, whatever they are told.
    """
    return [
        DifferenceFact(
            path=one.path, a=one.a, b=one.b, a_side=a, b_side=b, a_origin=one.a_origin, b_origin=one.b_origin,
            layers=list(one.layers), inert=one.inert, reason=one.reason,
            effect=_effect(told, one.path) if told and not one.inert else None,
            strike=_strike(told, one.path) if told else None,
            share=told.findings.shares.get(one.path) if told else None,
            unexamined=_unexamined(told, one.path),
            lines=list((lines or {}).get(one.path, ())),
            entries=(about or {}).get(one.path, ([], ""))[0], field=(about or {}).get(one.path, ([], ""))[1],
            by_themselves=one.path in given,
        )
        for one in found
    ]  # fmt: skip


def _unexamined(told: Explained | None, path: str) -> str:
    """Return why no run could show what a difference does."""
    return next((why for one, why in (told.contest.unseen if told else ()) if one.path == path), "")


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
    return EffectFact(
        alone=_at(told, alone),
        taken_back=_at(told, back),
        breaks=_agreed(told, "breaks", path, alone),
        repairs=_agreed(told, "repairs", path, back) if _gap(told) else None,
        moved=_moved(told, path),
    )


def _gap(told: Explained) -> bool:
    return told.gap is not None and told.gap.kind == "gap"


def _moved(told: Explained, path: str) -> MovedFact | None:
    effect = told.effects.get(path)
    if effect is None:
        return None
    by = effect.by if told.outcome.better == "higher" else -effect.by
    tried = [one[path] for one in (told.findings.alone, told.findings.back) if path in one]
    seeds = min(len(one.values) for one in tried)
    return MovedFact(by=by, margin=effect.margin, verdict=effect.verdict, seeds=seeds)


def _agreed(told: Explained, kind: str, path: str, tried: Tried | None) -> bool | None:
    """Return whether a difference ruins, or mends: as its claim says, or all seeds; None where they do not agree."""
    claim = next((one for one in told.findings.of(kind) if one.paths == {path}), None)
    if claim is not None:
        return True if claim.status != "inconclusive" else None
    if tried is None or not tried.lost:
        return None
    does = kind == "breaks"
    return False if not any(one is does for one in tried.bad) else None


def said_fact(told: Explained, said: SaidSpec, paths: Paths) -> SaidFact:
    """Return how far an explanation that somebody gave is right."""
    alone, back = told.claimed[paths]
    enough = len(told.seeds)
    sufficient = sum(alone.says(True)) >= needed(enough) if len(alone.lost) == enough else None
    decided = _gap(told) and len(back.lost) == enough
    necessary = sum(back.says(False)) >= needed(enough) if decided else None
    return SaidFact(
        text=said.text,
        source=said.source,
        paths=_ordered(told, paths),
        sufficient=sufficient,
        necessary=necessary,
        alone=told.outcome.typical(alone.values) if alone.values else None,
        taken_back=told.outcome.typical(back.values) if back.values else None,
        seeds=min(len(alone.lost), len(back.lost)),
        sentence=_judged(told, paths, alone, back, sufficient, necessary),
    )


def _judged(
    told: Explained, paths: Paths, alone: Tried, back: Tried, sufficient: bool | None, necessary: bool | None
) -> str:
    good, bad, outcome = told.contest.good.name, told.contest.bad.name, told.outcome.text
    if not _gap(told):
        return (
            f"Nothing to judge: {good} comes to {outcome} {_mean(told, told.sides[0])} and {bad} to "
            f"{_mean(told, told.sides[1])}, which is no gap to account for."
        )
    if sufficient is None or necessary is None:
        return "Not decided: not all of the runs it takes were made."
    what = " + ".join(_ordered(told, paths))
    parts = f"{what} alone takes {good} from {outcome} {_mean(told, told.sides[0])} to {_mean(told, alone)}"
    parts += f", and taken back from {bad} it moves {_mean(told, told.sides[1])} to {_mean(told, back)}"
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
        f"{'; ' if rest else '; of the rest '}{_listed(idle)} {'do' if len(idle) > 1 else 'does'} no harm"
        if idle
        else ""
    )
    return f"{verdict}: {parts}{of_gap}{rest}{none} ({len(told.seeds)} seeds)."


def _mean(told: Explained, tried: Tried) -> str:
    value = told.outcome.typical(tried.values) if tried.values else math.nan
    return f"{value:.3g}"


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(paths[:-1]) + (" and " if len(paths) > 1 else "") + paths[-1]
