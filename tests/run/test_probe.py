"""Probes and guides: tensors reach them as they lie, canonical ones come out; and what a worker remembers of slots."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.run.axes import permuted
from parity.run.digest import RECORD, apart, digest
from parity.run.exchange import Exchange
from parity.run.memory import OwnState
from parity.run.probe import TRACED, DigestProbe, Guide, TensorProbe

NAME = ("forward", "conv")


def random(*shape: int, seed: int = 0, kind: type = np.float64) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(kind)


# ------------------------------------------------------------------------------------------------ probes


def test_a_probe_keeps_digests_in_the_order_in_which_it_sees_tensors() -> None:
    probe = DigestProbe()
    values = {("forward", "a"): random(3, 4), ("gradient", "a.kernel"): random(2), ("update", "a.kernel"): random(2)}
    for (phase, name), value in values.items():
        probe.see(phase, name, value)
    assert probe.names == list(values)
    records = np.frombuffer(probe.packed(), RECORD)
    assert [one.tobytes() for one in records] == [digest(value).tobytes() for value in values.values()]
    assert DigestProbe().packed() == b""


@given(st.permutations(range(4)))
def test_the_digest_is_that_of_the_canonical_tensor(axes: list[int]) -> None:
    lies = random(2, 3, 4, 5)
    probe = DigestProbe()
    probe.see("forward", "a", lies, axes)
    assert apart(digest(np.ascontiguousarray(lies.transpose(axes))), probe.records[0]) < 1e-14


def test_what_is_seen_may_be_overwritten_afterwards(tmp_path: Path) -> None:
    probe, value = TensorProbe(Exchange(tmp_path)), random(3)
    kept = value.copy()
    probe.see("forward", "a", value)
    value[:] = 0.0
    assert np.array_equal(Exchange(tmp_path).get("forward/a"), kept)
    assert probe.records[0].tobytes() == digest(kept).tobytes()


def test_digests_of_low_precision_are_taken_in_it_or_exactly() -> None:
    value = random(300, 200, kind=np.float32)
    plain, exact = DigestProbe(), DigestProbe(exact=True)
    for probe in (plain, exact):
        probe.see("forward", "a", value)
    assert plain.records[0].tobytes() == digest(value).tobytes()
    assert exact.records[0].tobytes() == digest(value.astype(np.float64)).tobytes()
    assert plain.records[0].tobytes() != exact.records[0].tobytes()


@pytest.mark.parametrize("axes", [None, *itertools.permutations(range(3))])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_tensor_probe_keeps_canonical_tensors_as_they_are(tmp_path: Path, axes: Any, kind: type) -> None:
    value = random(2, 3, 4, kind=kind)
    probe = TensorProbe(Exchange(tmp_path))
    probe.see("gradient", "conv.kernel", value, axes)
    kept = Exchange(tmp_path).get("gradient/conv.kernel")
    assert kept.dtype == kind
    assert np.array_equal(kept, permuted(value, axes))
    assert probe.names == [("gradient", "conv.kernel")]
    assert apart(digest(np.array(kept, np.float64)), probe.records[0]) < 1e-14


def test_the_phases_that_have_tensors_stand_in_the_order_of_a_step() -> None:
    from parity.compare.judge import PHASES

    assert list(TRACED) == [phase for phase in PHASES if phase in TRACED]
    assert set(PHASES) - set(TRACED) == {"weights", "loss"}


# ------------------------------------------------------------------------------------------------ guides


@given(st.permutations(range(3)), st.permutations(range(3)))
def test_a_guide_hands_a_tensor_on_in_the_layout_of_whoever_asks(
    tmp_path_factory: pytest.TempPathFactory, theirs: list[int], ours: list[int]
) -> None:
    """From the reference's layout to the canonical one to the side's own, which need not be the same."""
    exchange = Exchange(tmp_path_factory.mktemp("guide"))
    whole = random(2, 3, 4)
    reference = whole.transpose(np.argsort(theirs))
    probe = TensorProbe(exchange)
    probe.see(*NAME, reference, theirs)
    mine = whole.transpose(np.argsort(ours))
    given_value = Guide(exchange, probe.names).instead(*NAME, mine.shape, ours)
    assert given_value is not None
    assert np.array_equal(given_value, mine)
    again = TensorProbe(exchange)
    again.see(*NAME, given_value, ours)
    assert np.array_equal(exchange.get("forward/conv"), whole), "there and back"


def test_a_guide_has_nothing_to_say_of_what_the_reference_does_not_have(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path)
    exchange.put("forward/conv", random(2, 3))
    exchange.put("gradient/conv", random(2, 3))
    guide = Guide(exchange, [NAME])
    assert guide.instead("gradient", "conv", (2, 3), None) is None, "a file left over from another step is not it"
    assert guide.instead("forward", "dense", (2, 3), None) is None
    assert guide.instead(*NAME, (2, 3), None) is not None


@pytest.mark.parametrize("shape", [(3, 2), (2, 4), (6,), (2, 3, 1), ()])
def test_a_guide_refuses_other_shapes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    exchange = Exchange(tmp_path)
    exchange.put("forward/conv", random(2, 3))
    for axes in (None, list(reversed(range(len(shape))))):
        if shape != (3, 2) or axes is None:
            assert Guide(exchange, [NAME]).instead(*NAME, shape, axes) is None


def test_the_shape_is_that_of_the_frameworks_tensor(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path)
    exchange.put("forward/conv", random(2, 5, 3))
    guide, axes = Guide(exchange, [NAME]), [0, 2, 1]  # Channels first: (N, C, L) transposed by axes is (N, L, C).
    assert guide.instead(*NAME, (2, 5, 3), axes) is None
    found = guide.instead(*NAME, (2, 3, 5), axes)
    assert found is not None
    assert found.shape == (2, 3, 5)


def test_what_a_guide_gives_may_be_written_to(tmp_path: Path) -> None:
    """The exchange is read-only memory of another process."""
    exchange = Exchange(tmp_path)
    exchange.put("forward/conv", np.ones(3))
    found = Guide(exchange, [list(NAME)]).instead(*NAME, (3,), None)  # type: ignore[list-item]
    assert found is not None
    found += 1.0
    assert exchange.get("forward/conv").tolist() == [1.0, 1.0, 1.0]


# ------------------------------------------------------------------------------------------------- slots


class Slots:
    """All that is asked of a driver here."""

    def __init__(self, **values: float) -> None:
        self.values = {name: np.array([value]) for name, value in values.items()}
        self.left: dict[str, np.ndarray] = {}
        self.fresh = True

    def weights(self) -> dict[str, np.ndarray]:
        return {}

    def slots(self) -> dict[str, np.ndarray]:
        return self.values

    def leftovers(self) -> dict[str, np.ndarray]:
        return self.left

    def step(self) -> None:
        for value in (*self.values.values(), *self.left.values()):
            value += 1.0


def kept(own: OwnState) -> dict[str, float]:
    return {name.removeprefix("slots/"): float(value[0]) for name, value in own.kept.items()}


MINE: Callable[[str, tuple[int, ...]], bool] = lambda name, shape: name == "slots/shared"  # noqa: E731 - what the reference side has, too


def test_slots_of_ones_own_are_what_they_were_before_the_step_however_often_it_is_taken() -> None:
    driver, own = Slots(v=5.0, shared=7.0), OwnState()
    for _ in range(3):
        own.begin(driver, 4, MINE)  # type: ignore[arg-type]
        assert kept(own) == {"v": 5.0}
        driver.step()
        own.end(driver)  # type: ignore[arg-type]


def test_the_next_step_begins_with_what_the_first_taking_left() -> None:
    driver, own = Slots(v=5.0, shared=7.0), OwnState()
    own.begin(driver, 0, MINE)  # type: ignore[arg-type]
    driver.step()
    own.end(driver)  # type: ignore[arg-type]
    for _ in range(4):  # Replays and guided steps, wherever they lead.
        own.begin(driver, 0, MINE)  # type: ignore[arg-type]
        driver.step()
        own.end(driver)  # type: ignore[arg-type]
    own.begin(driver, 1, MINE)  # type: ignore[arg-type]
    assert kept(own) == {"v": 6.0}
    own.begin(driver, 2, MINE)  # type: ignore[arg-type]
    assert kept(own) == {"v": 10.0}, "a step that was begun and not taken leaves what the driver has"


def test_how_slots_start_is_known_where_that_is_one_number_and_no_step_was_taken() -> None:
    published = np.array([1.0, 3.0])
    for fresh, started in ((True, [5.0, 5.0]), (False, [1.0, 3.0])):
        driver, own = Slots(v=5.0), OwnState()
        driver.values |= {"mixed": np.array([1.0, 2.0]), "none": np.empty(0)}
        driver.fresh = fresh
        for number, first in ((0, started), (1, [1.0, 3.0])):
            own.begin(driver, number, MINE)  # type: ignore[arg-type]
            np.testing.assert_array_equal(own.begun("slots/v", published), first)
            np.testing.assert_array_equal(own.begun("slots/mixed", published), published)


def test_who_shares_all_slots_keeps_none() -> None:
    driver, own = Slots(shared=7.0), OwnState()
    for number in range(3):
        own.begin(driver, number, MINE)  # type: ignore[arg-type]
        driver.step()
        own.end(driver)  # type: ignore[arg-type]
        assert own.kept == {}


def test_what_a_step_leaves_behind_is_put_back_as_slots_of_ones_own_are() -> None:
    driver, own = Slots(shared=7.0), OwnState()
    driver.left = {"gradient": np.array([1.0])}
    for number, before in ((0, 1.0), (0, 1.0), (1, 2.0)):
        own.begin(driver, number, MINE)  # type: ignore[arg-type]
        assert (own.leftovers, own.kept) == ({"gradient": [before]}, {})
        driver.step()
        own.end(driver)  # type: ignore[arg-type]
