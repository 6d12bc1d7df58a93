"""Gradients behind saturated outputs: what rounding alone makes of them is no difference, and hides no other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.compare.judge import Judge
from parity.compare.noise import Name, Rounding
from parity.compare.saturated import LOST
from parity.compare.steps import compare_guided, compare_tensors
from tests.compare.test_compare import STEP, Invented, tensors

SIDES = ("keras", "torch")


def step(back: float, **values: Any) -> Invented:
    """Return a step: 1 comes back to the last layer, b, and so much of it to the parameter ahead."""
    found = tensors(*STEP, "gradient b") | {("gradient", "a.kernel"): np.array([back, 0.0, 0.0, 0.0])}
    found |= {tuple(name.split(" ", 1)): np.array(value, np.float64) for name, value in values.items()}  # type: ignore[misc]
    return Invented(values=found)


def told(a: Invented, b: Invented, precision: str = "float64") -> set[Name]:
    """Return what is beyond rounding, in the step as it is or on equal inputs."""
    names = [*a.digests, ("loss", "loss")]
    rounding = Rounding(precision=precision, errors={side: dict.fromkeys(names, 1e-16) for side in SIDES})
    judge = Judge(a=SIDES[0], b=SIDES[1], precision=precision)
    found = {seen.name for seen in compare_tensors(judge, 1, {SIDES[0]: a, SIDES[1]: b}, rounding)}
    guided = {name for name, seen in compare_guided(judge, 1, a, b, rounding).items() if seen.beyond}
    assert found == guided
    return found


UPDATE, SLOT = {"update a.kernel": [0.1, 0.0, 0.0, 0.0]}, {"state m/a.kernel": [3e-16, 0.0, 0.0, 0.0]}
STILL = {"update a.kernel": np.zeros(4), "state m/a.kernel": np.zeros(4)}


@pytest.mark.parametrize(("one", "other"), [(0.0, 3e-15), (3e-15, 0.0), (2e-15, 4e-15)])
def test_a_slope_of_the_last_bit_and_what_is_made_of_it_are_laid_to_rounding(one: float, other: float) -> None:
    assert told(step(one, **STILL), step(other, **UPDATE, **SLOT)) == set()


def test_a_gradient_that_is_more_than_that_is_none_of_it() -> None:
    """Cut off on one side: small beside what came back, as far ahead in a deep network, and no rounding."""
    small = 100 * LOST
    assert told(step(small), step(0.0)) == {("gradient", "a.kernel")}
    assert told(step(0.0), step(small)) == {("gradient", "a.kernel")}


def test_where_the_gradient_is_the_same_an_update_that_differs_is_told() -> None:
    assert told(step(3e-15, **STILL), step(3e-15, **STILL | UPDATE)) == {("update", "a.kernel")}


def test_other_parameters_are_judged_as_ever() -> None:
    wrong = step(3e-15, **UPDATE, **{"update b.kernel": np.full(4, 2.0)})
    assert told(step(0.0, **STILL), wrong) == {("update", "b.kernel")}


def test_in_low_precision_nothing_is_forgiven() -> None:
    """There the step in float64 shows what rounding does."""
    assert ("gradient", "a.kernel") in told(step(0.0), step(3e-15), "float32")
