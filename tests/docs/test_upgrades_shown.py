"""What docs/upgrades.md and docs/goldens.md show as printed is what their commands print."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from helpers_frameworks import missing
from helpers_sample import WHOLE
from helpers_shown import assert_shown, printed, shown

from parity.environments.building import find_uv, made
from parity.environments.wanted import Environment
from parity.errors import UsageError

GOLDEN = Path(__file__).with_name("golden")
"""Goldens of Keras 3.13.2, and their specs."""

needs_keras = pytest.mark.skipif(bool(missing("keras")), reason=missing("keras") or "installed")


@pytest.mark.slow
@pytest.mark.sampled(4, among="questions")
@needs_keras
@pytest.mark.parametrize(
    ("name", "beginning"),
    [("activity", "$ parity check activity.yaml --against activity.golden.json"), ("said", "says `mean` for both:")],
)
def test_a_golden_of_another_version_is_checked_as_shown(name: str, beginning: str, tmp_path: Path) -> None:
    shutil.copytree(GOLDEN, tmp_path, dirs_exist_ok=True)
    said = printed("check", f"{name}.yaml", "--against", f"{name}.golden.json", cwd=tmp_path)
    assert_shown(shown(beginning, "docs/goldens.md"), said)


ACTIVITY = "specs/upgrades/activity_regularizer.yaml"
ENDS = ["--good", "3.12.0", "--bad", "3.15.1"]


@pytest.mark.slow
@pytest.mark.skipif(not WHOLE, reason="takes minutes: make long")
@needs_keras
@pytest.mark.parametrize(
    ("verb", "versions"),
    [("across", ["--versions", "3.12.0,3.13.2,3.14.0,3.15.1"]), ("bisect", ENDS),
     ("bisect", [*ENDS, "--outcome", "accuracy", "--set", "training.epochs=5",
                 "--set", "layers.hidden.activity_regularizer.factor=0.1"])],
)  # fmt: skip
def test_versions_are_compared_as_shown(verb: str, versions: list[str], tmp_path: Path) -> None:
    try:
        find_uv("keras")
        made(Environment.of("keras", {"keras": "3.12.0"}))
    except UsageError as error:
        pytest.skip(str(error))
    asked = [verb, ACTIVITY, "--package", "keras", *versions]
    said = printed(*asked, "--out", str(tmp_path))
    assert_shown(shown(f"    $ parity {' '.join(asked)}", "docs/upgrades.md"), said)
