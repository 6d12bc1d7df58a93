"""Shares of causes and their interactions: what is known of Shapley values, and values worked out by hand."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.explain.shapley import Paths, interactions, shares, subsets

CAUSES = ("a", "b", "c", "d")


def game(value: Callable[[Paths], float], causes: tuple[str, ...] = CAUSES) -> dict[Paths, float]:
    return {one: value(one) for one in subsets(causes)}


@st.composite
def games(draw: st.DrawFn) -> tuple[tuple[str, ...], dict[Paths, float]]:
    """Return causes and any scores at all of their subsets, nothing lost without a cause."""
    causes = CAUSES[: draw(st.integers(1, 4))]
    values = {one: draw(st.floats(-1, 2)) if one else 0.0 for one in subsets(causes)}
    values[frozenset(causes)] = draw(st.floats(0.5, 2))
    return causes, values


@given(games())
def test_shares_sum_to_all_that_is_lost(drawn: tuple[tuple[str, ...], dict[Paths, float]]) -> None:
    causes, lost = drawn
    assert sum(shares(causes, lost).values()) == pytest.approx(1.0)


@given(games())
def test_a_share_is_the_mean_over_all_orders(drawn: tuple[tuple[str, ...], dict[Paths, float]]) -> None:
    causes, lost = drawn
    found = shares(causes, lost)
    whole = lost[frozenset(causes)]
    for cause in causes:
        gains = []
        for order in itertools.permutations(causes):
            before = frozenset(order[: order.index(cause)])
            gains.append(lost[before | {cause}] - lost[before])
        assert found[cause] == pytest.approx(statistics.fmean(gains) / whole)


@given(st.floats(-1, 2), st.floats(0, 2))
def test_causes_that_do_the_same_have_the_same_share(one: float, both: float) -> None:
    lost = game(lambda paths: (0.0, one, both)[len(paths & {"a", "b"})] + 0.5 * ("c" in paths), ("a", "b", "c"))
    found = shares("abc", lost)
    assert found["a"] == pytest.approx(found["b"])


def test_what_does_nothing_has_no_share() -> None:
    found = shares(CAUSES, game(lambda paths: float("a" in paths) + 2.0 * ("b" in paths and "c" in paths)))
    assert found == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3, "d": 0.0})


def test_known_values() -> None:
    """The glove game: one left glove, two right ones, a pair is worth 1 (Shapley 1953)."""
    lost = game(lambda paths: float("a" in paths and bool(paths & {"b", "c"})), ("a", "b", "c"))
    assert shares("abc", lost) == pytest.approx({"a": 2 / 3, "b": 1 / 6, "c": 1 / 6})


def test_two_lone_causes_each_of_which_ruins_all_share_alike() -> None:
    lost = game(lambda paths: float(bool(paths)), ("a", "b"))
    assert shares("ab", lost) == pytest.approx({"a": 0.5, "b": 0.5})
    assert interactions("ab", lost) == pytest.approx({("a", "b"): -1.0}), "each does what the other has done"


def test_a_pair_that_acts_only_together_interacts() -> None:
    lost = game(lambda paths: float(len(paths) == 2), ("a", "b"))
    assert shares("ab", lost) == pytest.approx({"a": 0.5, "b": 0.5})
    assert interactions("ab", lost) == pytest.approx({("a", "b"): 1.0})


def test_causes_that_add_up_do_not_interact() -> None:
    lost = game(lambda paths: sum({"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.1}[one] for one in paths))
    assert shares(CAUSES, lost) == pytest.approx({"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.1})
    assert all(value == pytest.approx(0.0, abs=1e-12) for value in interactions(CAUSES, lost).values())


def test_a_pair_among_others_is_the_pair_that_interacts() -> None:
    lost = game(lambda paths: float({"b", "d"} <= paths) + 0.5 * ("a" in paths))
    found = interactions(CAUSES, lost)
    assert set(found) == set(itertools.combinations(CAUSES, 2))
    assert {pair for pair, value in found.items() if abs(value) > 1e-9} == {("b", "d")}
    assert found["b", "d"] == pytest.approx(1.0)


@given(games())
def test_an_interaction_is_what_a_pair_does_beyond_its_parts(
    drawn: tuple[tuple[str, ...], dict[Paths, float]],
) -> None:
    """Averaged over the orders in which the pair goes as one (Grabisch and Roubens 1999)."""
    causes, lost = drawn
    for (one, other), value in interactions(causes, lost).items():
        rest = [cause for cause in causes if cause not in (one, other)]
        found = []
        for order in itertools.permutations([*rest, "pair"]):
            before = frozenset(order[: order.index("pair")])
            found.append(
                lost[before | {one, other}] - lost[before | {one}] - lost[before | {other}] + lost[before]
            )  # fmt: skip
        assert value == pytest.approx(statistics.fmean(found))


def test_causes_that_take_nothing_away_together_have_no_share() -> None:
    lost = {one: 0.3 * (len(one) == 1) for one in subsets("ab")}
    assert shares("ab", lost) == {"a": 0.0, "b": 0.0}


def test_subsets_are_all_there_and_the_empty_one_comes_first() -> None:
    found = subsets(CAUSES)
    assert found[0] == frozenset()
    assert found[-1] == frozenset(CAUSES)
    assert len(found) == len(set(found)) == 16
