"""Outcomes: how they are written, what a run comes to, and how scores are read between two sides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.errors import UsageError
from parity.explain.outcome import LEAST, MOST, Outcome, parse_outcome, scale, steady
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


def test_what_is_worse_than_an_untrained_model_counts_as_that() -> None:
    found = scale(0.9, -math.inf, 0.1)
    assert found.gap == pytest.approx(0.8)
    assert found.lost(-math.inf) == found.lost(0.05) == pytest.approx(1.0)
    below = scale(0.9, 0.02, 0.1)
    assert below.lost(0.02) == pytest.approx(1.0)


def test_sides_that_are_alike_lose_nothing() -> None:
    assert scale(0.5, 0.5, 0.1).lost(0.0) == 0.0


@given(*[st.floats(-10, 10) | st.just(-math.inf)] * 3, st.floats(-10, 10))
def test_every_share_is_a_number(good: float, bad: float, untrained: float, score: float) -> None:
    if math.isfinite(good):
        assert math.isfinite(scale(good, bad, untrained).lost(score))


def test_steady_is_of_one_sign_and_not_zero() -> None:
    assert steady([0.1, 0.2], 1.0)
    assert steady([-0.1], -1.0)
    assert not steady([0.1, -0.2], 1.0)
    assert not steady([0.1, 0.0], 1.0)
