"""Free runs judged by twins: gaps, the horizon of rounding, and what is and is not claimed about two sides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.compare.free import (
    ALLOWED,
    LEAST,
    VISIBLE,
    FreeVerdict,
    Series,
    digest_gap,
    envelope,
    growth_of,
    horizon_of,
    judge_free,
    loss_gap,
)
from parity.run.digest import RECORD, apart, digest

NAN, INF = math.nan, math.inf
LOSS = ("loss", "loss")
KERNEL, BIAS = ("weights", "a.kernel"), ("weights", "a.bias")


# -------------------------------------------------------------------------------------------------- gaps


@pytest.mark.parametrize(
    ("a", "b", "gap"),
    [
        ([2.0, 4.0], [2.0, 3.0], [0.0, 0.25]),
        ([2.0, 4.0, 6.0], [2.0], [0.0]),
        ([], [1.0], []),
        ([-2.0], [2.0], [2.0]),
        ([0.0, 0.0], [0.0, 1e-9], [0.0, INF]),
        ([NAN, NAN, 1.0], [NAN, 1.0, NAN], [0.0, INF, INF]),
        ([INF, INF, INF, 1.0], [INF, -INF, 1.0, INF], [0.0, INF, INF, INF]),
        ([INF, NAN], [NAN, INF], [INF, INF]),
    ],
)
def test_the_gap_of_two_loss_curves(a: list[float], b: list[float], gap: list[float]) -> None:
    assert loss_gap(a, b).tolist() == gap


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=9))
def test_a_gap_is_a_number_that_is_0_for_equal_losses_only(pairs: list[tuple[float, float]]) -> None:
    gap = loss_gap([a for a, _ in pairs], [b for _, b in pairs])
    assert (gap >= 0.0).all()
    for (a, b), one in zip(pairs, gap, strict=True):
        if a == b or (math.isnan(a) and math.isnan(b)):
            assert one == 0.0
        elif math.isfinite(a) and math.isfinite(b) and abs(a) > 1e-300:
            assert one > 0.0 or abs(a - b) == 0.0


def trace_of(values: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([digest(value) for value in values], RECORD)


def test_the_gap_of_a_tensor_is_that_of_its_digests() -> None:
    rng = np.random.default_rng(0)
    values = [rng.normal(size=(5, 4)) for _ in range(4)]
    others = [values[0], values[1] + 1e-6, 2 * values[2], values[3]]
    a, b = trace_of(values), trace_of(others)
    found = digest_gap(a, b)
    assert found.tolist() == pytest.approx([apart(one, two) for one, two in zip(a, b, strict=True)])
    assert found[0] == found[3] == 0.0
    assert found[1] > 1e-8
    assert digest_gap(a, b[:2]).tolist() == found[:2].tolist()
    assert digest_gap(a[:0], b).shape == (0,)


def test_the_gap_of_tensors_that_are_no_numbers_or_nothing() -> None:
    zero, one, nan, inf = np.zeros(3), np.ones(3), np.array([1.0, NAN, 1.0]), np.array([1.0, INF, 1.0])
    pairs = [(zero, zero), (zero, one), (one, nan), (nan, one), (nan, nan), (inf, inf), (inf, one)]
    found = digest_gap(trace_of([a for a, _ in pairs]), trace_of([b for _, b in pairs]))
    assert found.tolist() == [0.0, INF, INF, INF, 0.0, 0.0, INF]


# ------------------------------------------------------------------------------------------- invented runs


def curve(steps: int, start: float = 1e-7, growth: float = 1.1, most: float = 1.0, seed: int | None = 0) -> np.ndarray:
    """Return a gap that grows exponentially until it is as large as the loss, unevenly as real ones do."""
    uneven = 1.0 if seed is None else np.exp(np.random.default_rng(seed).normal(scale=0.7, size=steps))
    return np.minimum(start * growth ** np.arange(steps) * uneven, most)


def flat(steps: int, gap: float = 1e-7) -> np.ndarray:
    return np.full(steps, gap)


def series(loss: Any, **tensors: Any) -> Series:
    return {LOSS: np.asarray(loss, float)} | {("weights", name.replace("_", ".")): one for name, one in tensors.items()}


def judged(pair: Series, *twins: Series, precision: str = "float32") -> FreeVerdict:
    return judge_free("keras", "torch", pair, twins, precision)


def test_the_horizon_is_the_first_step_in_which_a_twin_is_visibly_apart() -> None:
    assert horizon_of([np.array([0.0, VISIBLE, 2 * VISIBLE, 0.0])]) == 3
    assert horizon_of([np.array([0.0, 0.0, 0.0, 1.0]), np.array([0.0, 0.5, 0.0, 0.0])]) == 2
    assert horizon_of([np.array([INF])]) == 1
    assert horizon_of([flat(9), flat(9, VISIBLE)]) is None
    assert horizon_of([]) is None


@pytest.mark.parametrize("growth", [1.01, 1.05, 1.2, 2.0])
def test_growth_is_read_off_an_exponential(growth: float) -> None:
    assert growth_of([curve(300, 1e-9, growth, seed=None)]) == pytest.approx(growth, rel=1e-9)
    uneven = growth_of([curve(300, 1e-9, growth, seed=number) for number in range(5)])
    assert uneven is not None
    assert math.log(uneven) == pytest.approx(math.log(growth), rel=0.5)


def test_where_nothing_grows_there_is_no_growth_to_tell() -> None:
    assert growth_of([]) is None
    assert growth_of([np.zeros(20)]) is None
    assert growth_of([np.array([1e-9, 1e-8, 0.5, 0.9])]) is None, "two steps are no line"
    assert growth_of([flat(50)]) == pytest.approx(1.0)


@pytest.mark.parametrize("precision", LEAST)
def test_rounding_is_allowed_one_steps_own_and_what_the_twins_do_a_little_later(precision: str) -> None:
    nothing = envelope([np.zeros(30)], precision)
    assert nothing.tolist() == [LEAST[precision]] * 30
    one = envelope([curve(200, 1e-6, 1.05, seed=None)], precision)
    assert (np.diff(one) >= 0.0).all()
    twin = curve(200, 1e-6, 1.05, seed=None)
    assert one[100] == pytest.approx(ALLOWED * twin[158] + LEAST[precision])
    assert one[-1] == pytest.approx(ALLOWED * twin[-1] + LEAST[precision])
    both = envelope([np.zeros(200), twin], precision)
    assert both.tolist() == one.tolist(), "the larger twin counts"


def test_a_twin_that_was_further_once_still_counts() -> None:
    gap = np.zeros(40)
    gap[3] = 0.5
    assert (envelope([gap], "float32") >= ALLOWED * 0.5)[3:].all()


# ---------------------------------------------------------------------------------------------- verdicts


def test_without_a_step_or_a_twin_nothing_is_said() -> None:
    assert judged(series([]), series([])).verdict == "inconclusive"
    assert judged(series([]), series([])).reason == "no step was taken by both"
    alone = judged(series(flat(9, 0.5)))
    assert (alone.verdict, alone.reason) == ("inconclusive", "no twin ran, so what rounding does is not known")


def test_bit_for_bit_is_identical_whatever_the_twins_do() -> None:
    found = judged(series(np.zeros(50), a_kernel=np.zeros(50)), series(curve(50, growth=2.0)))
    assert (found.verdict, found.reason) == ("identical", "bit for bit, in 50 steps")
    assert (found.largest, found.gap, found.first) == (0.0, 0.0, None)
    assert found.horizon is not None


def test_runs_that_become_nan_alike_are_identical() -> None:
    values = [np.ones(3), np.array([NAN, 1.0, 1.0])]
    pair = {LOSS: loss_gap([1.0, NAN], [1.0, NAN]), KERNEL: digest_gap(trace_of(values), trace_of(values))}
    assert judged(pair, {LOSS: flat(2), KERNEL: flat(2)}).verdict == "identical"


def test_equal_losses_of_other_weights_are_not_identical() -> None:
    gap = np.zeros(20)
    gap[10] = 1e-9
    assert judged(series(np.zeros(20), a_kernel=gap), series(flat(20), a_kernel=flat(20))).verdict == "rounding"


def test_a_pair_that_grows_as_its_twin_does_is_rounding_and_the_horizon_is_told() -> None:
    twin, pair = curve(300, seed=1), curve(300, 3e-7, seed=2)
    found = judged(series(pair), series(twin))
    assert found.verdict == "rounding"
    assert found.horizon == int(np.argmax(twin > VISIBLE)) + 1
    assert found.growth == pytest.approx(1.1, rel=0.05)
    assert found.largest == pair.max() == 1.0
    assert found.gap == pair[: found.horizon - 1].max()
    assert f"up to step {found.horizon}, its horizon" in found.reason
    assert "say nothing about the sides" in found.reason


def test_a_pair_that_stays_together_to_the_end_is_rounding_without_a_horizon() -> None:
    found = judged(series(flat(100, 3e-7)), series(flat(100)))
    assert (found.verdict, found.horizon) == ("rounding", None)
    assert found.reason == "rounding explains every gap in 100 steps (the losses differ by 3.0e-07 at most)"
    assert found.gap == found.largest == 3e-7


@pytest.mark.parametrize("step", [1, 2, 40, 100])
def test_a_real_difference_before_the_horizon_is_found_where_it_begins(step: int) -> None:
    twin, pair = curve(300, growth=1.05, seed=1), curve(300, growth=1.05, seed=2)
    horizon = horizon_of([twin])
    assert horizon is not None
    assert horizon > 120
    pair[step - 1 :] = np.maximum(pair[step - 1 :], 0.1)
    found = judged(series(pair), series(twin))
    assert found.verdict == "divergent"
    assert found.first == (step, *LOSS)
    assert found.reason.startswith(f"they part at step {step}, loss, loss: by 1.0e-01, rounding explains ")
    assert (found.horizon, found.gap >= 0.1) == (horizon, True)


def test_a_difference_beyond_the_horizon_is_not_claimed() -> None:
    twin, pair = curve(300, seed=1), curve(300, seed=2)
    horizon = horizon_of([twin])
    assert horizon is not None
    pair[horizon + 5 :] = 50.0
    found = judged(series(pair), series(twin))
    assert (found.verdict, found.first, found.largest) == ("rounding", None, 50.0)
    assert found.gap < 0.5


def test_a_difference_in_a_tensor_is_found_while_the_losses_do_not_show_it() -> None:
    gap = flat(60)
    gap[20:] = 1e-3
    pair = series(flat(60), a_bias=flat(60), a_kernel=gap)
    found = judged(pair, series(flat(60), a_bias=flat(60), a_kernel=flat(60)))
    assert (found.verdict, found.first) == ("divergent", (21, *KERNEL))


def test_of_several_tensors_the_first_step_and_then_the_first_in_it_is_named() -> None:
    early, late = flat(60), flat(60)
    early[10:], late[20:] = 1.0, 1.0
    twin = series(flat(60), a_kernel=flat(60), a_bias=flat(60))
    assert judged(series(late, a_kernel=late, a_bias=early), twin).first == (11, *BIAS)
    assert judged(series(late, a_kernel=early, a_bias=early), twin).first == (11, *KERNEL)


def test_every_tensor_is_held_against_its_own_twin() -> None:
    """A gradient close to 0 is all rounding; what is normal for it is far out for a weight."""
    pair = series(flat(60), a_kernel=flat(60, 1e-2))
    assert judged(pair, series(flat(60), a_kernel=flat(60, 5e-3))).verdict == "rounding"
    assert judged(pair, series(flat(60), a_kernel=flat(60))).verdict == "divergent"


def test_a_tensor_that_no_twin_has_is_not_judged_and_one_that_some_have_is() -> None:
    pair = series(flat(60), a_kernel=flat(60, 0.5))
    assert judged(pair, series(flat(60))).verdict == "rounding"
    both = judged(pair, series(flat(60)), series(flat(60), a_kernel=flat(60)))
    assert (both.verdict, both.first) == ("divergent", (1, *KERNEL))


def test_a_loss_that_becomes_nan_on_one_side_only_is_divergent() -> None:
    gap = loss_gap([1.0] * 40, [1.0] * 20 + [NAN] * 20)
    found = judged(series(gap), series(flat(40)))
    assert (found.verdict, found.first, found.largest) == ("divergent", (21, *LOSS), INF)


def test_a_twin_that_runs_longer_than_the_pair_is_read_as_far_as_that() -> None:
    late = np.concatenate([flat(40), np.ones(40)])
    found = judged(series(flat(40, 1e-3)), series(late))
    assert (found.verdict, found.horizon) == ("divergent", None)


def test_each_precision_is_allowed_its_own_rounding() -> None:
    quiet = series(np.zeros(30))
    for precision, least in LEAST.items():
        assert judged(series(flat(30, 0.9 * least)), quiet, precision=precision).verdict == "rounding"
        assert judged(series(flat(30, 1.1 * least)), quiet, precision=precision).verdict == "divergent"


GROWTHS = st.floats(1.0, 1.5)


@given(
    steps=st.integers(1, 120), growth=GROWTHS, seed=st.integers(0, 2**32 - 1), share=st.floats(0.0, 1.0),
    precision=st.sampled_from(sorted(LEAST)),
)  # fmt: skip
def test_a_pair_no_further_apart_than_its_twin_never_alarms(
    steps: int, growth: float, seed: int, share: float, precision: str
) -> None:
    twin = curve(steps, LEAST[precision] / 64, growth, seed=seed)
    found = judged(series(share * twin, a_kernel=share * twin), series(twin, a_kernel=twin), precision=precision)
    assert found.verdict in ("rounding", "identical"), found.reason


@given(growth=GROWTHS, one=st.integers(0, 2**32 - 1), two=st.integers(0, 2**32 - 1), ahead=st.floats(0.1, 5.0))
def test_a_pair_that_is_another_draw_of_the_same_growth_never_alarms(
    growth: float, one: int, two: int, ahead: float
) -> None:
    pair, twin = curve(150, ahead * 1e-7, growth, seed=one), curve(150, 1e-7, growth, seed=two)
    found = judged(series(pair), series(twin))
    assert found.verdict == "rounding", found.reason


@given(growth=st.floats(1.0, 1.06), seed=st.integers(0, 2**32 - 1), step=st.integers(1, 50))
def test_a_loss_off_by_a_tenth_in_one_step_before_the_horizon_always_alarms(
    growth: float, seed: int, step: int
) -> None:
    twin = curve(150, 1e-7, growth, seed=seed)
    pair = twin.copy()
    pair[step - 1] = 0.1
    found = judged(series(pair), series(twin))
    assert (found.verdict, found.first) == ("divergent", (step, *LOSS))
