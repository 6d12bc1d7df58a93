"""When a run's fate is decided: each of the four rules by invented curves, and that an open fate ends nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.explain.fate import CHECKPOINTS, Fate, Hopeless, checkpoints

STEPS = 80
GOOD = {0: 0.1, 10: 0.3, 20: 0.5, 30: 0.6, 40: 0.7, 50: 0.8, 60: 0.85, 70: 0.9, 80: 0.9}
BAD = dict.fromkeys(GOOD, 0.1)
FATE = Fate(good=GOOD, bad=BAD)
"""The gap at the end is 0.8: as good as the good side is from 0.82 on, as bad as the bad one up to 0.18."""


def moving(steps: int) -> list[float]:
    return [1.0 / (1 + step) for step in range(steps)]


def told(values: Sequence[float], fate: Fate | Hopeless = FATE, losses: Sequence[float] | None = None) -> str:
    """Return what is decided at the last of some checkpoints, every tenth step."""
    last = 10 * (len(values) - 1)
    return fate.decided(moving(last) if losses is None else losses, curve(values), STEPS)


def curve(values: Sequence[float]) -> dict[int, float]:
    return {10 * number: value for number, value in enumerate(values)}


# -------------------------------------------------------------------------------------- 1 not a number


@pytest.mark.parametrize("fate", [FATE, Hopeless()])
def test_a_loss_that_is_not_a_number_ends_a_run(fate: Fate | Hopeless) -> None:
    losses = [*moving(6), *[math.nan] * 4]
    assert told([0.1, 0.5], fate, losses) == "the loss is not a number from step 7 on"


def test_an_infinite_loss_may_still_come_back() -> None:
    assert told([0.1, 0.5], losses=[*moving(9), math.inf]) == ""


def test_a_loss_that_is_a_number_again_is_not_held_against_a_run() -> None:
    assert told([0.1, 0.5], losses=[1.0, math.nan, *moving(8)]) == ""


# ------------------------------------------------------------------------------------ 2 it stands still


@pytest.mark.parametrize("fate", [FATE, Hopeless()])
def test_a_run_that_stands_still_ends(fate: Fate | Hopeless) -> None:
    losses = [*moving(20), *[2.0] * 20]
    assert told([0.1, 0.3, 0.4, 0.4, 0.4], fate, losses).startswith("it stands still: no loss of the last 20 steps")


@pytest.mark.parametrize(
    ("values", "losses"),
    [
        ([0.1, 0.3, 0.4, 0.4, 0.4], [*moving(21), *[2.0] * 19]),  # still for less than a quarter
        ([0.1, 0.3, 0.4, 0.4, 0.4], [*moving(20), *[2.0] * 19, 2.0 + 1e-5]),  # and then it moves
        ([0.1, 0.3, 0.4, 0.4, 0.41], [*moving(20), *[2.0] * 20]),  # the metric moves
        ([0.1], [2.0] * 10),  # not seen often enough
        ([0.1, 0.3, 0.4, 0.4, 0.4], [*moving(20), *[math.inf] * 20]),
    ],
)
def test_a_run_that_moves_goes_on(values: list[float], losses: list[float]) -> None:
    assert told(values, Hopeless(), losses) == ""


# --------------------------------------------------------------------------- 3 as good as the good side


def test_a_run_that_is_as_good_as_the_good_side_ends_at_two_checkpoints_in_a_row() -> None:
    assert told([0.1, 0.4, 0.83]) == ""
    assert told([0.1, 0.83, 0.83]) == "as good as the good side's end at 2 checkpoints in a row"
    assert told([0.1, 1.0, 0.95]) != "", "or better"
    assert told([0.1, 0.83, 0.81]) == ""
    assert told([0.1, 0.83, 0.5, 0.83]) == "", "in a row"


def test_a_run_that_only_keeps_up_with_the_good_side_goes_on() -> None:
    assert told([0.1, 0.3, 0.5, 0.6]) == "", "it is where the good side was, not where it ends"


def test_a_run_on_which_a_finding_rests_is_not_ended_for_being_good_or_bad() -> None:
    assert told([0.1, 0.9, 0.9], Hopeless()) == ""
    assert told([0.1] * 8, Hopeless()) == ""


# ---------------------------------------------------------------------------- 4 as bad as the bad side


def test_a_run_that_is_as_bad_as_the_bad_side_ends_past_the_middle() -> None:
    assert told([0.1] * 6) == "", "three checkpoints past the middle are 40, 50, 60"
    assert told([0.1] * 7) == "as bad as the bad side at 3 checkpoints in a row, past the middle of the run"
    assert told([0.5, 0.5, 0.5, 0.5, 0.1, 0.17, 0.1]) != ""
    assert told([0.1, 0.1, 0.1, 0.1, 0.1, 0.19, 0.1]) == "", "in a row"


def test_a_good_side_that_learns_late_ends_no_run() -> None:
    late = Fate(good={**dict.fromkeys(GOOD, 0.1), 70: 0.45, 80: 0.9}, bad=BAD)
    assert told([0.1] * 8, late) == "", "the good side stood there, too"


def test_a_bad_side_that_was_better_on_its_way_is_compared_as_it_was() -> None:
    falling = Fate(good=GOOD, bad={**BAD, 40: 0.1, 50: 0.2, 60: 0.3, 70: 0.3})
    assert told([0.1, 0.1, 0.1, 0.1, 0.15, 0.25, 0.3], falling) != ""
    assert told([0.1, 0.1, 0.1, 0.1, 0.15, 0.32, 0.3], FATE) == ""


def test_checkpoints_that_a_side_does_not_have_decide_nothing() -> None:
    short = Fate(good=GOOD, bad={0: 0.1, 80: 0.1})
    assert told([0.1] * 8, short) == ""


@pytest.mark.parametrize("bad", [GOOD, {step: value + 0.05 for step, value in GOOD.items()}])
def test_without_a_gap_nothing_is_decided_by_the_sides(bad: Mapping[int, float]) -> None:
    fate = Fate(good=GOOD, bad=bad)
    assert told([0.1, 0.95, 0.95], fate) == ""
    assert told([0.1] * 8, fate) == ""


# --------------------------------------------------------------------------------------- an open fate


@given(st.lists(st.floats(0.19, 0.81), min_size=1, max_size=9))
def test_an_open_fate_ends_nothing(values: list[float]) -> None:
    assert told(values) == ""


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=4))
def test_no_run_is_called_bad_before_the_middle(values: list[float]) -> None:
    assert "bad" not in told(values)


@given(st.lists(st.floats(0.0, 1.0), min_size=9, max_size=9))
def test_what_ends_a_run_is_true_of_its_last_checkpoints(values: list[float]) -> None:
    for count in range(1, 10):
        why = told(values[:count])
        if "good" in why and "bad" not in why:
            assert min(values[count - 2 : count]) >= 0.9 - 0.08 - 1e-12
        if why.startswith("as bad"):
            assert max(values[count - 3 : count]) <= 0.18 + 1e-12
            assert count >= 7


def test_the_rule_is_part_of_what_decides_a_run() -> None:
    assert FATE.plain() == Fate(good=dict(GOOD), bad=dict(BAD)).plain()
    assert FATE.plain() != Fate(good=GOOD, bad={**BAD, 80: 0.2}).plain()
    assert Hopeless().plain() == {}


# ------------------------------------------------------------------------------------------ checkpoints


@given(st.integers(1, 5000), st.integers(1, 40))
def test_checkpoints_are_spread_over_the_run_and_end_with_it(steps: int, times: int) -> None:
    found = checkpoints(steps, times)
    assert found == sorted(set(found))
    assert found[-1] == steps
    assert found[0] >= 1
    assert len(found) == min(steps, times) or (steps < 2 * times and len(found) <= times)


def test_eight_checkpoints_unless_told_otherwise() -> None:
    assert checkpoints(48) == [6, 12, 18, 24, 30, 36, 42, 48]
    assert len(checkpoints(1000)) == CHECKPOINTS == 8


# -------------------------------------------------------------------------------------------- what is read


@given(losses=st.lists(st.sampled_from([1.0, 1.0 + 1e-9, 2.0, math.nan, math.inf]), max_size=30))
def test_a_rule_that_reads_no_metrics_decides_the_same_whatever_they_are(losses: list[float]) -> None:
    still = dict.fromkeys(range(31), 0.5)
    if not Hopeless().reads(losses, 40):
        assert Hopeless().decided(losses, still, 40) == Hopeless().decided(losses, {}, 40)
    assert FATE.reads(losses, 40)


def test_metrics_are_read_where_the_loss_stands_still() -> None:
    assert Hopeless().reads([*moving(20), *[2.0] * 20], STEPS)
    assert not Hopeless().reads([*moving(20), *[2.0] * 19], STEPS)
    assert not Hopeless().reads([*[2.0] * 19, math.nan], STEPS)
