"""A result told as runs: one of each side, one of each counterfactual config, and what the comparison says of all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from parity.report import brief, lookup, markdown
from parity.report.sentences import findings, verdict
from parity.result import formats
from parity.result.schema import DifferenceFact, Explanation, Result, SideFact

Points = list[tuple[int, float]]
"""Step, counted from 1, and value; finite."""

OUTCOME = "outcome"
"""Ahead of the series of a config's outcomes, by seed: what stands for the step is the seed."""


@dataclass(frozen=True, kw_only=True)
class ToldRun:
    """One run.

    Args:
        name: unique among the runs of a result.
        kind: a side of its own, or a config that was tried to find the cause.
        about: what it ran as, by name.
        curves: what was recorded step by step.
        seeds: outcome by seed.
        ends: numbers at its end.
    """

    name: str
    kind: Literal["side", "counterfactual"]
    about: dict[str, str] = field(default_factory=dict)
    curves: dict[str, Points] = field(default_factory=dict)
    seeds: dict[str, Points] = field(default_factory=dict)
    ends: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ToldResult:
    """A result.

    Args:
        name: of the spec.
        runs: the sides first.
        tags: verdict, first place, causes: a line each.
        claims: numbers of the comparison.
        text: the answer as Markdown.
        differences: config path to both values.
    """

    name: str
    runs: list[ToldRun]
    tags: dict[str, str]
    claims: dict[str, float]
    text: str
    differences: dict[str, str]


def told(result: Result) -> ToldResult:
    """Tell a result.

    Args:
        result: what was found.
    """
    return ToldResult(
        name=result.spec.name,
        runs=[*(_side(result, side) for side in result.sides), *_counterfactuals(result)],
        tags=_tags(result),
        claims=_claims(result),
        text=markdown.draw(brief.brief(result, [])),
        differences={one.path: f"{formats.value(one.a)} -> {formats.value(one.b)}" for one in result.differences},
    )


def _tags(result: Result) -> dict[str, str]:
    causes = [cause for one in findings.findings(result) if one.kind == "cause" for cause in one.items]
    places = [one.first for one in result.comparisons if one.first is not None]
    found = {
        "verdict": lookup.overall(result) or "",
        "answer": verdict.verdict_sentence(result),
        "place": f"step {places[0].step}, {places[0].phase}, {places[0].tensor}" if places else "",
        "cause": "; ".join(one.change for one in causes),
        "question": result.spec.question,
        "command": result.command,
        "parity": result.parity_version,
    }
    return {name: text for name, text in found.items() if text}


def _claims(result: Result) -> dict[str, float]:
    found = {"differences": float(len(result.differences))}
    for one in result.comparisons:
        largest = one.largest.difference if one.largest is not None else 0.0
        found |= {f"{one.a} {one.b}/largest difference": largest, f"{one.a} {one.b}/steps checked": float(one.steps)}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _side(result: Result, side: SideFact) -> ToldRun:
    seeds: dict[str, Points] = {}
    cause = result.explanation
    if cause is not None and side.name in (cause.good, cause.bad):
        values = cause.good_values if side.name == cause.good else cause.bad_values
        seeds = {f"{OUTCOME} {cause.outcome}": _finite(zip(cause.seeds, values, strict=False))}
    curves = {"loss": _finite(enumerate(side.losses, start=1))}
    for name in dict.fromkeys(name for epoch in side.epochs for name in epoch.metrics):
        curves[name] = _finite((epoch.step, epoch.metrics.get(name, math.nan)) for epoch in side.epochs)
    about = {
        "framework": side.framework, "version": side.version, "precision": side.precision, "device": side.device,
        "parameters": str(side.parameters), "loss formula": side.loss_formula,
        **{one.path: _value(one, side.name) for one in result.differences if side.name in (one.a_side, one.b_side)},
    }  # fmt: skip
    ends = {name: value for name, value in side.metrics.items() if math.isfinite(value)}
    return ToldRun(name=side.name, kind="side", about=about, curves=_kept(curves), seeds=_kept(seeds), ends=ends)


def _counterfactuals(result: Result) -> Iterator[ToldRun]:
    """Yield the configs between the two sides: the outcome by seed, and the curve where the result has it."""
    cause = result.explanation
    if cause is None:
        return
    seen = {side.name for side in result.sides}
    for run in (*_combined(cause), *_claimed(cause)):
        if run.name not in seen:
            seen.add(run.name)
            yield run


def _combined(cause: Explanation) -> Iterator[ToldRun]:
    """Yield what was run, called by the side that it is nearer to and what that is given, or has not."""
    everything = {path for one in cause.combinations for path in one.paths}
    for one in cause.combinations:
        curve = [((number + 1) * one.every, value) for number, value in enumerate(one.losses)]
        values = list(zip(one.seeds, one.values, strict=False))
        if one.side == cause.bad:
            yield _tried(cause, cause.bad, "without", [*everything - {*one.paths}], values, curve)
        else:
            yield _tried(cause, cause.good, "with", one.paths, values, curve)


def _claimed(cause: Explanation) -> Iterator[ToldRun]:
    for one in cause.claims:
        base, word = (cause.bad, "without") if one.kind == "repairs" else (cause.good, "with")
        yield _tried(cause, base, word, [*one.paths, *one.by], list(zip(cause.seeds, one.values, strict=False)), [])


def _tried(
    cause: Explanation, base: str, word: str, paths: list[str], values: Points, curve: Points
) -> ToldRun:  # fmt: skip
    name = f"{base} {word} {', '.join(sorted(paths))}" if paths else base
    about = {"framework": cause.framework, "side": base, word: ", ".join(sorted(paths))}
    ends = [value for _, value in values if math.isfinite(value)]
    return ToldRun(
        name=name, kind="counterfactual", about=about, curves=_kept({"loss": _finite(curve)}),
        seeds=_kept({f"{OUTCOME} {cause.outcome}": _finite(values)}),
        ends={cause.outcome: sum(ends) / len(ends)} if ends else {},
    )  # fmt: skip


def _finite(points: Iterable[tuple[int, float]]) -> Points:
    return [(step, value) for step, value in points if math.isfinite(value)]


def _kept(series: dict[str, Points]) -> dict[str, Points]:
    return {name: points for name, points in series.items() if points}


def _value(one: DifferenceFact, side: str) -> str:
    return formats.value(one.a if side == one.a_side else one.b)
