"""What threads share has the same bits as from one; and large tensors' digests are the sums they say they are."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from parity.run import digest as module
from parity.run import randomness
from parity.run.digest import PROJECTIONS, RESOLUTION, digest, digests, signs
from parity.run.threads import Threads, at_once, clock_of
from parity.run.worker import Worker

SHAPES = ((600, 2048), (1500, 1024), (400, 5000), (1300, 3, 3, 130), (3, 500_000), (1_300_007,), (40, 30), (), (0, 3))


def tensor(shape: tuple[int, ...], kind: type = np.float32) -> np.ndarray:
    return np.asarray(np.random.default_rng(len(shape)).normal(size=shape)).astype(kind)


THREADS = (1, 2, 3, 5)


@pytest.fixture(params=THREADS)
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(Threads, "count", request.param)
    return request.param


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_digests_have_the_same_bits_for_any_number_of_threads(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = [tensor(shape, kind) for shape in SHAPES]
    monkeypatch.setattr(Threads, "count", 1)
    wanted = [digest(one).tobytes() for one in tensors]
    assert [one.tobytes() for one in digests([(one, None) for one in tensors])] == wanted
    for count in THREADS[1:]:
        monkeypatch.setattr(Threads, "count", count)
        assert [digest(one).tobytes() for one in tensors] == wanted
        assert [one.tobytes() for one in digests([(one, None) for one in tensors])] == wanted


@pytest.mark.parametrize("rate", [0.0, 0.3, float(np.nextafter(1, 0))])
@pytest.mark.parametrize("count", [7, randomness.SHARED - 1, randomness.SHARED, randomness.SHARED + 5, 100_003])
def test_masks_have_the_same_bits_for_any_number_of_threads(threads: int, count: int, rate: float) -> None:
    numbers = np.random.Philox(key=[3, 3], counter=[0, 0, 2, 9]).random_raw(count)
    assert np.array_equal(randomness.keep_mask(3, 9, 2, (count,), rate), numbers >= int(rate * 2**64))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(7, 1023), (50, 1024), (49, 2048), (30, 2049), (3, 4097), (5, 50_000)])
def test_long_rows_are_projected_tile_by_tile_as_they_are_at_once(shape: tuple[int, int], kind: type) -> None:
    value = tensor(shape, kind)
    s, t = (signs(axis, length, "<f8") for axis, length in enumerate(shape))
    wanted = ((value.astype(np.float64) @ t) * s).sum(axis=0)
    off = np.abs(digest(value)["projections"] - wanted).max()
    assert wanted.shape == (PROJECTIONS,)
    assert off <= RESOLUTION * np.finfo(kind).eps / 2 * np.linalg.norm(value.astype(np.float64))


@pytest.mark.parametrize("axes", [(0, 2, 3, 1), (3, 2, 0, 1), (1, 0, 2, 3)])
def test_a_transposed_tensor_is_digested_as_it_lies(axes: tuple[int, ...]) -> None:
    lies = tensor((4, 5, 6, 70))
    seen = lies.transpose(axes)
    assert digest(seen, axes).tobytes() == digest(lies).tobytes()


def test_a_tensor_with_gaps_is_digested_all_the_same() -> None:
    value = tensor((20, 30, 8))
    assert digest(value[::2, :, 1:5]).tobytes() == digest(value[::2, :, 1:5].copy()).tobytes()
    assert digest(value[::-1]).tobytes() == digest(value[::-1].copy()).tobytes()


def test_an_error_in_a_thread_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Threads, "count", 2)
    with pytest.raises(ZeroDivisionError):
        at_once([lambda: 1, lambda: 1 // 0])


def test_a_limit_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Threads, "count", 4)
    Threads.limit(9)
    assert Threads.count == 4
    Threads.limit(1)
    assert Threads.count == 1
    assert at_once([lambda: 5]) == [5]


def test_blocks_hold_whole_tiles() -> None:
    for length in (module.LONG, 2 * module.LONG):
        assert module.BLOCK // length % (module.TILE // length) == 0


def test_the_clock_of_a_run_on_one_thread_does_not_count_what_others_do() -> None:
    """Sleeping stands for waiting until another process leaves the core; threads of this process may do something."""
    alone, shared = clock_of(True), clock_of(False)
    slept = []
    for _ in range(5):
        before = alone(), shared()
        time.sleep(0.2)
        slept.append((alone() - before[0], shared() - before[1]))
    assert min(one for one, _ in slept) < 0.1
    assert min(other for _, other in slept) >= 0.2


@pytest.mark.parametrize("limited", [True, False])
def test_a_run_on_one_thread_is_timed_so(limited: bool) -> None:
    worker = Worker(SimpleNamespace(send=lambda message: None))
    driver: Any = SimpleNamespace(step=lambda *given: time.sleep(0.1) or 1.0, gpu=None, undetermined=[])
    worker.driver, worker.limited, worker.y = driver, limited, np.zeros(2)
    worker.x = worker.given = np.zeros((2, 1))
    worker._batches = lambda first, stop: iter([np.arange(2)] * (stop - first))  # type: ignore[method-assign]
    told = worker.train(steps=2, measure=[], folder="")
    assert (told["seconds"] < 0.1) is limited
