"""The search, on invented outcomes: what it finds is held against all subsets, and what it asks is counted."""

from __future__ import annotations

import itertools
import random
import statistics
from collections.abc import Callable, Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.explain.search import (
    MOST_BREAKERS,
    MOST_COMPENSATIONS,
    Compensation,
    Paths,
    Search,
    SpentError,
)

Ask = Callable[[Paths], bool]


def subsets(paths: Iterable[str]) -> list[Paths]:
    ordered = sorted(paths)
    return [frozenset(one) for size in range(len(ordered) + 1) for one in itertools.combinations(ordered, size)]


def smallest(sets: Iterable[Paths]) -> set[Paths]:
    found: set[Paths] = set()
    for one in sorted(sets, key=len):
        if not any(other <= one for other in found):
            found.add(one)
    return found


def truth(paths: Iterable[str], bad: Ask) -> tuple[set[Paths], set[Paths]]:
    """Return breakers and repairs by enumeration: what the words mean, and nothing else."""
    everything = frozenset(paths)
    breakers = smallest(one for one in subsets(everything) if bad(one))
    return breakers, smallest(one for one in subsets(everything) if not bad(everything - one))


def broken_by(breakers: Iterable[Paths]) -> Ask:
    """Return a rule that more differences never mend."""
    known = list(breakers)
    return lambda paths: any(one <= paths for one in known)


class Asked:
    """Answers by a rule, writes down what it was asked, and stops at a limit."""

    def __init__(self, rule: Ask, most: int | None = None) -> None:
        self.rule, self.most = rule, most
        self.sets: list[Paths] = []

    def __call__(self, paths: Paths) -> bool:
        if len(self.sets) == self.most:
            raise SpentError("enough")
        self.sets.append(paths)
        return self.rule(paths)


def searched(order: Sequence[str], rule: Ask, **more: object) -> tuple[Search, Asked]:
    asked = Asked(rule, more.pop("most", None))  # type: ignore[arg-type]
    search = Search(order=order, ask=asked, **more)  # type: ignore[arg-type]
    search.run()
    return search, asked


NAMES = [f"d{number}" for number in range(8)]
ORDERS = st.integers(1, 8).flatmap(lambda count: st.permutations(NAMES[:count]))
SETS = st.lists(st.sets(st.sampled_from(NAMES), min_size=1, max_size=4).map(frozenset), min_size=1, max_size=5)


@st.composite
def monotone(draw: st.DrawFn) -> tuple[list[str], list[Paths]]:
    """Return an order of differences, and breakers among them none of which holds another."""
    order = list(draw(ORDERS))
    sets = [one & frozenset(order) for one in draw(SETS)]
    return order, sorted(smallest(one for one in sets if one), key=sorted)


@st.composite
def rules(draw: st.DrawFn) -> tuple[list[str], Ask]:
    """Return an order of up to six differences and any rule at all over them, but that none of them is good."""
    order = list(draw(st.integers(1, 6).flatmap(lambda count: st.permutations(NAMES[:count]))))
    rng = random.Random(draw(st.integers(0, 10_000)))
    share = draw(st.sampled_from([0.2, 0.5, 0.8]))
    answers = {one: bool(one) and rng.random() < share for one in subsets(order)}
    answers[frozenset(order)] = draw(st.sampled_from([True, True, False]))
    return order, answers.__getitem__


# ---------------------------------------------------------------------- where more differences never mend


@given(monotone())
def test_all_breakers_and_all_repairs_are_found_and_no_others(drawn: tuple[list[str], list[Paths]]) -> None:
    order, breakers = drawn
    search, _ = searched(order, broken_by(breakers))
    expected = truth(order, broken_by(breakers)) if breakers else (set(), set())
    assert (set(search.breakers), set(search.repairs)) == expected
    assert len(search.breakers) == len(set(search.breakers))
    assert len(search.repairs) == len(set(search.repairs))
    assert search.complete
    assert search.compensations == []


@given(monotone())
def test_every_set_is_asked_once_and_what_is_known_is_not_asked(drawn: tuple[list[str], list[Paths]]) -> None:
    order, breakers = drawn
    bad = broken_by(breakers)
    search, asked = searched(order, bad, suspects=order[:2])
    assert len(asked.sets) == len(set(asked.sets))
    assert frozenset() not in asked.sets, "the good side is good"
    assert search.tried == {one: bad(one) for one in asked.sets}
    again, nothing = searched(order, bad, suspects=order[:2], tried=dict(search.tried))
    assert nothing.sets == []
    assert (again.breakers, again.repairs) == (search.breakers, search.repairs)


@given(rules(), st.integers(0, 3))
def test_what_will_be_asked_next_is_known_for_either_answer(drawn: tuple[list[str], Ask], count: int) -> None:
    order, bad = drawn
    expected: list[Paths | None] = []
    sets: list[Paths] = []

    def ask(paths: Paths) -> bool:
        sets.append(paths)
        expected.append(search.next_after(paths, bad(paths)))
        return bad(paths)

    search = Search(order=order, ask=ask, suspects=order[:count])
    search.run()
    assert not sets or expected == [*sets[1:], None]
    before = len(sets)
    search.more(order[count:], [frozenset({order[0]})])
    assert len(sets) == before or expected[before:] == [*sets[before + 1 :], None]


def test_more_breakers_than_are_an_answer_end_the_search() -> None:
    order = [f"d{number}" for number in range(MOST_BREAKERS + 2)]
    search, asked = searched(order, broken_by([frozenset({one}) for one in order]))
    assert len(search.breakers) == MOST_BREAKERS
    assert not search.complete
    assert len(asked.sets) < 2 * len(order) + MOST_BREAKERS


def test_a_bad_side_that_is_not_bad_has_nothing_to_repair() -> None:
    search, asked = searched(NAMES, lambda paths: False, suspects=["d3"])
    assert (search.breakers, search.repairs, search.complete) == ([], [], True)
    assert asked.sets == [frozenset(NAMES), frozenset({"d3"})]


def test_the_smallest_come_first_then_the_most_suspicious() -> None:
    order = ["e", "d", "c", "b", "a"]
    search, _ = searched(order, broken_by([frozenset("ab"), frozenset("de"), frozenset("c")]))
    assert search.breakers == [frozenset("c"), frozenset("de"), frozenset("ab")]
    assert search.repairs == [frozenset("ecb"), frozenset("eca"), frozenset("dcb"), frozenset("dca")]


# -------------------------------------------------------------------------------------- how much it asks


def configs(sizes: Sequence[int], scatter: float | None, tries: int = 150) -> list[int]:
    """Return how many configs searches try, both sides included.

    Args:
        sizes: of the breakers, which have no difference in common, among eight.
        scatter: how far the order is from one that begins with the causes, None for a random one.
        tries: number of searches.
    """
    rng = random.Random(5)
    found = []
    for _ in range(tries):
        names = rng.sample(NAMES, 8)
        starts = list(itertools.accumulate(sizes, initial=0))
        breakers = [frozenset(names[start:stop]) for start, stop in itertools.pairwise(starts)]
        order = (
            rng.sample(names, 8)
            if scatter is None
            else sorted(names, key=lambda name, names=names: names.index(name) + rng.gauss(0, scatter))  # type: ignore[misc]
        )
        search, _ = searched(order, broken_by(breakers))
        assert set(search.breakers) == set(breakers)
        found.append(len(search.tried) + 1)
    return found


@pytest.mark.parametrize(
    ("sizes", "mean"), [((1,), 8.0), ((1, 1), 11.0), ((2,), 11.0), ((2, 1), 16.0), ((1, 1, 1), 14.0), ((3,), 15.0)]
)
def test_eight_differences_in_a_good_order_take_few_configs(sizes: tuple[int, ...], mean: float) -> None:
    counted = configs(sizes, scatter=2.0)
    assert statistics.fmean(counted) <= mean
    assert max(counted) <= 26


@pytest.mark.parametrize(("sizes", "most"), [((1,), 4), ((1, 1), 7), ((2,), 7), ((2, 1), 12)])
def test_the_right_order_takes_fewest(sizes: tuple[int, ...], most: int) -> None:
    assert max(configs(sizes, scatter=0.0, tries=10)) == most


@pytest.mark.parametrize(("sizes", "mean", "most"), [((1,), 9.0, 10), ((1, 1), 14.0, 16), ((2,), 14.5, 17)])
def test_any_order_takes_less_than_trying_all_pairs(sizes: tuple[int, ...], mean: float, most: int) -> None:
    counted = configs(sizes, scatter=None)
    assert statistics.fmean(counted) <= mean
    assert max(counted) <= most


# ------------------------------------------------------------------------- where differences mend, too


@given(rules())
def test_every_breaker_is_bad_and_good_without_any_of_its_parts(drawn: tuple[list[str], Ask]) -> None:
    order, bad = drawn
    search, asked = searched(order, bad, suspects=order[:3])
    for breaker in search.breakers:
        assert bad(breaker)
        assert not any(bad(breaker - {path}) for path in breaker)
    assert len(asked.sets) == len(set(asked.sets))


@given(rules())
def test_every_repair_mends_and_none_of_its_parts_can_be_left_out(drawn: tuple[list[str], Ask]) -> None:
    order, bad = drawn
    everything = frozenset(order)
    search, _ = searched(order, bad, suspects=order[:3])
    for repair in search.repairs:
        assert not bad(everything - repair)
        assert all(bad(everything - (repair - {path})) for path in repair)
    if search.complete:
        assert bool(search.repairs) is bad(everything)


@given(rules())
def test_what_compensates_mends_and_none_of_it_can_be_left_out(drawn: tuple[list[str], Ask]) -> None:
    order, bad = drawn
    search, _ = searched(order, bad, suspects=order)
    for one in search.compensations:
        assert one.breaker in search.breakers
        assert one.by
        assert not one.by & one.breaker
        assert not bad(one.breaker | one.by)
        assert all(bad(one.breaker | (one.by - {path})) for path in one.by)


@given(rules())
def test_a_lone_suspect_that_breaks_is_found_whatever_hides_it(drawn: tuple[list[str], Ask]) -> None:
    order, bad = drawn
    search, _ = searched(order, bad, suspects=order)
    lone = {frozenset({path}) for path in order if bad(frozenset({path}))}
    assert lone <= set(search.breakers)


@pytest.mark.parametrize("bad", [["abcd", "acd", "ad", "cd", "d"], ["abc", "ac", "a"]])
def test_what_could_not_go_before_may_go_when_another_has_gone(bad: list[str]) -> None:
    answers = {frozenset(one) for one in bad}
    order = sorted(max(answers, key=len))
    search, _ = searched(order, lambda paths: paths in answers)
    for breaker in search.breakers:
        assert not any(breaker - {path} in answers for path in breaker)
    assert search.breakers


def test_what_makes_up_for_a_cause_is_named_where_both_sides_are_alike() -> None:
    """A softmax taken away, and the loss told so: each alone ruins or not, both are as good as none."""
    order = ["activation", "rate", "from_logits", "shuffle"]

    def bad(paths: Paths) -> bool:
        return "activation" in paths and "from_logits" not in paths

    search, _ = searched(order, bad, suspects=order[:2])
    assert search.breakers == [frozenset({"activation"})]
    assert search.compensations == [Compensation(frozenset({"activation"}), frozenset({"from_logits"}))]
    assert search.repairs == []
    assert search.complete


def test_what_makes_up_for_a_cause_is_named_beside_another_cause() -> None:
    order = ["rate", "activation", "from_logits", "stddev", "shuffle"]

    def bad(paths: Paths) -> bool:
        return "stddev" in paths or ("activation" in paths and "from_logits" not in paths)

    search, _ = searched(order, bad, suspects=order[:2])
    assert set(search.breakers) == {frozenset({"stddev"}), frozenset({"activation"})}
    assert Compensation(frozenset({"activation"}), frozenset({"from_logits"})) in search.compensations
    assert frozenset({"stddev"}) in search.repairs, "activation need not be taken back where from_logits stays"


def test_two_differences_that_only_together_make_up_for_a_cause() -> None:
    order = ["cause", "x", "y", "z"]

    def bad(paths: Paths) -> bool:
        return "cause" in paths and not {"x", "z"} <= paths

    search, _ = searched(order, bad, suspects=["cause"])
    assert search.compensations == [Compensation(frozenset({"cause"}), frozenset({"x", "z"}))]


def test_what_only_hovers_around_the_middle_makes_up_for_nothing() -> None:
    """A cause that by itself hovers there is sometimes not bad beside something harmless."""
    order = ["doubtful", "strong", "noise", "mends"]

    def bad(paths: Paths) -> bool:
        return ("doubtful" in paths and not {"noise", "mends"} & paths) or ("strong" in paths and "mends" not in paths)

    asked: list[Paths] = []
    search = Search(order=order, ask=lambda paths: (asked.append(paths), bad(paths))[1], suspects=order[:2],
                    clearly=lambda paths: "mends" in paths)  # fmt: skip
    search.run()
    assert {(one.breaker, one.by) for one in search.compensations} == {
        (frozenset({path}), frozenset({"mends"})) for path in order[:2]
    }
    search = Search(order=order, ask=bad, suspects=order[:2], clearly=lambda paths: False)
    search.run()
    assert search.breakers
    assert search.compensations == []


def test_only_so_many_compensations_are_followed_up() -> None:
    order = [f"c{number}" for number in range(6)] + ["mends"]
    search, _ = searched(order, lambda paths: bool(paths) and "mends" not in paths, suspects=order[:6])
    assert len(search.breakers) == 6
    assert [one.by for one in search.compensations] == [frozenset({"mends"})] * MOST_COMPENSATIONS


# ----------------------------------------------------------------------- budget, and what is told ahead


@given(rules(), st.integers(0, 12))
def test_a_budget_that_ends_leaves_what_was_found(drawn: tuple[list[str], Ask], most: int) -> None:
    order, bad = drawn
    whole, asked = searched(order, bad, suspects=order[:2])
    search, spent = searched(order, bad, suspects=order[:2], most=most)
    assert spent.sets == asked.sets[:most]
    assert search.complete is (whole.complete and len(asked.sets) <= most)
    for breaker in search.breakers:
        assert bad(breaker)
        assert not any(bad(breaker - {path}) for path in breaker)
    assert not any(bad(frozenset(order) - repair) for repair in search.repairs)


def test_what_a_spent_search_had_found_stays() -> None:
    breakers = [frozenset({"d0"}), frozenset({"d1"}), frozenset({"d2"})]
    search, _ = searched(NAMES, broken_by(breakers), most=5)
    assert search.breakers
    assert set(search.breakers) < set(breakers)
    assert not search.complete


@given(monotone())
def test_what_is_told_ahead_is_asked_or_was(drawn: tuple[list[str], list[Paths]]) -> None:
    order, breakers = drawn
    told: list[Paths] = []
    search, asked = searched(order, broken_by(breakers), suspects=order[:2], soon=told.extend)
    wasted = [one for one in told if one not in asked.sets]
    # The first suspect taken back is a guess; whatever else is told is asked.
    assert set(wasted) <= {frozenset(order) - {order[0]}, frozenset()}
    assert search.complete


def test_more_suspects_are_tried_when_the_search_is_over() -> None:
    def bad(paths: Paths) -> bool:
        return "d0" in paths or ("d6" in paths and "d7" not in paths)

    search, asked = searched(NAMES, bad)
    assert search.breakers == [frozenset({"d0"})]
    before = len(asked.sets)
    search.more(["d6"])
    assert set(search.breakers) == {frozenset({"d0"}), frozenset({"d6"})}
    assert [one.breaker for one in search.compensations] == [frozenset({"d6"})]
    assert len(asked.sets) > before
    assert search.complete


def test_more_suspects_than_the_budget_has_runs_for_leave_the_search_unfinished() -> None:
    search, asked = searched(NAMES, broken_by([frozenset({"d0"})]))
    asked.most = len(asked.sets)
    search.more(["d6"])
    assert not search.complete
    assert search.breakers == [frozenset({"d0"})]
