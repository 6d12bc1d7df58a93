"""Judging on invented steps: how far apart tensors are, what is noise, which place comes first, what is said of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from parity.compare import measure
from parity.compare.judge import MARGIN, PHASES, UNIT, Judge
from parity.compare.lockstep import compare_initial, compare_step, compare_weights
from parity.compare.measure import relative_difference, relative_gap

NAN, INF = math.nan, math.inf
TINY, HUGE = 5e-324, 1.7e308
TWIN = "(twin)"


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


# ------------------------------------------------------------------------------------------------ verdicts


def judge(**fields: Any) -> Judge:
    return Judge(a="keras", b="torch", **fields)


ROUNDING = 10 * UNIT["float64"]
"""A difference that two ways of summing may have."""


def test_no_step_is_no_verdict() -> None:
    assert judge().verdict() == ("inconclusive", "no step was compared")


def test_nothing_apart_is_identical() -> None:
    one = judge()
    one.add(1, "forward", "dense", (4, 2), 0.0)
    assert one.verdict() == ("identical", "bit for bit, in every tensor of 1 step")
    one.add(2, "loss", "loss", (), 0.0)
    assert one.verdict() == ("identical", "bit for bit, in every tensor of 2 steps")


def test_a_little_apart_is_rounding_and_the_largest_is_named() -> None:
    one = judge()
    one.add(1, "forward", "dense", (4, 2), ROUNDING)
    one.add(3, "update", "dense.bias", (2,), 3 * ROUNDING)
    one.add(4, "loss", "loss", (), 2 * ROUNDING)
    assert one.verdict() == (
        "rounding",
        "nothing beyond rounding in 4 steps: the largest difference of any tensor is 3.3e-15 "
        "(update, dense.bias, step 3)",
    )


def test_far_apart_is_divergent_from_its_first_place_on() -> None:
    one = judge()
    one.add(1, "forward", "dense", (4, 2), ROUNDING)
    one.add(2, "gradient", "dense.kernel", (3, 2), 0.5)
    one.add(2, "update", "dense.kernel", (3, 2), 7.0)
    assert one.verdict() == (
        "divergent",
        "first at step 2, gradient, dense.kernel: they differ by 5.0e-01, rounding explains 1.1e-14",
    )
    assert one.first is not None
    assert (one.first.step, one.first.phase, one.first.tensor, one.first.shape) == (
        2,
        "gradient",
        "dense.kernel",
        (3, 2),
    )
    overall = one.overall()
    assert overall is not None
    assert (overall.phase, overall.difference) == ("update", 7.0)


def test_the_edge_of_noise_is_still_noise() -> None:
    one = judge()
    noise = MARGIN * UNIT["float64"]
    assert not one.add(1, "forward", "dense", (), noise).beyond
    assert one.add(1, "forward", "dense", (), float(np.nextafter(noise, 1))).beyond


def test_a_difference_that_is_no_number_is_beyond_everything() -> None:
    assert judge().add(1, "forward", "dense", (), NAN).beyond
    assert judge().add(1, "forward", "dense", (), INF, twin=1.0).beyond


def test_each_precision_has_its_own_unit() -> None:
    one = judge(precision="float32")
    assert not one.add(1, "forward", "dense", (), 5e-6).beyond
    assert judge().add(1, "forward", "dense", (), 5e-6).beyond


def test_the_twin_says_what_noise_is_and_the_largest_one_counts() -> None:
    one = judge()
    assert one.add(1, "gradient", "a", (), 0.0, twin=1e-9).noise == MARGIN * 1e-9
    assert one.add(2, "gradient", "a", (), 0.0).noise == MARGIN * 1e-9, "steps without a twin remember it"
    assert one.add(17, "gradient", "a", (), 0.0, twin=1e-12).noise == MARGIN * 1e-9
    assert one.add(33, "gradient", "a", (), 0.0, twin=1e-6).noise == MARGIN * 1e-6
    assert one.add(33, "gradient", "b", (), 0.0).noise == MARGIN * UNIT["float64"], "each tensor has its own"
    assert one.add(33, "update", "a", (), 0.0).noise == MARGIN * UNIT["float64"], "in each phase"


@pytest.mark.parametrize("twin", [NAN, INF, 0.0])
def test_a_twin_that_tells_nothing_leaves_the_unit(twin: float) -> None:
    assert judge().add(1, "gradient", "a", (), 0.0, twin=twin).noise == MARGIN * UNIT["float64"]


@pytest.mark.parametrize("phase", ["batch", "weights"])
def test_what_is_handed_over_has_no_noise(phase: str) -> None:
    one = judge()
    assert one.add(1, phase, "x", (), TINY, twin=1.0).beyond
    assert one.verdict()[0] == "divergent"


@pytest.mark.parametrize("order", [PHASES, tuple(reversed(PHASES))])
def test_the_first_place_is_the_first_phase_of_the_first_step(order: tuple[str, ...]) -> None:
    one = judge()
    for step in (3, 2):
        for phase in order:
            one.add(step, phase, "a", (), 0.5)
    assert one.first is not None
    assert (one.first.step, one.first.phase) == (2, "batch")


def test_within_a_phase_the_first_place_is_the_tensor_met_first() -> None:
    one = judge()
    one.add(1, "gradient", "logits.kernel", (), 0.1)
    one.add(1, "gradient", "dense.kernel", (), 0.9)
    assert one.first is not None
    assert one.first.tensor == "logits.kernel"


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
    one.add(1, "forward", "a", (), 0.0)
    assert one.verdict() == ("divergent", says)
    # What is seen of the same cause in a step is not told again; a place where they part is more to the point.
    one.missing("gradient", "a.bias", "keras")
    one.missing("state", "velocity/a.bias", "keras")
    assert len(one.unmatched) == 3
    one.add(1, "gradient", "b.kernel", (2, 2), 0.5)
    assert one.verdict()[1].startswith("first at step 1, gradient, b.kernel: ")


def test_the_same_parameters_say_nothing() -> None:
    one = judge()
    compare_weights(one, {"a.kernel": (3, 2)}, {"a.kernel": [3, 2]})
    assert one.unmatched == []


def test_other_starting_values_are_divergent_at_the_weights() -> None:
    one = judge()
    compare_initial(one, "a.kernel", np.ones(4), np.ones(4))
    assert (one.first, one.steps) == (None, 0)
    assert one.verdict()[0] == "inconclusive", "no step was taken yet"
    compare_initial(one, "b.kernel", np.ones(4), np.array([1, 1, 1, np.nextafter(1, 2)]))
    assert one.verdict() == (
        "divergent",
        "first at step 1, weights, b.kernel: they differ by 1.1e-16, rounding explains 0.0e+00",
    )


def test_tensors_of_one_side_are_told_beside_the_verdict() -> None:
    one = judge()
    one.add(1, "forward", "a", (), 0.0)
    one.missing("state", "m/a.kernel", "torch")
    one.missing("state", "m/a.bias", "torch")
    assert one.unmatched == ["optimizer slot m: only torch has it"]
    assert one.verdict() == (
        "identical", "bit for bit, in every tensor of 1 step; not compared: 1 tensor that only one side has"
    )  # fmt: skip
    one.missing("forward", "b", "keras")
    one.add(2, "forward", "a", (), ROUNDING)
    assert one.verdict() == (
        "rounding",
        "nothing beyond rounding in 2 steps: the largest difference of any tensor is 1.1e-15 (forward, a, step 2); "
        "not compared: 2 tensors that only one side has",
    )


def test_what_is_not_finite_on_both_sides_alike_settles_nothing() -> None:
    one = judge()
    one.add(1, "forward", "a", (), 0.0)
    one.add(2, "forward", "a", (), 0.0, finite=False)
    assert one.verdict() == ("inconclusive", "keras is not finite from step 2 on, on both sides alike")


def test_what_parts_after_the_reference_is_lost_settles_nothing() -> None:
    one = judge()
    one.add(2, "update", "a", (), 0.0, finite=False)
    one.add(3, "forward", "a", (), INF)
    assert one.verdict() == ("inconclusive", "keras is not finite from step 2 on")


def test_what_parts_before_or_when_the_reference_is_lost_is_divergent() -> None:
    one = judge()
    one.add(2, "loss", "loss", (), INF, finite=False)
    one.add(3, "forward", "a", (), 0.0, finite=False)
    assert one.verdict()[0] == "divergent"
    assert one.verdict()[1].startswith("first at step 2, loss, loss: they differ by inf, ")


def test_each_phase_keeps_its_largest_difference_and_its_tensors() -> None:
    one = judge()
    for step, difference in enumerate([1e-16, 3e-16, 2e-16], start=1):
        one.add(step, "forward", "a", (), difference)
        one.add(step, "forward", "b", (), difference / 2)
        one.add(step, "loss", "loss", (), 0.0)
    assert {phase: (seen.step, seen.tensor, seen.difference) for phase, seen in one.largest.items()} == {
        "forward": (2, "a", 3e-16), "loss": (1, "loss", 0.0)
    }  # fmt: skip
    assert one.tensors == {"forward": {"a", "b"}, "loss": {"loss"}}
    assert one.steps == 3


# ------------------------------------------------------------------------------------------ invented steps


@dataclass
class Invented:
    """A lockstep step that never ran."""

    number: int
    losses: dict[str, float] = field(default_factory=dict)
    values: dict[str, dict[str, dict[str, np.ndarray]]] = field(default_factory=dict)

    @property
    def names(self) -> Mapping[str, Mapping[str, list[str]]]:
        return {side: {phase: list(told) for phase, told in phases.items()} for side, phases in self.values.items()}

    def tensor(self, side: str, phase: str, name: str) -> np.ndarray:
        return self.values[side][phase][name]

    def put(self, side: str, computed: tuple[float, dict[str, dict[str, np.ndarray]]]) -> None:
        self.losses[side], self.values[side] = computed


State = dict[str, np.ndarray]
Computed = tuple[float, dict[str, dict[str, np.ndarray]]]
LAYERS = ("first", "second", "third")


def state_of(number: int) -> State:
    """Return weights and velocities that only the number decides."""
    rng = np.random.default_rng(number)
    shapes = {f"{layer}.kernel": (5, 5) for layer in LAYERS} | {f"{layer}.bias": (5,) for layer in LAYERS}
    weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return weights | {f"velocity/{name}": rng.normal(size=shape) for name, shape in shapes.items()}


def take_step(number: int, state: State, fault: str = "") -> Computed:
    """Take a step of a network of three tanh layers, squared error and momentum; a fault is planted by name."""
    rng = np.random.default_rng(-number % 1000)
    x, y = rng.normal(size=(6, 5)), rng.normal(size=(6, 5))
    if fault == "other rows":
        x, y = x[::-1], y[::-1]
    outputs = [x]
    for layer in LAYERS:
        z = outputs[-1] @ state[f"{layer}.kernel"] + state[f"{layer}.bias"]
        outputs.append(np.maximum(z, 0) if fault == "relu in second" and layer == "second" else np.tanh(z))
    error = outputs[-1] - y
    loss = float((error**2).sum() if fault == "sum for mean" else (error**2).mean())
    gradients: dict[str, np.ndarray] = {}
    back = 2 * error / error.size
    for index in reversed(range(3)):
        layer = LAYERS[index]
        dz = back * (1 - outputs[index + 1] ** 2)
        gradients[f"{layer}.bias"] = dz.sum(axis=0)
        gradients[f"{layer}.kernel"] = outputs[index].T @ dz
        back = dz @ state[f"{layer}.kernel"].T
        if fault == "cut below third" and layer == "third":
            back = back * 0.999999
    names = [f"{layer}.{name}" for layer in LAYERS for name in ("kernel", "bias")]
    rate = 0.1 * (1 + 1e-9) if fault == "rate a billionth off" else 0.1
    velocity = {name: 0.9 * state[f"velocity/{name}"] - rate * gradients[name] for name in names}
    nesterov = fault == "nesterov"
    update = {name: 0.9 * one - rate * gradients[name] if nesterov else one for name, one in velocity.items()}
    if fault == "velocity rounded":
        velocity = {name: one.astype(np.float32).astype(np.float64) for name, one in velocity.items()}
    return loss, {
        "batch": {"x": x, "y": y},
        "forward": dict(zip(LAYERS, outputs[1:], strict=True)),
        "gradient": {name: gradients[name] for name in names},
        "update": update,
        "state": {f"velocity/{name}": one for name, one in velocity.items()},
    }


def nudge(values: np.ndarray, ups: np.ndarray) -> np.ndarray:
    return np.nextafter(values, np.where(ups, INF, -INF))


def twin_of(number: int, state: State) -> Computed:
    rng = np.random.default_rng(number + 77)
    return take_step(number, {name: nudge(one, rng.random(one.shape) < 0.5) for name, one in state.items()})


def judged(other: Callable[[int, State], Computed], steps: int = 3, twin: bool = True) -> Judge:
    """Return the judge of a right side and another one."""
    one = judge()
    for number in range(1, steps + 1):
        state, step = state_of(number), Invented(number)
        step.put("keras", take_step(number, state))
        step.put("torch", other(number, state))
        if twin and number == 1:
            step.put(TWIN, twin_of(number, state))
        compare_step(one, step, TWIN)
    return one


def test_a_clean_pair_is_identical() -> None:
    assert judged(take_step).verdict() == ("identical", "bit for bit, in every tensor of 3 steps")


@pytest.mark.parametrize(
    ("fault", "phase", "tensor"),
    [
        ("other rows", "batch", "x"),
        ("relu in second", "forward", "second"),
        ("sum for mean", "loss", "loss"),
        ("cut below third", "gradient", "second.bias"),
        ("rate a billionth off", "update", "first.kernel"),
        ("nesterov", "update", "first.kernel"),
        ("velocity rounded", "state", "velocity/first.kernel"),
    ],
)
@pytest.mark.parametrize("begins", [1, 2])
def test_a_planted_fault_is_named_at_its_place(fault: str, phase: str, tensor: str, begins: int) -> None:
    one = judged(lambda number, state: take_step(number, state, fault if number >= begins else ""))
    verdict, says = one.verdict()
    assert verdict == "divergent"
    assert one.first is not None
    assert (one.first.step, one.first.phase, one.first.tensor) == (begins, phase, tensor)
    assert says.startswith(f"first at step {begins}, {phase}, {tensor}: they differ by {one.first.difference:.1e}, ")
    assert one.first.difference > 100 * one.first.noise


@given(st.randoms(use_true_random=False), st.integers(0, 4))
def test_rounding_of_a_few_units_in_every_tensor_is_silent(random: Any, units: int) -> None:
    def rounded(number: int, state: State) -> Computed:
        loss, told = take_step(number, state)
        rng = np.random.default_rng(random.randrange(2**32))

        def moved(values: np.ndarray) -> np.ndarray:
            for _ in range(units):
                values = nudge(values, rng.random(values.shape) < 0.5)
            return values

        computed = {
            phase: {name: one if phase == "batch" else moved(one) for name, one in tensors.items()}
            for phase, tensors in told.items()
        }
        return float(moved(np.array(loss))), computed

    verdict, says = judged(rounded).verdict()
    assert verdict == "rounding" if units % 2 else verdict in ("rounding", "identical"), says


@given(st.permutations(range(6)))
def test_another_order_of_summation_is_silent(order: list[int]) -> None:
    """The same step with the rows summed in another order: what two frameworks do to each other."""

    def reordered(number: int, state: State) -> Computed:
        loss, told = take_step(number, state)
        x, y = (told["batch"][name][order] for name in ("x", "y"))
        hidden, back = [x], None
        for layer in LAYERS:
            hidden.append(np.tanh(hidden[-1] @ state[f"{layer}.kernel"] + state[f"{layer}.bias"]))
        back = 2 * (hidden[-1] - y) / y.size
        gradients = {}
        for index in reversed(range(3)):
            dz = back * (1 - hidden[index + 1] ** 2)
            gradients[f"{LAYERS[index]}.bias"] = sum(dz)
            gradients[f"{LAYERS[index]}.kernel"] = sum(np.outer(h, d) for h, d in zip(hidden[index], dz, strict=True))
            back = dz @ state[f"{LAYERS[index]}.kernel"].T
        return loss, {**told, "gradient": {name: np.asarray(gradients[name]) for name in told["gradient"]}}

    one = judged(reordered)
    assert one.verdict()[0] in ("rounding", "identical")
    assert one.largest["gradient"].difference < 1e-14


def test_without_a_twin_an_ill_conditioned_tensor_is_not_forgiven() -> None:
    """The noise is measured: a sum that cancels is allowed what its twin shows, and not without."""

    def step_with(value: float, twin: float | None) -> Judge:
        one, step = judge(), Invented(1)
        for side, number in {"keras": 1e-6, "torch": value, TWIN: twin}.items():
            if number is not None:
                phases: dict[str, dict[str, np.ndarray]] = {phase: {} for phase in PHASES}
                step.put(side, (1.0, {**phases, "forward": {"sum": np.array([number])}}))
        compare_step(one, step, TWIN)
        return one

    assert step_with(1e-6 + 1e-17, twin=1e-6 + 3e-18).verdict()[0] == "rounding"
    assert step_with(1e-6 + 1e-17, twin=None).verdict()[0] == "divergent"
    assert step_with(1e-6 + 1e-13, twin=1e-6 + 3e-18).verdict()[0] == "divergent"


def test_tensors_are_compared_by_name_and_those_of_one_side_are_told() -> None:
    def renamed(number: int, state: State) -> Computed:
        loss, told = take_step(number, state)
        forward = {"fourth" if name == "third" else name: value for name, value in told["forward"].items()}
        slots = {name.replace("velocity", "m"): value for name, value in told["state"].items()}
        return loss, {**told, "forward": forward, "state": slots}

    one = judged(renamed)
    assert one.unmatched == [
        "third (forward): only keras has it",
        "fourth (forward): only torch has it",
        "optimizer slot velocity: only keras has it",
        "optimizer slot m: only torch has it",
    ]
    assert one.verdict()[1].endswith("; not compared: 4 tensors that only one side has")
    assert one.tensors["forward"] == {"first", "second"}


def test_a_last_layer_seen_before_its_activation_on_one_side_is_not_held_against_it() -> None:
    def seen_as_logits(number: int, state: State) -> Computed:
        loss, told = take_step(number, state)
        forward = {"third.logits" if name == "third" else name: value for name, value in told["forward"].items()}
        return loss, {**told, "forward": forward}

    one = judged(seen_as_logits)
    assert one.unmatched == []
    assert one.tensors["forward"] == {"first", "second"}


def test_a_smaller_last_batch_parts_at_the_batch() -> None:
    def shorter(number: int, state: State) -> Computed:
        loss, told = take_step(number, state)
        return loss, {**told, "batch": {name: value[:5] for name, value in told["batch"].items()}}

    one = judged(shorter)
    assert one.first is not None
    assert (one.first.phase, one.first.difference) == ("batch", INF)


@pytest.mark.parametrize("both", [True, False])
def test_a_single_nan_is_found(both: bool) -> None:
    def broken(number: int, state: State) -> Computed:
        loss, told = take_step(number, state)
        if number == 2:
            told["gradient"]["second.kernel"][3, 4] = NAN
        return loss, told

    if not both:
        one = judged(broken)
        assert one.verdict()[0] == "divergent"
        assert one.first is not None
        assert (one.first.step, one.first.tensor, one.first.difference) == (2, "second.kernel", INF)
        return
    one = judge()
    for number in (1, 2):
        step = Invented(number)
        for side in ("keras", "torch"):
            step.put(side, broken(number, state_of(number)))
        compare_step(one, step, TWIN)
    assert one.verdict() == ("inconclusive", "keras is not finite from step 2 on, on both sides alike")
