"""Schedules that count epochs: their length comes from the data, and every command knows it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import each_framework, side_of

from parity import api
from parity.run.epochs import BY_DATA, PATH, counted

STEP = {"step": {"initial_learning_rate": 0.5, "step_size": 1, "gamma": 0.5, "per": "epoch"}}


def side(framework: str = "torch", **training: Any) -> Any:
    model = {"input": [3], "layers": [{"dense": 2}]}
    return side_of(framework, model, optimizer={"sgd": {"learning_rate": STEP}}, training={"batch_size": 4} | training)


@pytest.mark.parametrize(("rows", "drop", "per"), [(10, False, 3), (10, True, 2), (4, False, "step")])
def test_an_epoch_has_as_many_updates_as_batches(rows: int, drop: bool, per: Any) -> None:
    found = counted(side(drop_remainder=drop), rows)
    assert found.config.optimizer.learning_rate.per == per
    assert found.origin(PATH) == BY_DATA
    assert counted(found, 100).config == found.config, "what is said stays"


def test_without_data_nobody_guesses() -> None:
    with pytest.raises(ValueError, match=re.escape("say their batches, per: N")):
        side().config.optimizer.rate(0)


@each_framework
def test_a_program_halves_its_rate_at_the_end_of_an_epoch(framework: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", X=np.ones((10, 3)), y=np.ones((10, 2)))
    spec = api.build_spec({
        "name": "epochs", "data": {"source": str(tmp_path / "rows.npz")}, "training": {"batch_size": 4},
        "model": {"input": [3], "layers": [{"dense": 2}]}, "loss": "mse", "optimizer": {"sgd": {"learning_rate": STEP}},
        "sides": {framework: {"framework": framework}},
    })  # fmt: skip
    source = api.compile_program(spec)
    assert re.search(r"floor\((self\.)?t / 3\)", source), source
    assert "steps of 3 updates each" in " ".join(source.split())
