"""Combinations of the causes: all are run where somebody asks, within the budget, and what was run is kept."""

from __future__ import annotations

from typing import Any

import pytest
from helpers_invented import BIAS, NESTEROV, RATE, THREE, invented

from parity.explain.contest import Paths
from parity.report import arrange_lessons
from parity.result.schema import Result
from parity.trials import combined, shared
from parity.trials.budget import Budget

FIVE = {**THREE, "optimizer.momentum": 0.8, "training.shuffle": False}
"""Of five differences two together are neither one nor all but one, which the search tries anyway."""


def two_causes(paths: Paths, seed: int, steps: int) -> float:
    """Both ruin alone."""
    return 0.2 if paths & {RATE, BIAS} else 0.9


def found(result: Result) -> dict[Paths, Any]:
    assert result.explanation is not None
    return {frozenset(one.paths): one for one in result.explanation.combinations}


@pytest.fixture(autouse=True)
def _no_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares run every combination of few causes themselves."""
    monkeypatch.setattr(shared, "MOST_CAUSES", 1)


def test_every_combination_of_the_causes_is_run_where_one_asks() -> None:
    both = frozenset({RATE, BIAS})
    assert both not in found(invented(two_causes, FIVE)[1])
    told, result = invented(two_causes, FIVE, subsets=True)
    assert set(told.findings.causes) == both
    known = found(result)
    assert {frozenset(), frozenset({RATE}), frozenset({BIAS}), both} <= set(known)
    assert known[both].values == [0.2]
    assert known[both].seeds == [0]
    assert len(known[frozenset()].values) == len(known[frozenset()].seeds) == 3


def test_what_did_not_fit_is_said() -> None:
    told, result = invented(two_causes, FIVE, subsets=True, every=False)
    runs = told.runs
    for less in range(1, runs):
        told, result = invented(two_causes, FIVE, subsets=True, budget=Budget(runs=runs - less), every=False)
        if frozenset({RATE, BIAS}) not in found(result):
            break
    assert [text for text in told.missing if combined.ALL in text and "is spent" in text]


def test_of_too_many_causes_none_are_combined_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combined, "MOST_COMBINED", 1)
    told, result = invented(two_causes, FIVE, subsets=True)
    assert "all combinations of the causes: of at most 1 causes, and here are 2" in told.missing
    assert frozenset({RATE, BIAS}) not in found(result)


def test_without_a_gap_nothing_is_combined() -> None:
    told, _ = invented(lambda paths, seed, steps: 0.9, subsets=True)
    assert not told.findings.causes
    assert not [text for text in told.missing if combined.ALL in text]


def test_a_combination_has_its_change_from_the_side_that_is_nearer() -> None:
    _, result = invented(two_causes, FIVE, subsets=True)
    known = found(result)
    every = frozenset({RATE, BIAS, NESTEROV, "optimizer.momentum", "training.shuffle"})
    alone, without = known[frozenset({RATE})], known[every - {RATE}]
    assert (alone.side, alone.patch) == ("good", f"{RATE}: 2e-05")
    assert alone.options == [f"--set good:{RATE}=2e-05"]
    assert (without.side, without.patch) == ("bad", f"{RATE}: 0.2")
    assert (known[frozenset()].side, known[frozenset()].patch) == ("good", "")
    assert (known[every].side, known[every].patch) == ("bad", "")


def test_what_was_not_run_is_no_switch_that_is_lit() -> None:
    _, result = invented(two_causes, FIVE)
    (_, widget) = arrange_lessons.switches(result)
    data = widget.data  # type: ignore[union-attr]
    paths = [one["path"] for one in data["switches"]]
    run = [{paths[number] for number in one["on"]} for one in data["combinations"]]
    assert set() in run
    assert {RATE} in run
    assert {RATE, BIAS} not in run
    assert "--subsets" in data["unrun"]


@pytest.mark.parametrize(
    ("losses", "most", "every", "curve"),
    [
        ((4.0, 2.0), 2, 1, [4.0, 2.0]),
        ((4.0, 2.0, 1.0), 2, 2, [3.0, 1.0]),
        (tuple(map(float, range(1000))), 100, 10, [4.5 + 10 * one for one in range(100)]),
        ((), 5, 1, []),
    ],
)
def test_a_long_curve_is_thinned_to_means(losses: tuple[float, ...], most: int, every: int, curve: list[float]) -> None:
    assert combined.thinned(losses, most) == (every, curve)
