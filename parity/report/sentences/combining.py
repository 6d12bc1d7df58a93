"""Combinations of differences: what each that was run came to, and what is said of those that were not."""

from __future__ import annotations

import math

from parity.report import lookup
from parity.report.sentences import outcomes
from parity.result import formats
from parity.result.explanation import CombinationFact
from parity.result.schema import Explanation, Result

TITLE = "Turn the differences on and off"

NAMED = 3
"""Differences that a sentence names; more are counted."""


AGAIN = "To run it, run the same with"
"""Stands above the options that make a combination of what was not run."""


def intro(result: Result, told: Explanation) -> str:
    """Say what the switches are, and which differences have none."""
    none = [item.path for item in lookup.explained(result) if item.inert]
    rest = (
        f" {formats.names(none)} {'has' if len(none) == 1 else 'have'} none: provably without effect." if none else ""
    )
    return (
        f"Every switch is a difference: off as {told.good} has it, on as {told.bad} has it. What is drawn was really "
        f"run, on {told.framework}, with the same random numbers.{rest}"
    )


def said(told: Explanation, one: CombinationFact) -> str:
    """Say what a combination came to, and with how many seeds."""
    typical = _mean(told, one)
    colon = "" if outcomes.kind(told) == "end" else ":"
    value = f"{told.outcome}{colon} {outcomes.shown(told, typical, one.values)}"
    seeds = f"seed {one.seeds[0]}" if len(one.seeds) == 1 else f"{len(one.seeds)} seeds"
    ended = f" The run ended early: {one.stopped.rstrip('.')}." if one.stopped else ""
    return f"{value} ({seeds}).{ended}"


def place(told: Explanation, one: CombinationFact) -> float | None:
    """Give a combination's outcome, None where it is no number."""
    value = _mean(told, one)
    return value if math.isfinite(value) else None


def _mean(told: Explanation, one: CombinationFact) -> float:
    """Give the mean over the seeds; the geometric one of a metric without a bound, as everywhere."""
    lower = told.better == "lower" and outcomes.kind(told) == "end"
    if lower and all(value > 0 for value in one.values):
        return math.exp(math.fsum(map(math.log, one.values)) / len(one.values))
    return math.fsum(one.values) / len(one.values)


def name(told: Explanation, one: CombinationFact, live: int) -> str:
    """Name a combination: what is changed, seen from the side that is nearer."""
    if not one.paths:
        return f"{told.good} as it is"
    if len(one.paths) == live:
        return f"{told.bad} as it is"
    some = one.paths
    return f"{told.good} with {formats.names(some)}" if len(some) <= NAMED else f"{told.good} with {len(some)} of them"


def curve(one: CombinationFact) -> str:
    """Say what the curve is."""
    every = "every step" if one.every == 1 else f"each point the mean of {one.every} steps"
    return f"Training loss, seed {one.seeds[0]}, {every}."


def unrun(result: Result) -> str:
    """Say that a combination was not run, and how it would be."""
    subsets = "" if "--subsets" in result.command.split() else " With --subsets all combinations of the causes are run."
    return f"This combination was not run, so nothing is known of it.{subsets}"


def other_loss(result: Result) -> str:
    """Say why curves may not be comparable; empty where the loss is the same in all."""
    if any(item.path.partition(".")[0] == "loss" and not item.inert for item in lookup.explained(result)):
        return (
            "The loss is one of the switches: curves of different losses are on different scales. The outcome is "
            "measured by the same code in all."
        )
    return ""
