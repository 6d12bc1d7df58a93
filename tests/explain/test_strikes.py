"""Where a difference strikes first and how strongly, read from invented traces."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from parity.explain.strikes import (
    MOST,
    PROBE_STEPS,
    Moved,
    Shapes,
    Strike,
    Trace,
    by_suspicion,
    first_place,
    moved,
    strike,
    suspects,
)
from parity.run.digest import RECORD, digest

SHAPES: Shapes = {"hidden.kernel": (8, 8), "out.kernel": (8, 3)}
STATE = {**SHAPES, "norm.mean": (8,)}
RNG = np.random.default_rng(3)
START = {name: RNG.normal(size=shape) for name, shape in STATE.items()}
UPDATE = {name: RNG.normal(size=shape) for name, shape in STATE.items()}


def records(values: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([digest(np.asarray(value, float)) for value in values], RECORD)


def trace(
    *,
    rate: float = 1.0,
    turned: bool = False,
    forward: Mapping[int, float] | None = None,
    start: float = 1.0,
    mean: Mapping[int, float] | None = None,
    shapes: Shapes = SHAPES,
) -> Trace:
    """Return a trace of three steps that all move by one update.

    Args:
        rate: factor of the updates.
        turned: the updates go elsewhere, and are as large.
        forward: factor of the output, by step, counted from 1.
        start: factor of the first parameter before the first step.
        mean: factor of the running mean, by step, 0 for before the first.
        shapes: of the parameters.
    """
    found: dict[tuple[str, str], np.ndarray] = {}
    for name, shape in shapes.items():
        begin = START[name] * (start if name == "hidden.kernel" else 1.0) if shape == STATE[name] else np.ones(shape)
        step = (UPDATE[name][::-1] if turned else UPDATE[name]) if shape == STATE[name] else np.ones(shape)
        later = [begin - 0.1 * rate * number * step for number in range(1, PROBE_STEPS + 1)]
        found["weights", name] = records([begin, *later])
    found["state", "norm.mean"] = records(
        [START["norm.mean"] * (mean or {}).get(number, 1.0) for number in range(PROBE_STEPS + 1)]
    )
    found["forward", "out"] = records(
        [UPDATE["out.kernel"] * (forward or {}).get(number, 1.0) for number in range(1, PROBE_STEPS + 1)]
    )
    return found


def place(other: Trace, batch: tuple[int, str] | None = None, shapes: Shapes = SHAPES) -> tuple[int, str, str] | None:
    state = {**shapes, "norm.mean": (8,)}
    return first_place(trace(), other, STATE, state, batch)


def struck(other: Trace, batch: tuple[int, str] | None = None, shapes: Shapes = SHAPES) -> Strike:
    state = {**shapes, "norm.mean": (8,)}
    return strike(trace(), other, (STATE, state), (SHAPES, shapes), batch)


# ----------------------------------------------------------------------------------------------- where


def test_traces_that_are_alike_differ_nowhere() -> None:
    assert place(trace()) is None
    assert struck(trace()) == Strike(step=None)


def test_rounding_is_no_strike() -> None:
    assert place(trace(rate=1.0 + 1e-12, forward={1: 1.0 + 1e-13})) is None


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (trace(start=1.1), (1, "weights", "hidden.kernel")),
        (trace(forward={1: 1.1}), (1, "forward", "out")),
        (trace(forward={3: 1.1}), (3, "forward", "out")),
        (trace(rate=2.0), (1, "update", "hidden.kernel")),
        (trace(rate=2.0, forward={2: 1.1}), (1, "update", "hidden.kernel")),
        (trace(rate=2.0, forward={1: 1.1}), (1, "forward", "out")),
        (trace(mean={1: 1.1}), (1, "state", "norm.mean")),
        (trace(mean={2: 1.1, 3: 1.1}), (2, "state", "norm.mean")),
        (trace(mean={0: 1.1}), (1, "state", "norm.mean")),
        (trace(rate=2.0, mean={1: 1.1}), (1, "update", "hidden.kernel")),
        (trace(forward={2: math.nan}), (2, "forward", "out")),
    ],
)
def test_a_difference_strikes_where_something_first_differs(other: Trace, expected: tuple[int, str, str]) -> None:
    assert place(other) == expected


def test_another_batch_comes_before_all_else_of_its_step() -> None:
    assert place(trace(forward={1: 1.1}), batch=(1, "x")) == (1, "batch", "x")
    assert place(trace(forward={1: 1.1}), batch=(2, "x")) == (1, "forward", "out")
    assert place(trace(), batch=(9, "y")) == (9, "batch", "y"), "later than the steps that were looked at"


def test_a_parameter_of_another_shape_strikes_in_the_weights() -> None:
    other = {**SHAPES, "out.kernel": (8, 4)}
    assert place(trace(shapes=other), shapes=other) == (1, "weights", "out.kernel")
    fewer = {"hidden.kernel": (8, 8)}
    assert place(trace(shapes=fewer), shapes=fewer) == (1, "weights", "out.kernel")


# -------------------------------------------------------------------------------------------- how strongly


def test_the_share_is_that_of_the_first_update() -> None:
    assert struck(trace(rate=1.5)).share == pytest.approx(0.5)
    assert struck(trace(rate=0.0)).share == pytest.approx(1.0)
    assert struck(trace(mean={1: 1.5})).share == 0.0


def test_the_size_is_that_of_the_updates_of_the_first_steps() -> None:
    found = moved(trace(), trace(rate=3.0), SHAPES, SHAPES, PROBE_STEPS)
    assert (found.size, found.share, found.turned) == pytest.approx((3.0, 2.0, 0.0), abs=1e-9)
    whole = np.sqrt(sum(float(np.sum((0.1 * PROBE_STEPS * UPDATE[name]) ** 2)) for name in SHAPES))
    assert found.mine == pytest.approx(whole, rel=0.5), "projections estimate the norm"


def test_an_update_may_be_turned_round_and_be_as_large() -> None:
    found = moved(trace(), trace(rate=-1.0), SHAPES, SHAPES, 1)
    assert (found.size, found.share, found.turned) == pytest.approx((1.0, 2.0, 2.0))


def test_a_parameter_of_another_shape_is_wholly_changed() -> None:
    same = moved(trace(), trace(), SHAPES, SHAPES, 1)
    other = {**SHAPES, "out.kernel": (8, 4)}
    found = moved(trace(), trace(shapes=other), SHAPES, other, 1)
    assert same.share == 0.0
    assert found.share > 0.0
    assert found.apart**2 == pytest.approx(
        moved(trace(), {}, {"out.kernel": (8, 3)}, {}, 1).mine ** 2
        + moved({}, trace(shapes=other), {}, {"out.kernel": (8, 4)}, 1).theirs ** 2
    )


@pytest.mark.parametrize(
    ("one", "share", "size", "turned"),
    [
        (Moved(mine=0.0, theirs=0.0, apart=0.0), 0.0, 1.0, 0.0),
        (Moved(mine=1.0, theirs=0.0, apart=1.0), 1.0, 0.0, 1.0),
        (Moved(mine=0.0, theirs=1.0, apart=1.0), math.inf, math.inf, 1.0),
        (Moved(mine=1.0, theirs=math.inf, apart=math.inf), math.inf, math.inf, 1.0),
    ],
)
def test_updates_of_no_size_and_without_bounds(one: Moved, share: float, size: float, turned: float) -> None:
    assert (one.share, one.size, one.turned) == (share, size, turned)


def test_an_update_that_is_not_a_number_is_without_bounds() -> None:
    found = struck(trace(rate=math.nan))
    assert (found.step, found.phase, found.share, found.size) == (1, "update", math.inf, math.inf)
    assert found.suspicion >= MOST


# ------------------------------------------------------------------------------------------ how suspicious


def suspicion(other: Trace, batch: tuple[int, str] | None = None) -> float:
    return struck(other, batch).suspicion


def test_what_changes_the_size_by_factors_is_more_suspicious_either_way() -> None:
    found = [suspicion(trace(rate=rate)) for rate in (1.1, 2.0, 10.0, 1e4)]
    assert found == sorted(found)
    assert suspicion(trace(rate=0.1)) == pytest.approx(suspicion(trace(rate=10.0)))
    assert suspicion(trace(rate=1e30)) <= MOST + 1.0
    assert suspicion(trace(rate=0.0)) >= MOST


def test_other_rows_turn_the_update_round_and_are_not_suspicious() -> None:
    rows = suspicion(trace(turned=True), batch=(1, "x"))
    assert rows < suspicion(trace(turned=True)) < suspicion(trace(rate=10.0))
    assert suspicion(trace(rate=10.0), batch=(1, "x")) == pytest.approx(suspicion(trace(rate=10.0))), (
        "other data, other size"
    )


def test_a_state_that_training_does_not_read_is_suspicious() -> None:
    # The digest of eight numbers estimates their norm within a factor 2.
    assert suspicion(trace(mean={1: 1.5, 2: 1.5, 3: 1.5})) == pytest.approx(0.5, abs=0.3)
    assert suspicion(trace(mean={1: 9.0, 2: 9.0, 3: 9.0})) == pytest.approx(1.0), "and no more than that"


STRIKES = {name: Strike(step=1, suspicion=value) for name, value in [("a", 0.1), ("b", 3.0), ("c", 1.0), ("d", 3.0)]}


def test_the_most_suspicious_come_first_and_equals_stay_as_they_were() -> None:
    assert by_suspicion(STRIKES) == ["b", "d", "c", "a"]


def test_suspects_are_suspicious_enough_and_few() -> None:
    assert suspects(STRIKES, 1.0, 3) == ["b", "d", "c"]
    assert suspects(STRIKES, 1.1, 3) == ["b", "d"]
    assert suspects(STRIKES, 0.0, 1) == ["b"]
