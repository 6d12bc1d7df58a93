"""Gallery specs with branches, sequences and shared layers, each with its usual optimizer, are at parity."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers_commands import command
from helpers_sample import WHOLE

SPECS = Path(__file__).resolve().parents[2] / "specs"
STEPS = "20" if WHOLE else "2"
NAMES = ["siamese", "unet", "lstm_text", *(["transformer", "residual", "two_outputs"] if WHOLE else [])]
"""The large ones in the long profile; their layers stand in networks of the self-test."""


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_the_gallery_is_at_parity(name: str, tmp_path: Path) -> None:
    done = command("check", SPECS / f"{name}.yaml", "--steps", STEPS, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    comparisons = json.loads(done.stdout)["comparisons"]
    assert {(one["a"], one["b"], one["verdict"]) for one in comparisons} >= {
        ("keras", "tensorflow", "rounding"), ("keras", "torch", "rounding"),
    }  # fmt: skip
