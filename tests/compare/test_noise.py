"""What rounding explains: measured errors of each side, their sum, and who is less accurate than the other."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.compare.noise import (
    EXACT_PHASES,
    FACTOR,
    FLOOR,
    UNIT,
    WORSE,
    WORSE_STEPS,
    Name,
    Rounding,
    distance,
    names_of,
)
from parity.run.digest import RESOLUTION, digest

NAN, INF = math.nan, math.inf
A, LOSS = ("forward", "a"), ("loss", "loss")
TO_FLOAT64 = 2.0**-29


@dataclass
class Step:
    """An invented step: a loss, and tensors of one element, whose digests are exact."""

    loss: float = 1.0
    values: dict[Name, float] = field(default_factory=dict)

    @property
    def digests(self) -> dict[Name, np.ndarray]:
        return {name: digest(np.array([value])) for name, value in self.values.items()}


def step(a: float = 1.0, loss: float = 1.0) -> Step:
    return Step(loss, {A: a})


def test_a_difference_is_that_of_the_digests_or_of_the_losses() -> None:
    assert distance(step(2.0), step(3.0), A) == 0.5
    assert distance(step(loss=2.0), step(loss=3.0), LOSS) == 0.5
    assert distance(step(loss=NAN), step(loss=NAN), LOSS) == 0.0
    assert names_of(step()) == [A, LOSS]


def test_in_float64_the_error_is_that_of_float32_steps_scaled_down() -> None:
    one = Rounding(precision="float64")
    one.measure("keras", 1, step(), [step(1 + 3e-7), step(1 - 4e-7)])
    error = TO_FLOAT64 * math.sqrt((9e-14 + 16e-14) / 2)
    assert one.errors["keras"][A] == pytest.approx(error, rel=1e-6)
    assert one.errors["keras"][LOSS] == 0.0
    assert one.expected("keras", "torch", A) == pytest.approx(error, rel=1e-6), "nothing is known of the other side yet"
    assert one.noise("keras", "torch", A) == pytest.approx(
        FACTOR["float64"] * error + FLOOR * UNIT["float64"], rel=1e-6
    )


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_in_low_precision_the_float64_step_shows_the_error_itself(precision: str) -> None:
    """The first shadow is the step in float64; the others are nudged steps in the lockstep's own precision."""
    one = Rounding(precision=precision)
    one.measure("keras", 1, step(1 + 3e-3), [step(1.0), step(1 - 4e-3), step(1 + 0.0)])
    error = math.sqrt((9e-6 + 16e-6) / 3)
    assert one.errors["keras"][A] == pytest.approx(error)
    assert one.noise("keras", "keras", A) == pytest.approx(
        FACTOR[precision] * math.sqrt(2) * error + FLOOR * UNIT[precision]
    )


def test_the_largest_error_ever_measured_counts() -> None:
    one = Rounding(precision="float64")
    for number, off in enumerate((2e-7, 5e-7, 1e-7), start=1):
        one.measure("keras", number, step(), [step(1 + off)])
    assert one.errors["keras"][A] == pytest.approx(TO_FLOAT64 * 5e-7, rel=1e-6)
    assert list(one.history["keras"][A]) == [1, 2, 3]
    assert one.history["keras"][A][3] == pytest.approx(TO_FLOAT64 * 1e-7, rel=1e-6)


def test_an_update_is_no_better_known_than_the_parameter_before_and_after_it() -> None:
    """The decay of weights by 1e-5 of them: float32 may show nothing of what rounding does to it."""
    moved, name = ("update", "w"), "w"
    taken = Step(values={moved: 1e-5})
    one = Rounding(precision="float64", errors={"torch": {moved: 1e-18}})
    one.stored("torch", taken, {name: 1.0, "still": 1.0})
    assert one.errors["torch"] == {moved: pytest.approx(UNIT["float64"] / math.sqrt(3) * 1e5)}
    one.stored("torch", taken, {name: 1e-9})
    assert one.errors["torch"][moved] > 1e-12, "the largest counts"
    assert one.noise("torch", "torch", moved) < 1e-9, "another rate, kept in float32, is told all the same"
    still = Step(values={moved: 0.0})
    one.stored("keras", still, {name: 2.0})
    assert one.errors["keras"] == {}, "of what does not move nothing is lost"


@given(st.floats(0, 1), st.floats(0, 1))
def test_errors_of_two_sides_add_up_as_independent_ones_do(a: float, b: float) -> None:
    one = Rounding(precision="float64", errors={"keras": {A: a}, "torch": {A: b}})
    assert one.expected("keras", "torch", A) == math.hypot(a, b) == one.expected("torch", "keras", A)
    assert one.noise("keras", "torch", A) >= FACTOR["float64"] * max(a, b)


@pytest.mark.parametrize("precision", UNIT)
def test_where_nothing_was_measured_or_the_error_is_0_by_luck_a_few_units_are_allowed(precision: str) -> None:
    one = Rounding(precision=precision)
    assert one.noise("keras", "torch", A) == FLOOR * UNIT[precision]
    one.measure("keras", 1, step(), [step(), step()])
    assert one.noise("keras", "torch", A) == FLOOR * UNIT[precision]


@pytest.mark.parametrize("phase", ["batch", "weights"])
def test_what_is_handed_over_has_no_noise(phase: str) -> None:
    one = Rounding(precision="float64", errors={"keras": {(phase, "x"): 0.5}})
    assert one.noise("keras", "torch", (phase, "x")) == 0.0
    assert phase in EXACT_PHASES


@pytest.mark.parametrize("phase", ["forward", "loss", "gradient", "update", "state", "metric"])
def test_everything_else_has(phase: str) -> None:
    assert Rounding(precision="float64").noise("keras", "torch", (phase, "x")) > 0.0


@pytest.mark.parametrize("value", [NAN, INF, 0.0])
def test_a_shadow_that_tells_nothing_makes_an_error_of_1(value: float) -> None:
    """One of the two has overflown, or all is lost."""
    one = Rounding(precision="float64")
    one.measure("keras", 1, step(), [step(value, value)])
    assert one.errors["keras"] == {A: TO_FLOAT64, LOSS: TO_FLOAT64}


def test_a_tensor_that_is_all_rounding_is_allowed_to_be_all_noise() -> None:
    """A gradient that is zero but for rounding: 1e-17 in float64, 1e-8 in float32."""
    one = Rounding(precision="float64")
    one.measure("keras", 1, step(1e-17), [step(1e-8), step(-1e-8)])
    assert one.errors["keras"][A] == pytest.approx(TO_FLOAT64 * 1e9, rel=1e-6)
    assert one.noise("keras", "torch", A) > 1.0


def test_a_tensor_that_a_shadow_does_not_show_is_left_out() -> None:
    one = Rounding(precision="float64")
    other = ("gradient", "a")
    one.measure("keras", 1, Step(1.0, {A: 1.0, other: 1.0}), [step(1 + 1e-7)])
    assert set(one.errors["keras"]) == {A, LOSS}
    assert one.noise("keras", "torch", other) == FLOOR * UNIT["float64"]


def test_a_side_that_does_not_repeat_itself_is_that_noisy() -> None:
    one = Rounding(precision="float64", errors={"torch": {A: 1e-9}})
    one.unsteady("torch", A, 1e-6)
    assert one.errors["torch"][A] == 1e-6
    one.unsteady("torch", A, 1e-7)
    assert one.errors["torch"][A] == 1e-6, "the largest one counts"
    one.unsteady("keras", LOSS, 1e-3)
    assert one.noise("keras", "torch", LOSS) > 1e-3
    assert one.noise("keras", "torch", A) > 1e-6


def test_digests_have_a_resolution_and_losses_none() -> None:
    one = Rounding(precision="float32")
    assert one.resolution(A) == RESOLUTION * 2.0**-53, "they are taken in float64 whatever the precision is"
    assert one.resolution(LOSS) == 0.0


# ---------------------------------------------------------------------------------------------- accuracy


def less_accurate(ours: list[float], theirs: list[float], precision: str = "float32") -> list[tuple[Name, float]]:
    """Return what is said of torch, where the sides are so far off their own float64 steps, in every step."""
    one = Rounding(precision=precision)
    for number, (a, b) in enumerate(zip(ours, theirs, strict=True), start=1):
        one.measure("keras", number, step(1 + a), [step()])
        one.measure("torch", number, step(1 + b), [step()])
    return one.less_accurate("keras", "torch")


BASE, FAR = 1e-5, 1.1 * WORSE * 1e-5


def test_a_side_that_is_always_much_further_from_the_exact_step_is_less_accurate() -> None:
    ((name, ratio),) = less_accurate([BASE] * WORSE_STEPS, [FAR, 2 * FAR, 3 * FAR])
    assert name == A
    assert ratio == pytest.approx(1.1 * WORSE, rel=1e-3), "at least so much"


def test_the_other_side_being_less_accurate_is_not_said_of_this_one() -> None:
    assert less_accurate([FAR] * 3, [BASE] * 3) == []


@pytest.mark.parametrize("steps", range(WORSE_STEPS))
def test_fewer_than_three_steps_say_nothing(steps: int) -> None:
    assert less_accurate([BASE] * steps, [FAR] * steps) == []


def test_one_step_in_which_it_is_as_good_acquits() -> None:
    assert less_accurate([BASE] * 5, [FAR, FAR, BASE, FAR, FAR]) == []


def test_an_error_of_0_by_luck_is_taken_for_a_few_units() -> None:
    floor = FLOOR * UNIT["float32"]
    assert less_accurate([0.0] * 3, [0.9 * WORSE * floor] * 3) == []
    assert less_accurate([0.0] * 3, [1.1 * WORSE * floor] * 3) != []


def test_in_float64_there_is_nothing_more_exact_to_be_held_against() -> None:
    assert less_accurate([BASE] * 3, [FAR] * 3, "float64") == []


def test_steps_measured_on_one_side_only_do_not_count() -> None:
    one = Rounding(precision="float32")
    for number in range(1, 6):
        one.measure("torch", number, step(1 + FAR), [step()])
        if number < 3:
            one.measure("keras", number, step(1 + BASE), [step()])
    assert one.less_accurate("keras", "torch") == []
    one.measure("keras", 5, step(1 + BASE), [step()])
    assert len(one.less_accurate("keras", "torch")) == 1
