"""Whether there is a gap: what three, six and twelve seeds decide, and how often chance does."""

from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.explain.seeds import ERROR, LOOKS, errors, judged, needed

LEAST = 0.02


@pytest.mark.parametrize(
    ("gaps", "last", "kind", "held", "against"),
    [
        ((0.85, 0.84, 0.86), False, "gap", 3, 0),
        ((-0.85, -0.84, -0.86), False, "gap", 3, 0),
        ((0.5, 0.5, 0.5), False, "gap", 3, 0),
        ((0.30, 0.48, 0.18), False, "open", 3, 0),  # All agree, and three say too little of such scatter.
        ((0.30, 0.48, 0.18), True, "unsteady", 3, 0),  # 3.7 standard errors, and 4.30 are 5 %.
        ((0.30, 0.40, 0.25), True, "gap", 3, 0),
        ((0.0, 0.385, 0.385), False, "open", 2, 0),
        ((0.0, 0.385, 0.385), True, "unsteady", 2, 0),
        ((0.4, 0.4, -0.1), True, "unsteady", 2, 1),
        ((0.009, -0.005, 0.0), False, "none", 0, 0),
        ((0.03, -0.02, 0.01), False, "none", 2, 1),
        ((0.05, -0.04, 0.01), False, "open", 2, 1),
        ((0.1, 0.4, 0.05, 0.3, 0.2, 0.1), False, "gap", 6, 0),
        ((0.1, 0.4, 0.0, 0.3, 0.2, 0.1), False, "open", 5, 0),
        ((0.1, 0.4, 0.0, 0.3, 0.2, 0.1, *(0.2,) * 6), True, "gap", 11, 0),
        ((0.1, 0.4, 0.0, 0.0, 0.2, 0.1, *(0.2,) * 6), True, "unsteady", 10, 0),
        ((0.03, -0.02, 0.01, 0.0, 0.0, -0.005), True, "none", 2, 1),
        ((0.5, 0.5), True, "open", 2, 0),
        ((), True, "open", 0, 0),
    ],
)
def test_what_the_seeds_say(gaps: tuple[float, ...], last: bool, kind: str, held: int, against: int) -> None:
    found = judged(gaps, LEAST, last)
    assert (found.kind, found.held, found.against) == (kind, held, against)


def test_the_better_side_is_that_of_most_seeds() -> None:
    assert judged((-0.1, 0.3, 0.3), LEAST).sign == 1
    assert judged((-0.1, -0.1, 0.9), LEAST).sign == -1
    assert judged((0.0, 0.0, -0.001), LEAST).sign == -1


@given(st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=12), st.booleans())
def test_turned_round_the_seeds_say_the_same(gaps: list[float], last: bool) -> None:
    one, other = judged(gaps, LEAST, last), judged([-gap for gap in gaps], LEAST, last)
    assert one.kind == other.kind
    if one.kind == "gap":
        assert (one.sign, one.held, one.against) == (-other.sign, other.held, other.against)
        assert one.held >= needed(len(gaps))
        assert statistics.fmean(gaps) * one.sign >= LEAST


@given(st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=12))
def test_no_gap_is_not_said_where_most_seeds_show_a_large_one_to_one_side(gaps: list[float]) -> None:
    if judged(gaps, LEAST).kind == "none":
        assert abs(statistics.fmean(gaps)) < LEAST


def looked(draw: random.Random, share: float = 0.0) -> str:
    """Look at sides that do not differ, as an explanation does; some outcomes are learned by chance, or not."""
    gaps: list[float] = []
    for count in LOOKS:
        while len(gaps) < count:
            sides = [0.8 if draw.random() < share else 0.3 for _ in range(2)] if share else [0.0, 0.0]
            gaps.append(sides[0] - sides[1] + draw.gauss(0.0, 0.1))
        found = judged(gaps, LEAST, last=count == LOOKS[-1])
        if found.kind != "open":
            break
    return found.kind


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_sides_that_do_not_differ_are_told_apart_as_often_as_is_said(share: float) -> None:
    """Normal noise, and outcomes that either learn or do not: of 4,000 looks, 5 % and what chance adds to that."""
    draw = random.Random(7)
    wrong = sum(looked(draw, share) == "gap" for _ in range(4000)) / 4000
    assert wrong < ERROR + 0.01


def test_standard_errors() -> None:
    assert errors([1.0, 2.0, 3.0]) == pytest.approx(2.0 * 3**0.5)
    assert errors([0.5, 0.5]) == float("inf")
    assert errors([0.0, 0.0]) == 0.0
