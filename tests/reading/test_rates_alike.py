"""Schedules that two programs say in two ways: one, where every step of the run has the same rate."""

from __future__ import annotations

from typing import Any

import pytest

from parity.reading.rates_alike import rates_alike
from parity.spec.load import build_spec
from parity.spec.plain import brief
from parity.spec.sections import Spec

STEP = {"step": {"initial_learning_rate": 0.1, "step_size": 2, "per": "epoch"}}


def of(rate: Any, epochs: int = 6, batch_size: int = 10, **data: Any) -> Spec:
    return build_spec({
        "name": "rates", "data": {"source": "rows.npz", **data},
        "model": {"input": [3], "layers": [{"dense": 2}]}, "loss": "mse", "optimizer": {"sgd": {"learning_rate": rate}},
        "training": {"batch_size": batch_size, "epochs": epochs, "shuffle": True, "seed": 0},
    })  # fmt: skip


def staircase(steps: int, factor: float = 0.1, **more: Any) -> dict[str, Any]:
    fields = {"initial_learning_rate": 0.1, "decay_steps": steps, "decay_rate": factor, "staircase": True}
    return {"exponential": fields | more}


@pytest.mark.parametrize(("first", "second", "more"), [
    (STEP, staircase(8), {}),  # 40 rows are four batches.
    (staircase(8), STEP, {}),
    (STEP, staircase(6), {"validation_split": 0.3}),  # 28 rows are three.
    (STEP, {"piecewise": {"boundaries": [7, 15], "values": [0.1, 0.01, 0.001]}}, {}),
    ({"step": STEP["step"] | {"per": "step"}}, {"step": STEP["step"] | {"step_size": 1, "per": 2}}, {}),
    (STEP, staircase(8, epochs=3000), {}),
])  # fmt: skip
def test_schedules_of_the_same_rates_are_one(first: Any, second: Any, more: dict[str, Any]) -> None:
    epochs = 6
    if "epochs" in second.get("exponential", {}):  # So many steps that not all are looked at.
        epochs = second["exponential"].pop("epochs")
    specs = [of(first, epochs, **more), of(second, epochs, **more)]
    (note,) = rates_alike(specs, 40, ("k", "t"))
    assert specs[1].optimizer == specs[0].optimizer
    kinds = [next(iter(one)) for one in (first, second)]
    assert ("two ways" in note) == (kinds[0] == kinds[1])
    assert all(kind in note for kind in kinds) or kinds[0] == kinds[1]
    assert note.endswith("every step of the run has the same rate.")


@pytest.mark.parametrize(("first", "second", "more"), [
    (STEP, staircase(9), {}),
    (STEP, staircase(8, 0.1001), {}),
    (STEP, staircase(8, staircase=False), {}),
    (STEP, staircase(8, initial_learning_rate=0.2), {}),
    (STEP, 0.1, {"epochs": 2}),  # In no more than two epochs it never falls: a schedule all the same.
    (STEP, {"piecewise": {"boundaries": [7, 16], "values": [0.1, 0.01, 0.001]}}, {}),
])  # fmt: skip
def test_schedules_of_other_rates_stay_a_difference(first: Any, second: Any, more: dict[str, Any]) -> None:
    specs = [of(first, **more), of(second, **more)]
    before = brief(specs[1].optimizer)
    assert rates_alike(specs, 40, ("k", "t")) == []
    assert brief(specs[1].optimizer) == before


def test_a_single_step_among_many_that_has_another_rate_is_seen_where_an_epoch_begins() -> None:
    boundaries = [8 * k - 1 for k in range(1, 4)]
    values = [0.1, 0.01, 0.001, 1e-4]
    other = [*boundaries[:2], boundaries[2] + 1]
    specs = [of({"piecewise": {"boundaries": one, "values": values}}, 20_000) for one in (boundaries, other)]
    assert rates_alike(specs, 40, ("k", "t")) == []


def test_epochs_of_other_lengths_are_no_one_schedule() -> None:
    specs = [of(STEP), of(staircase(8), batch_size=20)]
    assert rates_alike(specs, 40, ("k", "t")) == []
