"""The leaf question on the real leaves: what the posted programs do, as far as a test may take. Docs have the rest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers_commands import lender

from parity import api

ROOT = Path(__file__).resolve().parents[2]
ROWS, CLASSES = 16, 99

pytestmark = pytest.mark.real_data


def leaf_file() -> str:
    return str(Path(os.environ["PARITY_DATA"]) / "leaf.npz")


@pytest.mark.sampled(4, among="questions")
def test_the_posted_tensorflow_program_sits_on_its_plateau(tmp_path: Path) -> None:
    """Surely wrong rows cost 0.69941 on average; each right one takes 1 / (16 * 99) off. Full size."""
    spec = api.load_spec(ROOT / "specs" / "leaf.yaml")
    with lender():
        result = api.run(
            spec, folder=tmp_path, sides=("tensorflow",), steps=4, data=leaf_file(), explain=False, trace=False
        )
    side = result.sides[0]
    assert side.parameters == 3 * 512 + 512 + 32768 * 2048 + 2048 + 2048 * 1024 + 1024 + 1024 * 99
    wrong_row = (98 * 0.6931471805599453 + 1.3132616875182228) / CLASSES
    plateau = {round(wrong_row - right / (ROWS * CLASSES), 5) for right in range(4)}
    assert {round(loss, 5) for loss in side.losses} <= plateau
    assert "stand-in" not in result.spec.data


@pytest.mark.sampled(4, among="questions")
def test_the_posted_keras_program_learns(tmp_path: Path) -> None:
    """The narrower network of specs/leaf_small.yaml reaches 0.8 of the training set within three epochs."""
    spec = api.load_spec(ROOT / "specs" / "leaf_small.yaml")
    with lender():
        result = api.run(spec, folder=tmp_path, sides=("keras",), data=leaf_file(), explain=False)
    side = result.sides[0]
    assert len(side.losses) == 3 * 62
    assert side.metrics["accuracy"] > 0.8
    assert side.losses[-1] < 1.0 < 4.0 < side.losses[0]


@pytest.mark.sampled(4, among="questions")
def test_one_config_agrees_in_three_frameworks(tmp_path: Path) -> None:
    """Dropout and shuffling on, in float64 lockstep."""
    spec = api.load_spec(ROOT / "specs" / "leaf_small.yaml")
    every = ("keras", "tensorflow", "torch")
    with lender():
        result = api.check(spec, folder=tmp_path, like="keras", frameworks=every, steps=3, data=leaf_file())
    for comparison in result.comparisons:
        assert comparison.verdict == "rounding", comparison.reason
        assert comparison.largest is not None
        assert comparison.largest.difference < 1e-11
