"""The regression question: an accuracy that stands still while the loss falls, and the sentence that says why."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_commands import lender
from helpers_frameworks import missing

from parity import api
from parity.report.sentences import measures

SPEC = Path(__file__).resolve().parents[2] / "specs" / "regression.yaml"

needs_keras = pytest.mark.skipif(bool(missing("keras")), reason="keras not installed")


def of(side: str, folder: Path, **options: Any) -> Any:
    """Run one side of the spec and return what is told of it."""
    return api.run(api.load_spec(SPEC), folder=folder, sides=(side,), explain=False, trace=False, **options)


def test_the_shapes_are_the_posted_ones() -> None:
    posted, answered = api.resolve(api.load_spec(SPEC))
    shapes = {layer.name: layer.output_shape for layer in posted.layers()}
    pools = [shapes[name] for name in shapes if name.startswith("max_pooling1d")]
    assert pools == [(31, 64), (14, 128), (6, 256), (3, 256)]
    assert shapes["place"] == (3, 1)
    assert [str(one.metric.kind) for one in posted.metrics()] == ["binary_accuracy", "mse", "mae"]
    assert [str(one.metric.kind) for one in answered.metrics()] == ["mse", "mae"]
    found = {one.path: one.reason for one in api.diff(api.load_spec(SPEC))}
    assert set(found) == {"layers.place.activation", "metrics"}
    assert found["metrics"] == "metrics are reported, nothing is trained by them"


@pytest.mark.sampled(4, among="questions")
@needs_keras
def test_no_metric_takes_part_in_training(tmp_path: Path) -> None:
    """The posted side with and without accuracy, to the last bit."""
    with lender():
        told = of("posted", tmp_path / "with", steps=12)
        quiet = of("posted", tmp_path / "without", steps=12, changes={"metrics": ["mse"]})
    assert told.sides[0].losses == quiet.sides[0].losses
    assert told.sides[0].metrics["mse"] == quiet.sides[0].metrics["mse"]
    assert set(told.sides[0].metrics) == {"accuracy", "mse", "mae", "val_accuracy", "val_mse", "val_mae"}
    assert set(quiet.sides[0].metrics) == {"mse", "val_mse"}


@pytest.mark.sampled(4, among="questions")
@pytest.mark.slow
def test_one_config_agrees_in_three_frameworks(tmp_path: Path) -> None:
    """Nadam, in float64 lockstep, up to the sixth step: steps are left out, so that its product must be carried."""
    if any(map(missing, ("keras", "tensorflow", "torch"))):
        pytest.skip("needs every framework")
    every = ("keras", "tensorflow", "torch")
    with lender():
        result = api.check(api.load_spec(SPEC), folder=tmp_path, like="posted", frameworks=every, steps=6)
    for comparison in result.comparisons:
        assert comparison.verdict == "rounding", comparison.reason
        # A relu that rounding alone moves over 0 makes its gradient another one, and that is told.
        kept = [one.largest.difference for one in comparison.phases if one.largest.difference < 1e-6]
        assert max(kept) < 1e-11
        assert len(kept) == len(comparison.phases) or comparison.amplified


@pytest.mark.sampled(4, among="questions")
@pytest.mark.slow
@pytest.mark.real_data
@needs_keras
def test_the_accuracy_of_the_posted_program_stands_at_its_ceiling_while_the_loss_falls_by_half(tmp_path: Path) -> None:
    data = Path(os.environ["PARITY_DATA"]) / "wifi_location.npz"
    if not data.is_file():
        pytest.skip("real data: no wifi_location.npz in PARITY_DATA")
    with lender():
        result = of("posted", tmp_path, data=str(data))
    (side,) = result.sides
    assert "the real Wi-Fi set" in result.spec.data
    accuracies = [epoch.metrics[name] for epoch in side.epochs for name in ("accuracy", "val_accuracy")]
    assert all(0.10 < value < 0.13 for value in accuracies), accuracies
    running = [epoch.running_loss for epoch in side.epochs]
    assert running[-1] < running[0] / 2
    ceiling = next(one.ceiling for one in side.measures if one.name == "accuracy")
    with np.load(data) as arrays:  # counted once more, in metres
        places = arrays["Y"][(arrays["X64"] != 0).any(axis=1)]
    extreme = (places == places.min(axis=0)) | (places == places.max(axis=0))
    assert ceiling == extreme[:3287].mean()
    *_, plateau = measures.notes(result)
    assert "It stands at all it can reach, the share of target values that are exactly 0 or 1 (0.122)" in plateau
