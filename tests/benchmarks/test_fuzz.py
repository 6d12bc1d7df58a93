"""A few of the mutated specs and odd data files of ``benchmarks/fuzz.py``, and that it finds what it looks for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers_sample import WHOLE
from hypothesis import given, settings
from hypothesis import strategies as st

from parity.commands import advising

sys.path.insert(0, str(Path(__file__).parent))
import fuzz

SEEDS = st.integers(0, 10**6)
FEW = 400 if WHOLE else 20


@given(SEEDS)
@settings(max_examples=FEW)
def test_a_mutated_spec_ends_every_command_in_one_line(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    assert fuzz.spec_case(seed, tmp_path_factory.mktemp("spec")) in ("refused", "taken")


@given(SEEDS)
@settings(max_examples=FEW)
def test_an_odd_file_of_data_ends_every_command_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    assert fuzz.file_case(seed, tmp_path_factory.mktemp("data")) in ("refused", "taken")


def test_what_is_mutated_is_taken_as_it_is(tmp_path: Path) -> None:
    fuzz.rows(tmp_path)
    (tmp_path / "spec.yaml").write_text(fuzz.written(fuzz.SPEC))
    assert fuzz.tried(tmp_path / "spec.yaml") == "taken"


def test_a_planted_fault_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that blames itself, and two that do not agree."""
    fuzz.rows(tmp_path)
    (tmp_path / "spec.yaml").write_text(fuzz.written(fuzz.SPEC))
    monkeypatch.setattr(advising, "dataset_of", lambda *given: 1 / 0)
    with pytest.raises(fuzz.Failed, match="lint ends with 4: a fault of parity's own, ZeroDivisionError"):
        fuzz.tried(tmp_path / "spec.yaml")
    monkeypatch.setattr(advising, "dataset_of", lambda *given: None)
    (tmp_path / "rows.npz").unlink()
    with pytest.raises(fuzz.Failed, match=r"lint ends with [01], compile with \[2, 2\]"):
        fuzz.tried(tmp_path / "spec.yaml")


def test_a_command_that_hangs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "SECONDS", 1)

    def hang(*given: object, **more: object) -> None:
        while True:
            pass

    monkeypatch.setattr(CliRunner, "invoke", hang)
    with pytest.raises(fuzz.Failed, match="no end after 1 seconds"):
        fuzz.asked("diff", "spec.yaml")
