"""Keras programs as people write them: read, and the reading proved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from parity.cli import main
from parity.spec.load import load_spec

PROGRAMS = Path(__file__).parent / "programs"

RESIDUAL = """\
# Read from {program} by parity read.
name: residual
data: {{source: residual.npz, validation_split: 0.2}}
model:
  input: [8, 8, 1]
  layers:
  - conv2d:
      name: conv2d
      activation: relu
      padding: same
      kernel_size: [3, 3]
      filters: 8
  - batch_norm: {{name: batch_normalization}}
  - add:
      name: add
      inputs: [batch_normalization, conv2d]
  - flatten: {{name: flatten}}
  - dense: {{name: dense, activation: softmax, units: 10}}
loss: sparse_categorical_crossentropy
optimizer:
  adam: {{learning_rate: 0.003}}
training: {{batch_size: 16, epochs: 3, shuffle: true, seed: 0}}
metrics: [accuracy]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_unmodified_script_is_read_and_the_reading_proved(here: Path) -> None:
    script = PROGRAMS / "residual.py"
    done = CliRunner().invoke(main, ["read", str(script), "-o", "residual.yaml"], standalone_mode=False)
    assert done.output.splitlines()[:2] == ["residual.yaml", "residual.npz"]
    last = done.output.splitlines()[-1]
    assert last == "read faithfully: bit for bit the same" or float(last.rpartition(" ")[2]) < 1e-11
    assert (here / "residual.yaml").read_text() == RESIDUAL.format(program=script)
    assert sorted(file.name for file in here.iterdir()) == ["residual.npz", "residual.yaml"]
    assert load_spec("residual.yaml").training.batch_size == 16
    with np.load("residual.npz") as rows:
        assert (rows["X"].shape, rows["y"].dtype) == ((120, 8, 8, 1), np.int64)
