"""Guess first: what each difference turns out to do, and what a guess comes to."""

from __future__ import annotations

from dataclasses import dataclass

from parity.report import lookup
from parity.report.sentences import claims, outcomes
from parity.report.sentences.finding import change
from parity.result import formats
from parity.result.schema import ClaimFact, DifferenceFact, Explanation, Result

TITLE = "Guess first"

SHOW, SKIP, AGAIN = "Show the answer", "Skip to the answer", "Check again"
"""What the button says: once something is ticked, before, and when the answer is shown."""


@dataclass(frozen=True)
class Option:
    """A difference to be ticked.

    Args:
        path: of the difference.
        change: both values, the good side's first.
        right: it ruins the good side.
        told: what it does, said once the answer is shown.
    """

    path: str
    change: str
    right: bool
    told: str


def options(result: Result) -> list[Option]:
    """List what may be ticked, in the order of the spec; nothing where nothing is known to ruin the good side."""
    told = result.explanation
    if told is None or told.gap != "gap":
        return []
    culprits, items = _culprits(result), _in_order(result, told)
    if not culprits or len(items) < 2:
        return []
    return [
        Option(item.path, change(item, told.good), item.path in culprits, does(result, told, item)) for item in items
    ]


def question(told: Explanation) -> str:
    """Ask which difference it is."""
    return (
        f"{told.bad} has all of these differences. Which of them {outcomes.ruins(told)} {told.good} when it is put in?"
    )


def answer(result: Result) -> str:
    """Say what is right."""
    told, culprits = result.explanation, _culprits(result)
    assert told is not None
    singles = _singles(result)
    if singles:
        each = "" if len(singles) == 1 else ", each of them alone"
        return f"{formats.names(singles)} {outcomes.ruins(told, len(singles) == 1)} {told.good}{each}."
    return f"{formats.names(culprits)} {outcomes.ruins(told, False)} {told.good}, but only together."


def comments(result: Result) -> dict[str, str]:
    """Say what a guess comes to: all right, some of it, none; nothing ticked."""
    one = len(_culprits(result)) == 1
    return {
        "right": "Right." if one else "Right, and that is all of them.",
        "some": "Partly right: some of the right ones, and not all.",
        "more": "The right ones are among yours, and others are too.",
        "wrong": "No, none of those.",
        "none": "Here is the answer.",
    }


def _singles(result: Result) -> list[str]:
    return [claim.paths[0] for claim in _sound(result) if len(claim.paths) == 1]


def _culprits(result: Result) -> list[str]:
    """Return what ruins the good side alone; where nothing does, the smallest set that does together."""
    smallest = min(_sound(result), key=lambda claim: len(claim.paths), default=None)
    return list(dict.fromkeys(_singles(result))) or (list(smallest.paths) if smallest is not None else [])


def _sound(result: Result) -> list[ClaimFact]:
    told = result.explanation
    assert told is not None
    return [
        claim
        for claim in claims.claims(result)
        if claim.kind == "breaks" and claim.status != "inconclusive" and not claims.contradicts(told, claim)
    ]


def _in_order(result: Result, told: Explanation) -> list[DifferenceFact]:
    pair = {told.good, told.bad}
    return [item for item in result.differences if {item.a_side, item.b_side} == pair]


def does(result: Result, told: Explanation, item: DifferenceFact) -> str:
    """Say what a difference does, put alone into the good side."""
    claim = next((one for one in _sound(result) if one.paths == [item.path] and one.seeds), None)
    if claim is not None:
        moved = outcomes.moved(told, claim.before, claim.after, claim.values)
        return f"{outcomes.ruins(told)} it: {moved} ({claims.seeds(told, claim)})"
    if item.inert:
        return f"does nothing: {item.reason}"
    label = lookup.effect_label(item, told)
    if item.effect is None or item.effect.alone is None:
        return item.unexamined or label
    good, _ = outcomes.sides_at(told)
    tried = f" ({outcomes.tried_with(told)})" if told.effect_seeds else ""
    return f"{label}: {outcomes.moved(told, good, item.effect.alone)}{tried}"
