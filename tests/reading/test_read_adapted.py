"""Keras layers that measured rows before training: their numbers are read as exactly as they were measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from parity import api
from parity.ops.normalization import Normalization
from parity.spec.load import load_spec
from parity.spec.resolve import resolve

PROGRAM = Path(__file__).parent / "programs" / "adapted.py"


def test_what_was_measured_is_read_in_full(tmp_path: Path) -> None:
    found = api.read(PROGRAM, out=tmp_path)
    assert found.proof is not None
    assert found.proof.verdict in ("identical", "rounding"), found.proof.lines
    (side, *_) = resolve(load_spec(found.files[0]), ("keras",))
    columns, given, targets = [layer.op for layer in side.layers() if isinstance(layer.op, Normalization)]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(96, 3)) * [1, 10, 100] + [0.1, 50, 1000]
    y = x @ np.array([[1.0], [0.1], [0.01]]) + 3.0
    assert columns.mean == tuple(np.mean(x, axis=0))
    assert columns.variance == tuple(np.var(x, axis=0))
    assert (given.mean, given.variance) == ((0.1,) * 8, (0.3,) * 8)
    assert targets.mean == pytest.approx(np.mean(y), rel=1e-15)
    assert targets.invert


BATCHES = """\
import keras, numpy as np, tensorflow as tf
from keras import layers
x, y = np.random.default_rng(0).normal(size=(64, 3)), np.zeros((64, 1))
rows = tf.data.Dataset.from_tensor_slices(x).batch(16)
columns = layers.Normalization()
columns.adapt(rows)
model = keras.Sequential([columns, layers.Dense(1)])
model.compile(loss="mse", optimizer="sgd")
model.fit(x, y, verbose=0)
"""


def test_what_was_measured_in_batches_is_opaque_and_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "batches.py").write_text(BATCHES)
    found = api.read(tmp_path / "batches.py", out=tmp_path / "out")
    assert found.proof is not None
    assert found.proof.verdict in ("identical", "rounding"), found.proof.lines
    assert "says adapted_to='batches'" in found.files[0].read_text()
