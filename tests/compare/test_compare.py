"""Judging: how far apart tensors are and where, which steps are checked, which place comes first, what is said."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from parity.compare import measure
from parity.compare.judge import PHASES, Judge, Seen
from parity.compare.measure import Gap, gap, relative_difference, relative_gap
from parity.compare.noise import FLOOR, UNIT, Name, Rounding
from parity.compare.steps import (
    DOUBT,
    chosen_steps,
    compare_digests,
    compare_guided,
    compare_initial,
    compare_tensors,
    compare_weights,
    in_order,
    repeats,
    shared_names,
)
from parity.run.digest import RESOLUTION, digest

NAN, INF = math.nan, math.inf
TINY, HUGE = 5e-324, 1.7e308


def apart(a: Any, b: Any) -> float:
    return relative_difference(np.array(a, dtype=np.float64), np.array(b, dtype=np.float64))


# ----------------------------------------------------------------------------------------------- measuring


@pytest.mark.parametrize(
    ("a", "b", "difference"),
    [
        ([3, 4], [3, 4], 0.0),
        ([3, 4], [3, 5], 0.2),
        ([3, 4], [0, 0], 1.0),
        ([1], [-1], 2.0),
        (2.0, 3.0, 0.5),
        ([], [], 0.0),
        # Zeros.
        ([0, 0], [0, 0], 0.0),
        ([0.0], [-0.0], 0.0),
        ([0, 0], [0, 1e-9], INF),
        ([0], [TINY], INF),
        ([TINY], [0], 1.0),
        # Squares that underflow to 0, or to a number with few digits left.
        ([1e-200, 0], [1.5e-200, 0], 0.5),
        ([1e-162, 0], [1.1e-162, 0], 0.1),
        ([TINY], [2 * TINY], 1.0),
        ([1.0, 0.0], [1.0, 3e-162], 3e-162),
        ([1.0, 1e-170], [1.0, 3e-170], 2e-170),
        ([1e150, 1e-170], [1e150, 3e-170], 2e-320),
        ([1e300, 0], [1e300, TINY], TINY),
        ([1e-200] * 4, [1e-200, 1e-200, 1e-200, 2e-200], 0.5),
        # Squares that overflow.
        ([1e200, 0], [1.5e200, 0], 0.5),
        ([HUGE], [HUGE], 0.0),
        ([HUGE], [-HUGE], 2.0),
        ([1.0], [HUGE], HUGE),
        ([1e-300], [HUGE], INF),
        ([HUGE, HUGE], [HUGE, HUGE / 2], math.sqrt(0.125)),
        # What is no number.
        ([NAN, 1], [NAN, 1], 0.0),
        ([NAN, 2], [NAN, 3], 0.5),
        ([INF, -INF], [INF, -INF], 0.0),
        ([INF, 2], [INF, 3], 0.5),
        ([INF], [-INF], INF),
        ([INF], [NAN], INF),
        ([1.0], [NAN], INF),
        ([NAN], [1.0], INF),
        ([1.0, 2], [1.0, INF], INF),
        ([NAN, 1], [1, NAN], INF),
    ],
)
def test_the_relative_difference_of_two_tensors(a: Any, b: Any, difference: float) -> None:
    assert apart(a, b) == pytest.approx(difference, rel=1e-3, abs=0)


@pytest.mark.parametrize(("a", "b"), [((2, 3), (3, 2)), ((2,), (3,)), ((1,), ()), ((0,), (1,)), ((4,), (2, 2))])
def test_tensors_of_other_shapes_are_infinitely_far_apart(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    assert relative_difference(np.ones(a), np.ones(b)) == INF


def test_one_unit_in_the_last_place_is_seen_at_every_size() -> None:
    for size in (1.0, 1e-200, 1e-300, 1e200, 1e300):
        assert apart([size], [np.nextafter(size, INF)]) == pytest.approx(2.0**-53, rel=1.01)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int32, np.bool_])
def test_every_type_is_measured_in_float64(kind: type) -> None:
    a, b = np.ones(70_000, kind), np.ones(70_000, kind)
    assert relative_difference(a, b) == 0.0
    b[0] = 0
    # In float16 the square of the norm alone, 70000, would overflow.
    assert relative_difference(a, b) == pytest.approx(70_000**-0.5)
    assert relative_difference(a, a.astype(np.float64)) == 0.0


def test_tensors_need_not_lie_in_order() -> None:
    a = np.arange(12.0).reshape(3, 4)
    assert relative_difference(a, np.asfortranarray(a)) == 0.0
    assert relative_difference(a.T, a.T.copy()) == 0.0
    assert relative_difference(a.T, a.T + np.eye(4, 3)) == pytest.approx(math.sqrt(3 / (a**2).sum()))


def test_scalars_are_measured_by_the_same_rules() -> None:
    assert relative_gap(2.0, 3.0) == 0.5
    assert relative_gap(NAN, NAN) == 0.0
    assert relative_gap(0.0, 1.0) == relative_gap(1.0, NAN) == INF


NUMBERS = st.one_of(
    st.floats(-1e3, 1e3), st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 1e-170, 1e-300, 1e300])
)


def same_length(count: int) -> st.SearchStrategy[list[np.ndarray]]:
    one = st.integers(0, 7).flatmap(lambda n: st.tuples(*[hnp.arrays(np.float64, n, elements=NUMBERS)] * count))
    return one.map(list)


@given(same_length(2), st.integers(1, 3))
def test_where_a_tensor_is_cut_into_chunks_changes_nothing(both: list[np.ndarray], chunk: int) -> None:
    a, b = both
    whole = measure.compare(a, b)
    kept, measure.CHUNK = measure.CHUNK, chunk
    try:
        cut = measure.compare(a, b)
    finally:
        measure.CHUNK = kept
    assert cut == (pytest.approx(whole[0], rel=1e-12, abs=0), whole[1])


@given(same_length(2))
def test_a_difference_is_0_for_equal_tensors_only_and_never_nan(both: list[np.ndarray]) -> None:
    a, b = both
    difference, finite = measure.compare(a, b)
    assert (difference == 0.0) is np.array_equal(a, b, equal_nan=True)
    assert difference >= 0.0
    assert finite is bool(np.isfinite(a).all())


@given(same_length(1), st.integers(-60, 60))
def test_a_difference_does_not_depend_on_the_unit(one: list[np.ndarray], power: int) -> None:
    a = np.where(np.abs(one[0]) < 1e200, one[0], 0.0) * (np.abs(one[0]) > 1e-200)
    b = a * 1.25
    assert relative_difference(np.ldexp(a, power), np.ldexp(b, power)) == pytest.approx(relative_difference(a, b))


def test_a_tensor_over_many_chunks_is_searched_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "CHUNK", 4)
    a = np.ones(11)
    for at in range(11):
        b, c = a.copy(), a.copy()
        b[at], c[at] = 2.0, NAN
        assert relative_difference(a, b) == pytest.approx(11**-0.5)
        assert relative_difference(a, c) == INF
        assert measure.compare(c, c) == (0.0, False)


# ------------------------------------------------------------------------------------- where they differ most


def test_where_two_tensors_differ_most_is_told() -> None:
    a = np.arange(12.0).reshape(3, 4)
    b = a.copy()
    b[1, 2], b[2, 0] = 7.0, 10.0
    found = gap(a, b)
    assert (found.element, found.values, found.finite) == ((2, 0), (8.0, 10.0), True)
    assert found.difference == relative_difference(a, b)
    assert gap(np.array(2.0), np.array(3.0)) == Gap(difference=0.5, finite=True, element=(), values=(2.0, 3.0))


@pytest.mark.parametrize("chunk", [1, 3, 4, 100])
def test_the_element_is_found_wherever_the_chunks_are_cut(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "CHUNK", chunk)
    a = np.zeros((3, 4))
    a[0, 0] = 1.0
    for at in np.ndindex(3, 4):
        b = a + 1e-3
        b[at] += 5.0
        assert gap(a, b).element == at


def test_of_equal_tensors_or_other_shapes_no_element_is_told() -> None:
    a = np.array([1.0, NAN])
    assert gap(a, a.copy()) == Gap(difference=0.0, finite=False)
    assert gap(np.ones((2, 3)), np.ones((3, 2))) == Gap(difference=INF, finite=True)
    assert gap(np.ones(0), np.ones(0)) == Gap(difference=0.0, finite=True)


@pytest.mark.parametrize(
    ("a", "b", "element"),
    [
        ([1.0, NAN, 2.0], [1.5, NAN, 2.0], 0),
        ([1.0, NAN, 2.0], [9.0, 1.0, 2.0], 1),
        ([INF, 1.0, 2.0], [INF, 1.0, 3.0], 2),
        ([1.0, 2.0, INF], [9.0, 2.0, -INF], 2),
        ([HUGE, 1.0, 2.0], [-HUGE, 9.0, 2.0], 0),
    ],
)
def test_what_is_no_number_on_one_side_only_is_furthest_apart(a: list[float], b: list[float], element: int) -> None:
    assert gap(np.array(a), np.array(b)).element == (element,)


@given(same_length(2))
def test_the_element_told_is_one_that_differs(both: list[np.ndarray]) -> None:
    a, b = both
    found = gap(a, b)
    if found.difference == 0.0:
        assert found.element is None
    else:
        assert found.element is not None
        one, two = a[found.element], b[found.element]
        assert not np.array_equal(one, two, equal_nan=True)
        assert found.values == pytest.approx((one, two), nan_ok=True)


# ------------------------------------------------------------------------------------------- steps to check


def test_checked_steps_lie_closer_at_the_beginning_and_the_last_is_among_them() -> None:
    assert chosen_steps(100) == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 100]
    assert chosen_steps(1) == [1]
    assert chosen_steps(5, "all") == [1, 2, 3, 4, 5]
    assert chosen_steps(10, "4") == [1, 5, 9, 10]
    assert chosen_steps(3, "100") == [1, 3]
    assert chosen_steps(0) == chosen_steps(0, "all") == chosen_steps(0, "3") == []


@given(st.integers(1, 10**6), st.sampled_from(["log", "1", "7", "1000"]))
def test_every_choice_of_steps_begins_with_the_first_and_ends_with_the_last(total: int, which: str) -> None:
    found = chosen_steps(total, which)
    assert (found[0], found[-1]) == (1, total)
    assert found == sorted(set(found))
    if which == "log":
        assert len(found) <= 3 + 2 * math.log2(total)
        assert all(after <= 2 * before for before, after in itertools.pairwise(found))


# ------------------------------------------------------------------------------------------------ verdicts

NOISE = 1e-13
ROUNDING = 1e-15


def judge(**fields: Any) -> Judge:
    return Judge(a="keras", b="torch", **fields)


def seen(step: int, phase: str, tensor: str, difference: float, **fields: Any) -> Seen:
    return Seen(step=step, phase=phase, tensor=tensor, difference=difference, **({"noise": NOISE} | fields))


def part(one: Judge, *places: Seen) -> None:
    """Note places beyond rounding, with no op to be guided."""
    for place in places:
        one.settle([one.add(place)], None)


def test_no_step_is_no_verdict() -> None:
    assert judge().verdict() == ("inconclusive", "no step was compared")


def test_nothing_apart_is_identical() -> None:
    one = judge()
    one.add(seen(1, "forward", "dense", 0.0))
    assert one.verdict() == ("identical", "bit for bit, in every tensor of 1 step")
    one.add(seen(4, "loss", "loss", 0.0))
    assert one.verdict() == ("identical", "bit for bit, in every tensor of 2 steps"), "steps checked, not taken"


def test_a_little_apart_is_rounding_and_the_largest_is_named() -> None:
    one = judge()
    one.add(seen(1, "forward", "dense", ROUNDING))
    one.add(seen(3, "update", "dense.bias", 3 * ROUNDING))
    one.add(seen(4, "loss", "loss", 2 * ROUNDING))
    assert one.verdict() == (
        "rounding",
        "nothing beyond rounding in 3 steps: the largest difference of any tensor is 3.0e-15 "
        "(update, dense.bias, step 3)",
    )


def test_what_only_digests_tell_is_said_to_be_an_estimate() -> None:
    one = judge()
    part(one, replace(seen(1, "gradient", "dense.kernel", 0.5), exact=False))
    assert "gradient, dense.kernel: they differ by about 5.0e-01, rounding" in one.verdict()[1]


def test_far_apart_is_divergent_from_its_first_place_on() -> None:
    one = judge()
    one.add(seen(1, "forward", "dense", ROUNDING))
    part(one, seen(2, "gradient", "dense.kernel", 0.5, shape=(3, 2)))
    part(one, seen(2, "update", "dense.kernel", 7.0, shape=(3, 2)))
    assert one.verdict() == (
        "divergent", "first at step 2, gradient, dense.kernel: they differ by 5.0e-01, rounding explains 1.0e-13"
    )  # fmt: skip
    assert one.first is not None
    assert (one.first.step, one.first.phase, one.first.tensor, one.first.shape) == (
        2, "gradient", "dense.kernel", (3, 2)
    )  # fmt: skip
    overall = one.overall()
    assert overall is not None
    assert (overall.phase, overall.difference) == ("update", 7.0)


def test_the_edge_of_noise_is_still_noise() -> None:
    assert not seen(1, "forward", "a", NOISE).beyond
    assert seen(1, "forward", "a", float(np.nextafter(NOISE, 1))).beyond
    assert not seen(1, "batch", "x", 0.0, noise=0.0).beyond
    assert seen(1, "batch", "x", TINY, noise=0.0).beyond


@pytest.mark.parametrize("difference", [NAN, INF])
def test_a_difference_that_is_no_number_is_beyond_everything(difference: float) -> None:
    assert seen(1, "forward", "dense", difference, noise=1.0).beyond


@pytest.mark.parametrize("order", [PHASES, tuple(reversed(PHASES))])
def test_the_first_place_is_the_first_phase_of_the_first_step(order: tuple[str, ...]) -> None:
    one = judge()
    for step in (3, 2):
        for phase in order:
            part(one, seen(step, phase, "a", 0.5))
    assert one.first is not None
    assert (one.first.step, one.first.phase) == (2, "batch")


def test_within_a_phase_the_first_place_is_the_one_computed_first_whenever_it_is_noted() -> None:
    one = judge()
    part(one, seen(1, "gradient", "dense.kernel", 0.9, order=5))
    part(one, seen(1, "gradient", "logits.kernel", 0.1, order=2))
    part(one, seen(1, "gradient", "conv.kernel", 0.9, order=7))
    assert one.first is not None
    assert one.first.tensor == "logits.kernel"


def test_the_order_of_phases_is_the_order_of_a_step() -> None:
    assert PHASES == ("batch", "weights", "forward", "loss", "gradient", "update", "state", "metric")


def test_other_parameters_are_divergent_even_before_a_step() -> None:
    one = judge()
    compare_weights(
        one,
        {"a.kernel": (3, 2), "a.bias": (2,), "b.kernel": (2, 2)},
        {"a.kernel": (2, 3), "b.kernel": [2, 2], "c.kernel": (1,)},
    )
    says = (
        "they do not have the same parameters: a.kernel (weights): (3, 2) in keras, (2, 3) in torch; "
        "a.bias (weights): only keras has it; c.kernel (weights): only torch has it"
    )
    assert one.verdict() == ("divergent", says)
    one.add(seen(1, "forward", "a", 0.0))
    assert one.verdict() == ("divergent", says)
    # What is seen of the same cause in a step is not told again; a place where they part is more to the point.
    one.missing("gradient", "a.bias", "keras")
    one.missing("state", "velocity/a.bias", "keras")
    assert len(one.unmatched) == 3
    part(one, seen(1, "gradient", "b.kernel", 0.5))
    assert one.verdict()[1].startswith("first at step 1, gradient, b.kernel: ")


def test_the_same_parameters_say_nothing() -> None:
    one = judge()
    compare_weights(one, {"a.kernel": (3, 2)}, {"a.kernel": [3, 2]})
    assert one.unmatched == []


def test_other_starting_values_are_divergent_at_the_weights_and_made_there() -> None:
    one = judge()
    compare_initial(one, 0, "a.kernel", np.ones(4), np.ones(4))
    assert (one.first, one.steps, one.places) == (None, 0, [])
    assert one.verdict()[0] == "inconclusive", "no step was taken yet"
    compare_initial(one, 2, "c.kernel", np.ones(4), np.zeros(4))
    compare_initial(one, 1, "b.kernel", np.ones(4), np.array([1, 1, 1, np.nextafter(1, 2)]))
    assert one.verdict() == (
        "divergent",
        "first at step 1, weights, b.kernel: they differ by 1.1e-16, rounding explains 0.0e+00",
    )
    assert [(place.tensor, place.made) for place in one.places] == [("b.kernel", "here"), ("c.kernel", "here")]
    assert one.first is not None
    assert (one.first.made, one.first.element) == ("here", (3,))


def test_tensors_of_one_side_are_told_beside_the_verdict() -> None:
    one = judge()
    one.add(seen(1, "forward", "a", 0.0))
    one.missing("state", "m/a.kernel", "torch")
    one.missing("state", "m/a.bias", "torch")
    assert one.unmatched == ["optimizer slot m: only torch has it"]
    assert one.verdict() == (
        "identical", "bit for bit, in every tensor of 1 step; not compared: 1 tensor that only one side has"
    )  # fmt: skip
    one.missing("forward", "b", "keras")
    one.add(seen(2, "forward", "a", ROUNDING))
    assert one.verdict() == (
        "rounding",
        "nothing beyond rounding in 2 steps: the largest difference of any tensor is 1.0e-15 (forward, a, step 2); "
        "not compared: 2 tensors that only one side has",
    )


def test_a_side_that_is_less_accurate_is_divergent_unless_there_is_a_place_to_name() -> None:
    one = judge(precision="float32")
    one.add(seen(1, "forward", "a", ROUNDING))
    one.inaccurate = [(("gradient", "a.kernel"), 40.0), (("forward", "a"), 70.4)]
    assert one.verdict() == (
        "divergent",
        "torch is less accurate in float32: its error in a (forward) against its own float64 step is at least 70 times "
        "that of keras",
    )
    part(one, seen(2, "update", "a.kernel", 0.5))
    assert one.verdict()[1].startswith("first at step 2, update, a.kernel")


def test_what_is_not_finite_on_both_sides_alike_settles_nothing() -> None:
    one = judge()
    one.add(seen(1, "forward", "a", 0.0))
    one.add(seen(3, "loss", "loss", 0.0), finite=False)
    one.add(seen(2, "forward", "a", 0.0), finite=False)
    assert one.verdict() == ("inconclusive", "keras is not finite from step 2 on, on both sides alike")


def test_what_parts_after_the_reference_is_lost_settles_nothing() -> None:
    one = judge()
    one.add(seen(2, "update", "a", 0.0), finite=False)
    part(one, seen(3, "forward", "a", INF))
    assert one.verdict() == ("inconclusive", "keras is not finite from step 2 on")


def test_what_is_made_of_a_loss_that_is_lost_on_both_sides_settles_nothing() -> None:
    one = judge()
    one.add(seen(1, "loss", "loss", 0.0), finite=False)
    part(one, seen(1, "gradient", "a", INF))
    assert one.verdict() == ("inconclusive", "keras is not finite from step 1 on")


def test_what_parts_before_or_when_the_reference_is_lost_is_divergent() -> None:
    one = judge()
    lost = seen(2, "loss", "loss", INF)
    one.add(lost, finite=False)
    one.settle([lost], None)
    one.add(seen(3, "forward", "a", 0.0), finite=False)
    assert one.verdict()[0] == "divergent"
    assert one.verdict()[1].startswith("first at step 2, loss, loss: they differ by inf, ")


def test_each_phase_keeps_its_largest_difference_and_its_tensors() -> None:
    one = judge()
    for step, difference in enumerate([1e-16, 3e-16, 2e-16], start=1):
        one.add(seen(step, "forward", "a", difference))
        one.add(seen(step, "forward", "b", difference / 2))
        one.add(seen(step, "loss", "loss", 0.0))
    assert {phase: (kept.step, kept.tensor, kept.difference) for phase, kept in one.largest.items()} == {
        "forward": (2, "a", 3e-16), "loss": (1, "loss", 0.0)
    }  # fmt: skip
    assert one.tensors == {"forward": {"a", "b"}, "loss": {"loss"}}
    assert one.steps == 3


def test_a_difference_that_is_no_number_is_the_largest() -> None:
    one = judge()
    for difference in (0.5, INF, 0.7):
        one.add(seen(1, "forward", f"a{difference}", difference))
    assert one.largest["forward"].difference == INF


def test_what_the_tensors_say_stands_in_the_place_of_what_their_digests_said() -> None:
    one = judge()
    one.add(seen(1, "weights", "a.kernel", 0.0, noise=0.0))
    one.add(seen(1, "forward", "a", 4e-15))
    one.add(seen(2, "forward", "a", 2e-15, exact=False))
    one.add(seen(2, "forward", "b", 5e-15, exact=False))
    one.again(2)
    one.add(seen(2, "forward", "b", 3e-15))
    assert (one.largest["forward"].step, one.largest["forward"].difference) == (1, 4e-15), "nothing earlier is lost"
    assert (one.checked, one.tensors["forward"], "weights" in one.largest) == ([1, 2], {"a", "b"}, True)
    one.add(seen(3, "forward", "a", 6e-15))
    one.again(2)
    assert one.largest["forward"].difference == 6e-15, "a step that is over stays as it is"


def test_the_initial_values_are_no_digests_of_the_first_step() -> None:
    one = judge()
    one.add(seen(1, "weights", "a.kernel", 0.5, noise=0.0))
    one.again(1)
    one.add(seen(1, "forward", "a", 0.0, exact=False))
    one.again(1)
    assert one.largest["weights"].difference == 0.5


def test_a_program_that_does_not_repeat_itself_is_not_identical_to_anything() -> None:
    one = judge()
    one.add(seen(1, "forward", "a", 0.0))
    one.unsteady.append("torch does not repeat itself")
    assert one.verdict()[0] == "rounding"


def test_a_shape_once_seen_is_known_in_later_steps() -> None:
    one = judge()
    assert one.add(seen(1, "forward", "a", 0.0)).shape is None
    one.add(seen(1, "forward", "a", 0.0, shape=(4, 2)))
    assert one.add(seen(2, "forward", "a", 1e-14)).shape == (4, 2)
    assert one.largest["forward"].shape == (4, 2)
    assert one.add(seen(2, "gradient", "a", 0.0)).shape is None, "each phase has its own"


# ------------------------------------------------------------------------------- what is made and what is inherited


def settled(natural: list[Seen], guided: list[Seen] | None, one: Judge | None = None) -> Judge:
    one = one or judge()
    natural = [one.add(place) for place in natural]
    one.settle(natural, None if guided is None else {place.name: place for place in guided})
    return one


def places(one: Judge) -> list[tuple[int, str, str]]:
    return [(place.step, place.phase, place.tensor) for place in one.places]


def test_what_differs_on_the_same_inputs_is_made_there_and_the_rest_inherits_it() -> None:
    natural = [seen(1, "forward", "a", 0.1, order=0), seen(1, "forward", "b", 0.2, order=1), seen(1, "loss", "loss", 1)]
    guided = [seen(1, "forward", "a", 0.1, order=0), seen(1, "forward", "b", ROUNDING), seen(1, "loss", "loss", 0)]
    one = settled(natural, guided)
    assert places(one) == [(1, "forward", "a")]
    assert one.first is not None
    assert (one.first.tensor, one.first.made) == ("a", "here")


def test_a_first_place_that_inherits_says_so() -> None:
    """Its cause was found in an earlier phase by no tensor of its own: then the guided step has the last word."""
    natural = [seen(1, "forward", "a", 0.1, order=0), seen(1, "forward", "b", 0.2, order=1)]
    one = settled(natural, [seen(1, "forward", "a", 0.0), seen(1, "forward", "b", 0.2, order=1)])
    assert places(one) == [(1, "forward", "b")]
    assert one.first is not None
    assert (one.first.tensor, one.first.made) == ("a", "inherited")


def test_faults_that_have_nothing_to_do_with_each_other_are_all_listed_in_the_order_of_a_step() -> None:
    natural = [seen(1, "update", "a.kernel", 0.3), seen(1, "forward", "b", 0.2, order=1), seen(1, "loss", "loss", 0.1)]
    one = settled(natural, natural)
    assert places(one) == [(1, "forward", "b"), (1, "loss", "loss"), (1, "update", "a.kernel")]
    assert all(place.made == "here" for place in one.places)


def test_faults_that_cancel_are_seen_on_equal_inputs_only() -> None:
    natural = [seen(1, "forward", "a", 1.0, order=0)]
    guided = [seen(1, "forward", "a", 1.0, order=0), seen(1, "forward", "b", 0.5, order=1)]
    one = settled(natural, guided)
    assert places(one) == [(1, "forward", "a"), (1, "forward", "b")]
    assert one.places[1].made == "here"


@pytest.mark.parametrize("phase", ["batch", "weights"])
@pytest.mark.parametrize("guided", [None, []])
def test_what_is_handed_over_is_made_where_it_differs(phase: str, guided: list[Seen] | None) -> None:
    """A guided step is given the reference side's batch, so it shows nothing of it."""
    one = settled([seen(1, phase, "x", 1.0, noise=0.0), seen(1, "forward", "a", 1.0)], guided)
    assert places(one) == [(1, phase, "x")]


def test_predictions_are_made_only_where_the_same_layers_agree_in_training() -> None:
    metric = seen(1, "metric", "predictions", 0.4)
    assert places(settled([metric], [])) == [(1, "metric", "predictions")]
    forward = seen(1, "forward", "a", 0.4)
    assert places(settled([forward, metric], [forward])) == [(1, "forward", "a")]
    update = seen(1, "update", "a.kernel", 0.4)
    assert places(settled([update, metric], [update])) == [(1, "update", "a.kernel"), (1, "metric", "predictions")]


def test_where_the_guided_step_shows_nothing_the_first_place_is_taken_for_the_cause() -> None:
    natural = [seen(1, "gradient", "b", 0.1, order=9), seen(1, "gradient", "a", 0.2, order=3)]
    one = settled(natural, [seen(1, "gradient", "a", 0.0), seen(1, "gradient", "b", 0.0)])
    assert places(one) == [(1, "gradient", "a")]
    assert one.first is not None
    assert one.first.made == "here"


def test_a_place_is_listed_once_and_a_later_one_of_its_own_beside_it() -> None:
    first = [seen(1, "update", "a.kernel", 0.1)]
    one = settled(first, first)
    again = [seen(2, "update", "a.kernel", 0.1), seen(2, "forward", "b", 0.1)]
    settled(again, again, one)
    assert places(one) == [(1, "update", "a.kernel"), (2, "forward", "b")]
    assert one.known(("update", "a.kernel"))
    assert not one.known(("update", "b"))


def test_noting_a_difference_does_not_part_two_sides() -> None:
    one = judge()
    assert one.add(seen(1, "forward", "a", 0.5)).beyond
    assert (one.first, one.verdict()[0]) == (None, "rounding")


def test_what_no_op_makes_though_every_op_was_guided_is_rounding_made_large() -> None:
    """A gradient that is nothing but rounding, and an optimizer that takes its sign."""
    natural = [seen(2, "update", "a.bias", 1.9, shape=(4,))]
    guided = {place.name: replace(place, difference=ROUNDING) for place in natural}
    one, told = judge(), "step 2, update, a.bias: 1.9e+00 apart, though ops agree on equal inputs: rounding, made large"
    one.add(natural[0])
    one.settle(natural, guided, complete=True)
    assert (one.first, one.places) == (None, [])
    assert one.amplified == [f"{told} by an ill-conditioned step"]
    assert one.verdict()[0] == "rounding"
    assert one.verdict()[1].endswith(f"; {one.amplified[0]}")
    # Where an op could not be guided, or one differs on equal inputs, it is a difference of meaning.
    for ops, complete in ((guided, False), ({natural[0].name: natural[0]}, True)):
        other = judge()
        other.settle(natural, ops, complete=complete)
        assert other.first is not None
        assert (other.first.tensor, other.first.made, other.amplified) == ("a.bias", "here", [])


def test_what_is_made_large_ahead_of_a_difference_is_not_its_place() -> None:
    """The gradient of a last bias, from outputs that are equal up to rounding, and statistics that are others."""
    natural = [seen(1, "gradient", "out.bias", 0.2), seen(1, "state", "norm.moving_variance", 0.3)]
    guided = {natural[0].name: replace(natural[0], difference=ROUNDING), natural[1].name: natural[1]}
    for complete, first in ((True, "norm.moving_variance"), (False, "out.bias")):
        one = judge()
        one.settle(natural, guided, complete=complete)
        assert one.first is not None
        assert one.first.tensor == first
        assert places(one) == [(1, "state", "norm.moving_variance")]


def test_of_what_is_made_large_the_largest_is_told() -> None:
    one = judge()
    one.settle([seen(1, "update", "a", 0.5), seen(1, "state", "m/b", 2.0)], {}, complete=True)
    assert one.amplified[0].startswith("step 1, state, m/b: 2.0e+00 apart")


@pytest.mark.parametrize("complete", [False, True])
def test_a_second_look_at_what_is_known_tells_what_is_made_or_nothing(complete: bool) -> None:
    cause, wake = seen(1, "forward", "a", 0.1), seen(1, "loss", "loss", 0.1)
    one = settled([cause, wake], [cause])
    later = [replace(cause, step=4), replace(wake, step=4)]
    one.settle([later[1]], {}, complete=complete, again=True)
    assert (places(one), one.amplified) == ([(1, "forward", "a")], [])
    one.settle(later, {place.name: place for place in later}, complete=complete, again=True)
    assert places(one) == [(1, "forward", "a"), (4, "loss", "loss")]
    assert one.first is not None
    assert one.first.step == 1


def test_the_largest_share_of_the_noise_is_kept_of_tensors_and_not_of_digests() -> None:
    one = judge()
    assert one.closest == {}
    one.add(seen(1, "forward", "a", 0.25 * NOISE))
    one.add(seen(2, "forward", "b", 0.75 * NOISE))
    one.add(seen(3, "forward", "a", 0.5 * NOISE))
    one.add(seen(3, "forward", "c", 0.9 * NOISE, exact=False))
    one.add(seen(3, "gradient", "a", 3 * NOISE))
    one.add(seen(3, "batch", "x", 1.0, noise=0.0))
    assert one.closest == pytest.approx({"forward": 0.75, "gradient": 3.0})


def test_a_step_is_checked_whatever_comes_of_it() -> None:
    one = judge()
    for step in (1, 3, 3):
        one.check(step)
    assert (one.checked, one.steps) == ([1, 3], 2)
    one.add(seen(3, "forward", "a", 0.0))
    one.add(seen(4, "forward", "a", 0.0))
    assert one.checked == [1, 3, 4]


def test_nothing_beyond_rounding_settles_nothing() -> None:
    assert settled([], [seen(1, "forward", "a", 0.5)]).places == []


# --------------------------------------------------------------------------------------------- invented steps


@dataclass
class Invented:
    """A lockstep step that never ran."""

    loss: float = 1.0
    values: dict[Name, np.ndarray] = field(default_factory=dict)

    @property
    def digests(self) -> Mapping[Name, np.ndarray]:
        return {name: digest(value) for name, value in self.values.items()}

    def tensor(self, phase: str, name: str) -> np.ndarray:
        return self.values[phase, name]


def tensors(*names: str, **values: Any) -> dict[Name, np.ndarray]:
    """Return tensors by ``phase name``, of ones if not said."""
    found = {}
    for text in names:
        phase, _, name = text.partition(" ")
        found[phase, name] = np.array(values.get(name.replace(".", "_"), np.ones(4)), np.float64)
    return found


STEP = ("batch x", "forward a", "forward b", "gradient a.kernel", "gradient b.kernel", "update a.kernel",
        "update b.kernel", "state m/a.kernel")  # fmt: skip


def with_one_off(name: Name, by: float) -> Invented:
    """Return the step with one tensor off, relative to its norm."""
    step = Invented(values=tensors(*STEP))
    value = step.values[name].copy()
    value[1] += by * np.linalg.norm(value)
    return Invented(values=step.values | {name: value})


def rounding(error: float = 1e-16, precision: str = "float64") -> Rounding:
    names = [*tensors(*STEP), ("loss", "loss")]
    return Rounding(precision=precision, errors={side: dict.fromkeys(names, error) for side in ("keras", "torch")})


RIGHT = Invented(values=tensors(*STEP))
KERNEL = ("gradient", "a.kernel")
LACKS = Invented(values={name: value for name, value in RIGHT.values.items() if name != KERNEL})
FROZEN = Invented(values=RIGHT.values | {KERNEL: np.zeros(4)})


def digests(one: Judge, other: Invented, number: int = 1, right: Invented = RIGHT) -> set[Name]:
    return compare_digests(one, number, {"keras": right, "torch": other}, rounding())


def test_equal_digests_are_noted_as_exactly_equal() -> None:
    one = judge()
    assert digests(one, RIGHT) == set()
    assert one.verdict()[0] == "identical"
    assert one.tensors == {
        "batch": {"x"}, "forward": {"a", "b"}, "loss": {"loss"}, "gradient": {"a.kernel", "b.kernel"},
        "update": {"a.kernel", "b.kernel"}, "state": {"m/a.kernel"},
    }  # fmt: skip
    assert all(kept.exact for kept in one.largest.values())


def test_a_digest_far_below_the_noise_is_noted_as_an_estimate() -> None:
    one = judge()
    assert digests(one, with_one_off(KERNEL, 5e-16)) == set()
    kept = one.largest["gradient"]
    assert (kept.tensor, kept.exact, kept.beyond) == ("a.kernel", False, False)
    assert kept.difference == pytest.approx(5e-16, rel=0.3)
    assert one.verdict()[0] == "rounding"


def test_a_digest_within_a_share_of_the_noise_is_looked_at_before_it_is_noted() -> None:
    """Digests may show less than there is."""
    noise = rounding().noise("keras", "torch", KERNEL)
    limit = noise / DOUBT + RESOLUTION * UNIT["float64"]
    one = judge()
    assert digests(one, with_one_off(KERNEL, 0.9 * limit)) == set()
    assert one.largest["gradient"].difference <= noise, "below their resolution they say nothing above the noise"
    assert digests(one, with_one_off(KERNEL, 1.1 * limit)) == {KERNEL}
    fresh = judge()
    digests(fresh, with_one_off(KERNEL, 0.5))
    assert fresh.first is None, "digests alone are no proof"
    assert "a.kernel" not in fresh.tensors["gradient"]


def test_a_batch_that_differs_at_all_is_looked_at() -> None:
    assert digests(judge(), with_one_off(("batch", "x"), 1e-15)) == {("batch", "x")}


def test_a_loss_is_no_digest() -> None:
    one = judge()
    assert digests(one, replace(RIGHT, loss=1 + 4e-16)) == set()
    assert one.largest["loss"].exact
    assert digests(judge(), replace(RIGHT, loss=1.1)) == {("loss", "loss")}


def test_a_gradient_that_only_the_reference_has_is_looked_at_unless_it_is_zero() -> None:
    one = judge()
    assert digests(one, LACKS) == {KERNEL}
    assert one.unmatched == ["a.kernel (gradient): only keras has it"]
    lost = Invented(values=RIGHT.values | {KERNEL: np.full(4, NAN)})
    assert digests(judge(), LACKS, right=lost) == {KERNEL}


@pytest.mark.parametrize("look", [False, True])
def test_a_gradient_of_zeros_that_only_one_side_has_is_equal_and_nothing_is_told_of_it(look: bool) -> None:
    one = judge()
    assert digests(one, LACKS, right=FROZEN) == set()
    if look:
        assert compared(one, LACKS, right=FROZEN) == []
    assert (one.unmatched, one.verdict()[0]) == ([], "identical")
    assert one.tensors["gradient"] == {"a.kernel", "b.kernel"}
    other = judge()
    assert digests(other, FROZEN, right=LACKS) == set()
    assert other.unmatched == [], "the reference may be the side that lacks it"
    both = judge()
    digests(both, RIGHT, right=LACKS)
    assert both.unmatched == ["a.kernel (gradient): only torch has it"]


@pytest.mark.parametrize("value", [NAN, INF])
def test_digests_alone_see_that_both_sides_are_lost(value: float) -> None:
    lost = Invented(values=RIGHT.values | {KERNEL: np.full(4, value)})
    one = judge()
    digests(one, with_one_off(KERNEL, 5e-16), number=1)
    digests(one, lost, number=2, right=lost)
    assert one.verdict() == ("inconclusive", "keras is not finite from step 2 on, on both sides alike")
    one = judge()
    digests(one, replace(RIGHT, loss=value), right=replace(RIGHT, loss=value))
    assert one.nonfinite is not None
    assert one.nonfinite.phase == "loss"


def test_one_side_that_is_lost_is_looked_at() -> None:
    assert digests(judge(), Invented(values=RIGHT.values | {KERNEL: np.full(4, NAN)})) == {KERNEL}


def compared(one: Judge, other: Invented, right: Invented = RIGHT, **more: Any) -> list[tuple[str, str]]:
    found = compare_tensors(one, 1, {"keras": right, "torch": other}, more.pop("rounding", rounding()), **more)
    one.settle(found, None)
    return [place.name for place in found]


def test_numbers_that_overflow_on_both_sides_need_not_overflow_alike() -> None:
    """0.1 (g g) is infinite where (0.1 g) g is not; where only one side has such numbers, that is a difference."""
    some, more = (Invented(values=RIGHT.values | {KERNEL: np.array(value)}) for value in (
        [INF, 1e308, 1.0, 1.0], [INF, INF, 1.0, 1.0]
    ))  # fmt: skip
    for left, right in ((some, more), (more, some)):
        one = judge()
        assert compared(one, right, right=left) == []
        assert one.verdict() == ("inconclusive", "keras is not finite from step 1 on, on both sides alike")
    assert compared(judge(), RIGHT, right=some) == [KERNEL]
    assert compared(judge(), some) == [KERNEL]
    left, right = (
        Invented(values=one.values | {("forward", "a"): value})
        for one, value in ((some, np.ones(4)), (more, np.array([1.0, 1.0 + 4e-14, 1.0, 1.0])))
    )
    known = rounding()
    measured = partial(dict.update, known.errors["keras"], {("forward", "a"): 1e-13})
    assert compared(judge(), right, right=left, rounding=known, remeasure=lambda beyond: measured()) == []
    masked = Invented(values=RIGHT.values | {KERNEL: np.array([-INF, 1.0, 1.0, 1.0])})
    other = Invented(values=RIGHT.values | {KERNEL: np.array([1.0, -INF, 1.0, 1.0])})
    assert compared(judge(), other, right=masked) == [KERNEL], "1 does not overflow"
    shorter = Invented(values=RIGHT.values | {KERNEL: np.full(3, INF)})
    assert compared(judge(), shorter, right=some) == [KERNEL], "another shape is another tensor"


def test_tensors_are_compared_by_themselves() -> None:
    one = judge()
    assert compared(one, with_one_off(KERNEL, 1e-3)) == [KERNEL]
    assert one.first is not None
    assert (one.first.name, one.first.exact, one.first.shape, one.first.element) == (KERNEL, True, (4,), (1,))
    assert one.first.difference == pytest.approx(1e-3)
    assert one.first.values == pytest.approx((1.0, 1.002))
    assert one.shapes["state", "m/a.kernel"] == (4,)


def test_rounding_is_measured_again_before_something_is_called_beyond_it() -> None:
    asked, known = [], rounding()

    def remeasure(beyond: Iterable[Seen]) -> None:
        asked.append([seen.name for seen in beyond])
        known.errors["torch"][KERNEL] = 1e-8

    one = judge()
    assert compared(one, with_one_off(KERNEL, 1e-8), rounding=known, remeasure=remeasure) == []
    assert asked == [[KERNEL]]
    assert one.first is None
    assert one.largest["gradient"].noise > 1e-8
    compared(judge(), RIGHT, rounding=known, remeasure=remeasure)
    assert len(asked) == 1, "only where something is in doubt"


def test_a_missing_gradient_is_taken_for_zeros() -> None:
    one = judge()
    assert compared(one, LACKS) == [KERNEL]
    assert one.first is not None
    assert (one.first.difference, one.first.values) == (1.0, (1.0, 0.0))
    assert compared(judge(), LACKS, right=FROZEN) == []
    gone = ("forward", "a")
    without = Invented(values={name: value for name, value in RIGHT.values.items() if name != gone})
    one = judge()
    assert compared(one, without) == [], "anything else that is missing is told, and not compared"
    assert one.unmatched == ["a (forward): only keras has it"]


def test_a_guided_step_says_nothing_of_what_it_does_not_show() -> None:
    """It sees neither the batch, which it is given, nor the predictions."""
    one = judge()
    guided = Invented(values={name: value for name, value in RIGHT.values.items() if name[0] != "batch"})
    guided.values[KERNEL] = np.full(4, 2.0)
    found = compare_guided(one, 1, RIGHT, guided, rounding())
    assert [name for name, place in found.items() if place.beyond] == [KERNEL]
    assert (one.unmatched, one.first, one.tensors) == ([], None, {}), "nothing is noted"


def test_gradients_are_computed_from_the_last_layer_to_the_first_the_outputs_before_the_parameters() -> None:
    names = list(tensors("batch x", "forward conv", "forward dense", "forward out.logits", "gradient conv.kernel",
                         "gradient conv.bias", "gradient conv", "gradient dense.kernel", "gradient dense",
                         "gradient out.bias", "gradient out.kernel", "gradient out.logits", "update conv.kernel",
                         "update conv.bias", "update dense.kernel", "update out.kernel", "update out.bias",
                         "state conv.mean"))  # fmt: skip
    order = in_order(names)
    gradients = sorted((name for name in names if name[0] == "gradient"), key=order.__getitem__)
    assert [name for _, name in gradients] == [
        "out.logits", "out.kernel", "out.bias", "dense", "dense.kernel", "conv", "conv.kernel", "conv.bias"
    ]  # fmt: skip
    others = [name for name in names if name[0] != "gradient"]
    assert sorted(others, key=order.__getitem__) == others


def test_the_gradient_of_an_unknown_parameter_comes_last() -> None:
    order = in_order(list(tensors("forward a", "gradient mystery.kernel", "gradient a.kernel", "gradient a")))
    names = sorted((name for name in order if name[0] == "gradient"), key=order.__getitem__)
    assert [name for _, name in names] == ["a", "a.kernel", "mystery.kernel"]


def test_every_tensor_has_an_order_of_its_own() -> None:
    layers = [f"layer{number}" for number in range(40)]
    names = [("forward", layer) for layer in layers]
    names += [("gradient", f"{layer}.{one}") for layer in layers for one in ("kernel", "bias")]
    names += [("gradient", layer) for layer in layers]
    names += [("update", f"{layer}.{one}") for layer in layers for one in ("kernel", "bias")]
    order = in_order(names)
    gradients = [order[name] for name in names if name[0] == "gradient"]
    assert len(set(gradients)) == len(gradients)


def test_tensors_are_compared_by_name_and_those_of_one_side_are_told() -> None:
    a = Invented(values=tensors("forward a", "forward b", "state velocity/a.kernel", "state velocity/a.bias"))
    b = Invented(values=tensors("forward a", "forward c", "state m/a.kernel", "state m/a.bias"))
    one = judge()
    assert shared_names(one, a, b) == [("forward", "a")]
    assert one.unmatched == [
        "b (forward): only keras has it",
        "optimizer slot velocity: only keras has it",
        "c (forward): only torch has it",
        "optimizer slot m: only torch has it",
    ]


@pytest.mark.parametrize("swapped", [False, True])
def test_a_last_layer_seen_before_its_activation_on_one_side_is_not_held_against_it(swapped: bool) -> None:
    both = [Invented(values=tensors("forward a", "forward out.logits", "gradient out.logits", "update out.kernel")),
            Invented(values=tensors("forward a", "forward out", "gradient out", "update out.kernel"))]  # fmt: skip
    a, b = reversed(both) if swapped else both
    one = judge()
    assert shared_names(one, a, b) == [("forward", "a"), ("update", "out.kernel")]
    assert one.unmatched == []


def test_logits_that_both_sides_show_are_compared() -> None:
    a = Invented(values=tensors("forward out.logits", "gradient out.logits"))
    assert shared_names(judge(), a, a) == list(a.values)


@pytest.mark.parametrize("of", ["keras", "torch"])
def test_the_gradient_of_an_output_may_be_hidden_and_that_of_a_parameter_may_not(of: str) -> None:
    more = Invented(values=tensors("gradient a", "gradient a.kernel", "update a.kernel"))
    less = Invented(values=tensors("update a.kernel"))
    one = judge()
    shared_names(one, *((more, less) if of == "keras" else (less, more)))
    assert one.unmatched == [f"a.kernel (gradient): only {of} has it"]


def test_equal_tensors_whose_digests_differ_are_identical_once_looked_at() -> None:
    """As they do where they lie otherwise in memory."""
    one = judge()
    digests(one, with_one_off(KERNEL, 5e-16))
    assert one.verdict()[0] == "rounding"
    compared(one, RIGHT)
    assert one.verdict()[0] == "identical"


def test_another_shape_is_infinitely_far() -> None:
    one = judge()
    other = Invented(values=RIGHT.values | {("batch", "x"): np.ones(3)})
    assert digests(one, other) == {("batch", "x")}
    assert compared(one, other) == [("batch", "x")]
    assert one.first is not None
    assert one.first.difference == INF


def test_a_step_that_is_not_repeated_is_told_tensor_by_tensor() -> None:
    assert repeats(RIGHT, RIGHT) == {}
    found = repeats(RIGHT, replace(with_one_off(KERNEL, 1e-9), loss=1.5))
    assert set(found) == {KERNEL, ("loss", "loss")}
    assert found[KERNEL] == pytest.approx(1e-9, rel=1e-3)
    assert found["loss", "loss"] == 0.5
    without = Invented(values={name: value for name, value in RIGHT.values.items() if name != KERNEL})
    assert repeats(RIGHT, without) == {}


def test_the_least_that_is_allowed_is_a_few_units() -> None:
    least = FLOOR * UNIT["float64"]
    quiet = Rounding(precision="float64")
    assert compared(judge(), with_one_off(KERNEL, 0.5 * least), rounding=quiet) == []
    assert compared(judge(), with_one_off(KERNEL, 2 * least), rounding=quiet) == [KERNEL]


@given(st.permutations(list(tensors(*STEP))), st.integers(0, 7), st.floats(-16, 3))
def test_whatever_a_single_tensor_is_off_by_it_is_named_or_rounding(
    order: list[Name], place: int, power: float
) -> None:
    """In whatever order a side reports its tensors."""
    name, by = order[place], 10.0**power
    other = with_one_off(name, by)
    one, known = judge(), rounding()
    shuffled = Invented(values={each: other.values[each] for each in order})
    doubtful = compare_digests(one, 1, {"keras": RIGHT, "torch": shuffled}, known)
    assert doubtful <= {name}
    found = compare_tensors(one, 1, {"keras": RIGHT, "torch": shuffled}, known)
    one.settle(found, None)
    off = relative_difference(RIGHT.values[name], other.values[name])
    noise = known.noise("keras", "torch", name)
    assert [each.name for each in found] == ([name] if off > noise else [])
    assert one.verdict()[0] == ("divergent" if off > noise else "rounding" if off else "identical")
    if found:
        assert doubtful == {name} or off <= noise / DOUBT + RESOLUTION * UNIT["float64"]


def test_a_side_that_is_far_from_itself_settles_nothing() -> None:
    judge = Judge(a="keras", b="torch")
    judge.add(Seen(step=1, phase="update", tensor="a.kernel", difference=0.3, noise=0.8))
    judge.unsteady.append("torch does not repeat itself: step 1, taken twice, differs by 5.0e-02")
    judge.unsteadiness = 1e-9
    assert judge.verdict()[0] == "rounding"
    judge.unsteadiness = 5e-2
    verdict, reason = judge.verdict()
    assert verdict == "inconclusive"
    assert reason.startswith("torch does not repeat itself")


def test_numbers_that_nothing_deals_make_no_difference_of_meaning_but_what_is_ahead_of_them_does() -> None:
    one = judge(undealt={"torch": "layer 'noisy', Noisy (net.py, line 3),"}, ahead=frozenset({"conv"}))
    part(one, seen(1, "forward", "noisy", 0.5), seen(1, "loss", "loss", 0.1), seen(1, "update", "conv.kernel", 0.9))
    verdict, reason = one.verdict()
    assert (verdict, one.places) == ("inconclusive", [])
    assert reason.startswith("layer 'noisy', Noisy (net.py, line 3), in torch draws random numbers that nothing deals")
    part(one, seen(1, "forward", "conv", 0.2))
    assert one.verdict()[0] == "divergent"
    assert [place.tensor for place in one.places] == ["conv"]


@pytest.mark.parametrize(("ignored", "targets", "apart"), [
    (None, [[[0, 1], [-7, -7]]], True), (-7, [[[0, 1], [-7, -7]]], False), (-7, [[[-7, -7], [0, 1]]], True),
    (0, [[[0, 1], [1, 0]]], False),
])  # fmt: skip
def test_what_is_predicted_for_targets_that_no_loss_counts_is_not_compared(
    ignored: int | None, targets: Any, apart: bool
) -> None:
    sides = [
        Invented(values={("batch", "y"): np.array(targets, np.float64), ("metric", "predictions"): np.array(one)})
        for one in ([[[0.5, 0.25], [0.75, 1.0]]], [[[0.5, 0.25], [0.75, 2.0]]])
    ]
    found = compare_tensors(judge(ignored=ignored), 1, dict(zip(("keras", "torch"), sides, strict=True)), rounding())
    assert [one.name for one in found] == ([("metric", "predictions")] if apart else [])
