"""What came of explaining a pair of sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from parity.explain.claims import Findings, Tried
from parity.explain.contest import Contest, Paths
from parity.explain.effects import Effect
from parity.explain.outcome import Outcome
from parity.explain.seeds import OutcomeGap
from parity.explain.strikes import Strike
from parity.trials.speed import Choice
from parity.trials.units import Unit


@dataclass(frozen=True, kw_only=True)
class Combination:
    """The good side with some differences, as it was run.

    Args:
        paths: the differences that it was given.
        seeds: with which it was run.
        values: outcome with each of them.
        losses: of the steps of the first seed's run.
        stopped: why that run ended early, empty where it did not.
    """

    paths: Paths
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    losses: tuple[float, ...]
    stopped: str = ""


@dataclass(kw_only=True)
class Explained:
    """What came of explaining a pair of sides.

    Args:
        contest: the good and the bad side; in the order of the spec where neither is better.
        outcome: what was compared.
        choice: the framework of the runs.
        unit: in which it was measured.
        seeds: with which the sides were tried; the first led the search.
        ends: what the two sides' own runs, of their whole training, ended at; None where that is not known.
        full: steps of the longer of those.
        steps: of the runs of the good and of the bad side.
        first: name of the side that the spec has first.
        each_seeds: seeds with which each difference was tried alone and taken back.
        gap: what the seeds say of the sides; None where even that was not found out.
        constant: what the best constant prediction gets; None where that is not known.
        strikes: where each live difference strikes first.
        end_shares: share of all that training moved that each changes alone, where that run was made to its end.
        sides: outcome of the good and of the bad side, by seed.
        findings: what holds.
        effects: what each difference moves, with an interval; empty where they were tried with one seed.
        rows: that the outcome is measured on.
        own: outcome of each side's config on its own framework, and on that of the trials, where they are not the same.
        combinations: every combination of differences that was run.
        searched: configs that the search tried, the two sides included.
        runs: counterfactual runs that it all rests on.
        made: those that were made now; the others were known.
        stopped: runs whose fate was decided before their end.
        seconds: that it took.
        missing: what was left out, and why.
        notes: what else has to be known.
        interrupted: by Ctrl-C.
    """

    contest: Contest
    outcome: Outcome
    choice: Choice
    unit: Unit
    seeds: Sequence[int]
    ends: tuple[float, float] | None = None
    full: int = 0
    steps: tuple[int, ...] = ()
    first: str = ""
    each_seeds: int = 1
    gap: OutcomeGap | None = None
    constant: float | None = None
    strikes: dict[str, Strike] = field(default_factory=dict)
    end_shares: dict[str, float] = field(default_factory=dict)
    sides: tuple[Tried, Tried] = (Tried(paths=frozenset()), Tried(paths=frozenset()))
    findings: Findings = field(default_factory=Findings)
    effects: dict[str, Effect] = field(default_factory=dict)
    rows: int = 0
    own: dict[str, tuple[float, float]] = field(default_factory=dict)
    claimed: dict[Paths, tuple[Tried, Tried]] = field(default_factory=dict)
    combinations: list[Combination] = field(default_factory=list)
    searched: int = 0
    runs: int = 0
    made: int = 0
    stopped: int = 0
    seconds: float = 0.0
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False


Grown = Callable[[Explained, Sequence[str]], None]
"""Told what is known so far, and what is still to come."""
