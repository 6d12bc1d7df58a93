"""Outcomes: how they are written, what a run comes to, and how scores are read between two sides."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.errors import UsageError
from parity.explain.outcome import LEAST, MOST, Outcome, parse_outcome, scale
from parity.run.trajectory import Measured, Trajectory

METRICS: dict[str, Literal["higher", "lower"]] = {"accuracy": "higher", "mse": "lower", "val_accuracy": "higher"}


def run_of(measured: Mapping[int, float], curve: Mapping[int, float] | None = None, steps: int = 8, **more: Any
           ) -> Trajectory:  # fmt: skip
    def points(values: Mapping[int, float]) -> tuple[Measured, ...]:
        return tuple(Measured(step=step, epoch=1, metrics={"accuracy": value}) for step, value in values.items())

    told: dict[str, Any] = {
        "key": "k", "side": "a", "framework": "torch", "version": "2", "interpreter": "python", "device": "cpu",
        "precision": "float32", "parameters": 8, "losses": (1.0,) * steps, "seconds": 1.0,
        "measured": points(measured), "curve": points(curve or {}),
    }  # fmt: skip
    return Trajectory(**{**told, **more})


# ------------------------------------------------------------------------------------------ as it is written


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("accuracy", Outcome(metric="accuracy")),
        ("  mse ", Outcome(metric="mse", better="lower")),
        ("accuracy >= 0.8", Outcome(metric="accuracy", kind="level", level=0.8)),
        ("val_accuracy>=.8", Outcome(metric="val_accuracy", kind="level", level=0.8)),
        ("mse <= 1e-3", Outcome(metric="mse", better="lower", kind="level", level=1e-3)),
        ("steps to accuracy >= 0.8", Outcome(metric="accuracy", kind="steps", level=0.8)),
        ("steps to mse <= 2", Outcome(metric="mse", better="lower", kind="steps", level=2.0)),
    ],
)
def test_an_outcome_is_read_as_it_is_written(text: str, expected: Outcome) -> None:
    found = parse_outcome(text, METRICS)
    assert found == expected
    assert parse_outcome(found.text, METRICS) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("acuracy", "did you mean 'accuracy'"),
        ("recall", "add it to metrics"),
        ("accuracy <= 0.8", "of accuracy higher is better; write accuracy >= 0.8"),
        ("steps to mse >= 2", "of mse lower is better; write mse <= 2"),
        ("steps to accuracy", "expected a metric, a level"),
        ("accuracy > 0.8", "expected a metric, a level"),
        ("accuracy >= 80%", "expected a metric, a level"),
        ("accuracy >= e", "expected a metric, a level"),
        ("accuracy >= 0.8 at the end", "expected a metric, a level"),
        ("", "expected a metric, a level"),
    ],
)
def test_what_is_no_outcome_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_outcome(text, METRICS)
    assert said in str(caught.value)
    assert repr(text) in str(caught.value)
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------- what a run comes to


def test_the_value_at_the_end_is_that_of_all_rows() -> None:
    outcome = Outcome(metric="accuracy")
    assert outcome.value(run_of({4: 0.5, 8: 0.75}, {4: 0.1, 8: 0.1}), 8) == 0.75
    assert math.isnan(outcome.value(run_of({}), 8))


def test_a_level_is_reached_at_the_end_or_not() -> None:
    outcome = Outcome(metric="accuracy", kind="level", level=0.75)
    assert [outcome.value(run_of({4: 0.9, 8: end}), 8) for end in (0.74, 0.75, math.nan)] == [0.0, 1.0, 0.0]


def test_the_steps_to_a_level_are_those_of_the_first_point_there() -> None:
    outcome = Outcome(metric="accuracy", kind="steps", level=0.5)
    assert outcome.value(run_of({8: 0.9}, {0: 0.1, 2: 0.4, 3: 0.5, 4: 0.2}), 8) == 3.0
    assert outcome.value(run_of({2: 0.6, 8: 0.9}, {0: 0.1, 3: 0.5}), 8) == 2.0
    assert outcome.value(run_of({8: 0.4}, {4: math.nan}), 8) == 9.0


def test_a_level_that_the_untrained_model_reaches_takes_no_time_and_has_a_score() -> None:
    outcome = Outcome(metric="mse", better="lower", kind="steps", level=1.0)
    assert outcome.score(0.0) == outcome.score(1.0) == 0.0
    assert outcome.score(0.0) > outcome.score(2.0)


def test_a_run_that_ended_early_did_not_get_there_fast() -> None:
    outcome = Outcome(metric="accuracy", kind="steps", level=0.5)
    stopped = run_of({2: 0.1}, {0: 0.1, 2: 0.1}, steps=2, stopped="the loss is not a number from step 1 on")
    slow = run_of({8: 0.6}, {0: 0.1, 7: 0.5})
    assert outcome.value(stopped, 8) == 9.0
    assert outcome.score(outcome.value(stopped, 8)) < outcome.score(outcome.value(slow, 8))


VALUES = st.floats(allow_nan=False, allow_infinity=False)


@given(VALUES, VALUES)
def test_a_better_value_has_no_lower_score(one: float, other: float) -> None:
    better, worse = max(one, other), min(one, other)
    assert Outcome(metric="accuracy").score(better) >= Outcome(metric="accuracy").score(worse)
    assert Outcome(metric="mse", better="lower").score(worse) >= Outcome(metric="mse", better="lower").score(better)


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_no_number_is_the_worst_there_is(better: Literal["higher", "lower"]) -> None:
    outcome = Outcome(metric="m", better=better)
    worst = outcome.score(math.nan)
    assert all(outcome.score(value) >= worst for value in (-math.inf, -1.0, 0.0, 1e300, math.inf))
    assert not outcome.reached(math.nan)


def test_losses_are_compared_by_orders_of_magnitude() -> None:
    outcome = Outcome(metric="mse", better="lower")
    near, mid, far = (outcome.score(value) for value in (0.01, 0.1, 1.0))
    assert near - mid == pytest.approx(mid - far)
    assert outcome.score(0.0) == outcome.score(LEAST)
    assert outcome.score(math.inf) == outcome.score(MOST)


# ----------------------------------------------------------------------------------------------------- scale


def test_a_score_is_read_between_the_good_and_the_bad_side() -> None:
    found = scale(0.9, 0.5, 0.1)
    assert [found.lost(score) for score in (0.9, 0.7, 0.5)] == pytest.approx([0.0, 0.5, 1.0])
    assert found.lost(1.0) < 0.0, "better than the good side"


def test_what_is_worse_than_a_constant_prediction_counts_as_that() -> None:
    found = scale(0.9, -math.inf, 0.1)
    assert found.gap == pytest.approx(0.8)
    assert found.lost(-math.inf) == found.lost(0.05) == pytest.approx(1.0)
    below = scale(0.9, 0.02, 0.1)
    assert below.lost(0.02) == pytest.approx(1.0)


def test_a_constant_that_nobody_beats_lifts_nothing() -> None:
    """Softmax over one unit predicts one class, and a network that learns nothing may score above it by chance."""
    found = scale(0.5, 0.3, 0.6)
    assert found.gap == pytest.approx(0.2)
    assert found.lost(0.3) == pytest.approx(1.0)


def test_with_a_seed_whose_bad_side_is_the_better_one_nothing_near_them_is_lost() -> None:
    assert scale(0.637, 0.679, 0.3).lost(0.679) == 0.0
    among = scale(0.637, 0.679, 0.3, gap=0.2)
    assert among.lost(0.679) < 0.5, "as the bad side: not ruined"
    assert among.lost(0.40) > 0.5, "that far below both it is"


def test_a_share_is_read_by_the_gap_of_all_seeds() -> None:
    small = scale(0.80, 0.78, gap=0.2)
    assert small.lost(0.79) == pytest.approx(0.5), "the middle between this seed's own sides"
    assert small.lost(0.78) == pytest.approx(0.55)
    same = scale(0.9, 0.7, gap=0.2)
    assert [same.lost(score) for score in (0.9, 0.7)] == pytest.approx([0.0, 1.0])


def test_sides_that_are_alike_lose_nothing() -> None:
    assert scale(0.5, 0.5, 0.1).lost(0.0) == 0.0


@given(*[st.floats(-10, 10) | st.just(-math.inf)] * 3, st.floats(-10, 10))
def test_every_share_is_a_number_and_none_is_beyond_two_gaps(
    good: float, bad: float, constant: float, score: float
) -> None:
    if math.isfinite(good):
        assert -1.0 <= scale(good, bad, constant).lost(score) <= 2.0


# ------------------------------------------------------------------------------------------ means, and what is learned


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=12), st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=12))
def test_means_are_ordered_as_the_means_of_scores_are(one: list[float], other: list[float]) -> None:
    for better in ("higher", "lower"):
        outcome = Outcome(metric="m", better=better)  # type: ignore[arg-type]
        scores = [statistics.fmean(map(outcome.score, values)) for values in (one, other)]
        means = [outcome.score(outcome.typical(values)) for values in (one, other)]
        assert means == pytest.approx(scores, rel=1e-9, abs=1e-9)


def test_a_mean_of_what_is_no_number_is_none() -> None:
    assert math.isnan(Outcome(metric="mse", better="lower").typical([1.0, math.inf]))


@pytest.mark.parametrize(
    ("values", "constant", "rows", "learned"),
    [
        ([0.55, 0.56], 0.5, 10_000, True),
        ([0.55, 0.56], 0.5, 100, False),  # Five rows in a hundred are chance.
        ([0.51, 0.51], 0.5, 1_000_000, False),
        ([0.048], 0.03, 138, False),
    ],
)
def test_learned_is_what_is_better_than_a_constant_by_more_than_chance(
    values: list[float], constant: float, rows: int, learned: bool
) -> None:
    assert Outcome(metric="accuracy").learned(values, constant, rows) is learned


def test_learned_of_an_error() -> None:
    mse = Outcome(metric="mse", better="lower")
    assert mse.learned([0.1, 0.2], 1.0, 10)
    assert not mse.learned([0.2226, 0.2223], 0.2222, 10)
