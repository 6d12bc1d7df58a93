"""Digests: linear, the same however a tensor lies, as good an estimate as they say, and the same in every version."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from parity.run import digest as module
from parity.run import randomness
from parity.run.digest import PROJECTIONS, RECORD, RESOLUTION, apart, digest, minus, signs

NAN, INF = math.nan, math.inf
UNIT = {np.float32: 2.0**-24, np.float64: 2.0**-53}
KINDS = (np.float32, np.float64)

# Written down once, and never to be changed: traces of different versions are compared with each other.
GOLDEN_NORM = math.sqrt(55.0)
GOLDEN_PROJECTIONS = [15, -5, 1, 3, 3, 9, -1, -9, 5, -5, -1, 5, -3, 3, 3, -9]
GOLDEN_SIGNS = {
    0: ("+++-+-+++------+", "++++--+++---+++-"),
    1: ("+-++-+-++++----+", "+++-------++++++"),
}


def random(*shape: int, seed: int = 0, kind: type = np.float64) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(kind)


def estimate(value: np.ndarray) -> float:
    """Return the norm as the projections give it, relative to the norm."""
    return float(np.sqrt(np.mean(digest(value)["projections"] ** 2)) / np.linalg.norm(value))


def direct(value: np.ndarray) -> np.ndarray:
    """Return the projections by their definition, the sum over s_0[i] s_1[j] ... x[i, j, ...], exactly rounded."""
    every = [signs(axis, length, "<f8") for axis, length in enumerate(value.shape)]
    found = np.zeros(PROJECTIONS)
    for k in range(PROJECTIONS):
        terms = [
            float(value[index]) * math.prod(one[i, k] for one, i in zip(every, index, strict=True))
            for index in np.ndindex(value.shape)
        ]
        found[k] = math.fsum(terms)
    return found


# ------------------------------------------------------------------------------------------------- published


def test_a_digest_is_what_it_always_was() -> None:
    found = digest(np.arange(6.0).reshape(2, 3))
    assert found["norm"] == GOLDEN_NORM
    assert found["projections"].tolist() == GOLDEN_PROJECTIONS
    assert digest(np.arange(6.0, dtype=np.float32).reshape(2, 3))["projections"].tolist() == GOLDEN_PROJECTIONS
    assert RECORD.itemsize == 136
    assert found.tobytes() == np.array([GOLDEN_NORM, *GOLDEN_PROJECTIONS]).tobytes()


def test_the_signs_are_what_they_always_were() -> None:
    for axis, rows in GOLDEN_SIGNS.items():
        found = signs(axis, 2, "<f8")
        assert tuple("".join("+" if one > 0 else "-" for one in row) for row in found) == rows


def test_signs_are_the_bits_of_the_shared_generator() -> None:
    """Four elements a word, from its lowest bit on: on a machine of any byte order."""
    words = [int(word) for word in randomness.raw(0, randomness.DIGEST, 3, 0, 2)]
    wanted = [[1.0 if words[i // 4] >> (i % 4 * 16 + k) & 1 else -1.0 for k in range(16)] for i in range(7)]
    assert signs(3, 7, "<f8").tolist() == wanted


@given(st.integers(0, 5), st.integers(0, 70), st.integers(0, 70))
def test_the_signs_of_a_longer_axis_begin_with_those_of_a_shorter_one(axis: int, a: int, b: int) -> None:
    short, long = sorted((a, b))
    assert np.array_equal(signs(axis, long, "<f8")[:short], signs(axis, short, "<f8"))


def test_signs_are_signs_half_of_each_and_no_two_axes_have_the_same() -> None:
    every = [signs(axis, 4000, "<f4") for axis in range(4)]
    for one in every:
        assert set(np.unique(one)) == {-1.0, 1.0}
        assert one.dtype == np.float32
        assert abs(one.mean()) < 0.02
        between = one.T @ one / len(one) - np.eye(PROJECTIONS)
        assert np.abs(between).max() < 0.08, "projections are independent of each other"
    for one, two in itertools.combinations(every, 2):
        assert abs((one * two).mean()) < 0.02


# --------------------------------------------------------------------------------------------- what it is

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6)
VALUES = st.floats(-1e3, 1e3, width=32)


@st.composite
def tensors(draw: st.DrawFn, count: int = 1, whole: bool = False) -> list[np.ndarray]:
    """Return tensors of one shape."""
    shape, kind = draw(SHAPES), draw(st.sampled_from(KINDS))
    elements = st.integers(-50, 50).map(float) if whole else VALUES
    return [draw(hnp.arrays(kind, shape, elements=elements)) for _ in range(count)]


@given(tensors(whole=True))
def test_a_digest_is_the_sum_that_it_says_it_is(one: list[np.ndarray]) -> None:
    (value,) = one
    found = digest(value)
    assert found["projections"].tolist() == direct(value.reshape(value.shape or (1,))).tolist()
    assert found["norm"] == pytest.approx(np.linalg.norm(value.ravel()), rel=1e-6)


@given(tensors(count=2, whole=True), st.integers(-9, 9))
def test_a_digest_is_linear(both: list[np.ndarray], factor: int) -> None:
    a, b = both
    sum_of = digest(a + factor * b)["projections"]
    assert np.array_equal(sum_of, digest(a)["projections"] + factor * digest(b)["projections"])


@given(tensors(), st.randoms(use_true_random=False))
def test_the_digest_of_a_tensor_that_lies_otherwise_is_the_same(one: list[np.ndarray], shuffle: object) -> None:
    (value,) = one
    wanted, norm = digest(value), float(np.linalg.norm(value.astype(np.float64).ravel()))
    within = RESOLUTION * UNIT[value.dtype.type] * norm
    for axes in itertools.permutations(range(value.ndim)):
        for lies in (value.transpose(axes), np.ascontiguousarray(value.transpose(axes))):
            found = digest(lies, axes)
            assert np.abs(found["projections"] - wanted["projections"]).max() <= within
            assert abs(found["norm"] - wanted["norm"]) <= within


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "shape",
    [(100_000, 3), (3, 100_000), (1000, 600), (3, 3, 64, 96), (300_001,), (1, 300_001, 1), (5, 70, 1, 900)],
    ids=str,
)
@pytest.mark.parametrize("sign", [np.array, np.abs], ids=["mixed", "positive"])
def test_large_tensors_that_lie_otherwise_stay_within_the_resolution(
    shape: tuple[int, ...], kind: type, sign: Callable[[np.ndarray], np.ndarray]
) -> None:
    """Long rows too: their sums are the ones in which rounding grows."""
    value = sign(random(*shape, kind=kind))
    found = [
        digest(np.ascontiguousarray(value.transpose(axes)), axes) for axes in itertools.permutations(range(len(shape)))
    ]
    exact = digest(value.astype(np.float64))
    for one in found:
        assert apart(exact, one) <= RESOLUTION * UNIT[kind] / 2
        assert one["norm"] == pytest.approx(exact["norm"], rel=RESOLUTION * UNIT[kind] / 2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(7,), (65, 3), (300_000,), (64, 50, 90)], ids=str)
def test_equal_tensors_that_lie_alike_have_the_same_bytes(shape: tuple[int, ...], kind: type) -> None:
    """Wherever in memory they are: sums must not depend on how an array is aligned."""
    value = random(*shape, kind=kind)
    wanted = digest(value).tobytes()
    room = np.zeros(value.size + 16, kind)
    for offset in range(0, 16, 3):
        room[offset : offset + value.size] = value.ravel()
        assert digest(room[offset : offset + value.size].reshape(shape)).tobytes() == wanted
    bytewise = np.zeros(value.nbytes + 1, np.uint8)
    bytewise[1:] = value.reshape(-1).view(np.uint8)
    assert digest(bytewise[1:].view(kind).reshape(shape)).tobytes() == wanted


def test_how_many_elements_are_projected_at_once_is_no_matter_of_size(monkeypatch: pytest.MonkeyPatch) -> None:
    value = np.random.default_rng(0).integers(-9, 9, size=(50, 6, 40)).astype(np.float64)
    wanted = digest(value).tobytes()
    for block, piece in ((1, 1), (7, 3), (1 << 18, 5), (130, 1 << 12)):
        monkeypatch.setattr(module, "BLOCK", block)
        monkeypatch.setattr(module, "PIECE", piece)
        assert digest(value).tobytes() == wanted


def test_other_axes_are_another_digest() -> None:
    value = random(4, 4)
    assert apart(digest(value), digest(value.T)) > 0.1
    assert apart(digest(value), digest(value, [1, 0])) > 0.1
    assert apart(digest(value.T, [1, 0]), digest(value)) < 1e-14


@pytest.mark.parametrize("kind", [np.float16, np.int32, np.int64, np.bool_])
def test_other_types_are_taken_as_float64(kind: type) -> None:
    value = np.array([[1, 0, 1], [0, 1, 1]], kind)
    assert digest(value).tobytes() == digest(value.astype(np.float64)).tobytes()


# ------------------------------------------------------------------------------------------- the estimate


@pytest.mark.parametrize(
    ("draw", "within_two", "least"),
    [
        (lambda rng: rng.normal(size=(40, 30)), 0.995, 1 / 3),
        (lambda rng: np.outer(rng.normal(size=40), rng.normal(size=30)), 0.93, 1 / 5),
        (lambda rng: np.einsum("i,j,k,l->ijkl", *(rng.normal(size=n) for n in (3, 3, 16, 32))), 0.7, 1 / 50),
    ],
    ids=["spread", "outer product of two", "outer product of four"],
)
def test_the_estimate_is_as_good_as_the_docstring_says(
    draw: Callable[[np.random.Generator], np.ndarray], within_two: float, least: float
) -> None:
    rng = np.random.default_rng(5)
    found = np.array([estimate(draw(rng)) for _ in range(2000)])
    assert ((found > 0.5) & (found < 2.0)).mean() >= within_two
    assert found.min() >= least
    assert np.mean(found**2) == pytest.approx(1.0, abs=0.05), "its square is right in the mean"


def test_the_estimate_is_seldom_below_a_tenth_even_for_the_worst() -> None:
    rng = np.random.default_rng(6)
    found = np.array(
        [estimate(np.einsum("i,j,k,l->ijkl", *(rng.normal(size=n) for n in (3, 3, 8, 8)))) for _ in range(2000)]
    )
    assert (found < 0.1).mean() <= 0.003


@given(tensors(whole=True), st.integers(0, 10**6), st.integers(1, 99))
def test_a_difference_in_one_element_is_exact(one: list[np.ndarray], place: int, by: int) -> None:
    (value,) = one
    if not value.size or not np.linalg.norm(value.ravel()):
        return
    other = value.copy()
    other.reshape(-1)[place % value.size] += by
    wanted = by / digest(value)["norm"]
    assert apart(digest(value), digest(other)) == pytest.approx(wanted, rel=1e-12)


def test_the_estimate_of_a_pair_is_that_of_its_difference() -> None:
    a = random(30, 20)
    b = a + 1e-3 * random(30, 20, seed=1)
    wanted = np.linalg.norm(a - b) / np.linalg.norm(a)
    assert 0.5 * wanted < apart(digest(a), digest(b)) < 2 * wanted


def test_an_update_is_the_difference_of_digests() -> None:
    before, update = random(30, 20), 1e-3 * random(30, 20, seed=1)
    found = minus(digest(before + update), digest(before))
    direct_one = digest(update)
    assert np.allclose(found["projections"], direct_one["projections"], rtol=0, atol=1e-12)
    assert 0.5 < found["norm"] / direct_one["norm"] < 2.0, "its norm is estimated"
    assert apart(found, direct_one) < 1e-12
    nothing = minus(digest(before), digest(before))
    assert nothing["norm"] == 0.0
    assert not nothing["projections"].any()


# ------------------------------------------------------------------------------------------------- edges


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (3, 0, 100), (100, 3, 0), (0, 0)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_tensor_has_a_digest_of_zeros(shape: tuple[int, ...], kind: type) -> None:
    value = np.zeros(shape, kind)
    for axes in itertools.permutations(range(len(shape))):
        assert digest(value.transpose(axes), axes).tobytes() == bytes(136)


@pytest.mark.parametrize("kind", KINDS)
def test_a_scalar_is_a_tensor_of_one_element(kind: type) -> None:
    found = digest(np.array(-3.0, kind))
    assert found["norm"] == 3.0
    assert np.abs(found["projections"]).tolist() == [3.0] * PROJECTIONS
    assert digest(np.array(-3.0, kind), []).tobytes() == found.tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_what_is_not_finite_is_seen_and_is_like_nothing_else(kind: type, bad: float) -> None:
    good, broken = np.ones((8, 9), kind), np.ones((8, 9), kind)
    broken[3, 4] = bad
    other = np.ones((8, 9), kind)
    other[0, 0] = bad
    assert not np.isfinite(digest(broken)["norm"])
    assert apart(digest(good), digest(broken)) == INF
    assert apart(digest(broken), digest(good)) == INF
    assert apart(digest(broken), digest(broken.copy())) == 0.0, "NaN in the same places is no difference"
    assert apart(digest(broken), digest(2 * other)) in (0.0, INF)


def test_the_rules_of_apart() -> None:
    zero, one = np.zeros(4), np.array([3.0, 4.0, 0.0, 0.0])
    assert apart(digest(zero), digest(zero)) == 0.0
    assert apart(digest(zero), digest(-zero)) == 0.0
    assert apart(digest(zero), digest(one)) == INF
    assert apart(digest(one), digest(zero)) == pytest.approx(estimate(one))
    assert apart(digest(one), digest(one)) == 0.0
    assert apart(digest(one), digest(-one)) == pytest.approx(2 * estimate(one))


@pytest.mark.parametrize(
    ("kind", "scale"),
    [(np.float32, 1e25), (np.float32, 1e-25), (np.float32, 2e-41), (np.float64, 1e250), (np.float64, 1e-250)],
)
def test_numbers_whose_squares_are_lost_are_measured_all_the_same(kind: type, scale: float) -> None:
    """The second moments that Adam keeps of small gradients: 1e-23, of which the square is 0 in float32."""
    value = (random(20, 30) * scale).astype(kind)
    wanted = float(np.linalg.norm(value.astype(np.float64) / scale)) * scale
    assert digest(value)["norm"] == pytest.approx(wanted, rel=1e-6)
    assert apart(digest(value), digest(value * kind(1.5))) == pytest.approx(
        0.5 * estimate(value / kind(scale)), rel=1e-3
    )
    assert digest(np.abs(value))["norm"] == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(
    "scales", [(1e-19, 1e-19), (1e-17, 1e-21), (1.0, 1e-25), (1e-25, 0.0), (1e17, 1.0), (0.0, 0.0)]
)
def test_blocks_of_any_size_are_squared_rightly(scales: tuple[float, float]) -> None:
    """Where a block's squares are subnormal numbers in float32, where none is left of them, where there are none."""
    blocks = [random(module.BLOCK // 64, 64, seed=seed) * scale for seed, scale in enumerate(scales)]
    value = np.concatenate(blocks).astype(np.float32)
    wanted = float(np.linalg.norm(value.astype(np.float64)))
    assert digest(value)["norm"] == pytest.approx(wanted, rel=1e-6, abs=0.0)


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_large_and_small_differences_of_digests_are_differences(scale: float) -> None:
    a, b = digest(np.array([1.0, 2.0]) * scale), digest(np.array([1.0, 2.5]) * scale)
    assert apart(a, b) == pytest.approx(0.5 / math.sqrt(5.0))
    assert minus(a, b)["norm"] == pytest.approx(0.5 * scale)
