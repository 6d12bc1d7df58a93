"""What a program takes of each row by an index, read as layers in every framework; the reading proved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers_reading import read_and_held

from parity.reading.indexed import indexed
from parity.reading.odd import Said
from parity.reading.unread import NoEntryError
from parity.reading.whole import ReadProgram
from parity.run.session import Session

ALL: dict[str, Any] = {"slice": [None, None, None]}

TORCH = """
import torch
from torch import nn

torch.manual_seed(0)
x, y = torch.randn(24, 5, 4), torch.randint(0, 3, (24,))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Linear(4, 4), nn.LazyLinear(3)

    def forward(self, x):
        h = self.first(x)
        return self.head({taken})


net = Net()
net(x)
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for start in (0, 8, 16):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(net(x[start : start + 8]), y[start : start + 8])
    loss.backward()
    optimizer.step()
"""

KERAS = """
import keras
import numpy as np
from keras import layers, ops

x = np.random.default_rng(0).normal(size=(24, 5, 4)).astype("float32")
y = np.random.default_rng(1).integers(0, 3, 24)
inputs = keras.Input((5, 4))
h = layers.Dense(4)(inputs)
outputs = layers.Dense(3)({taken})
model = keras.Model(inputs, outputs)
model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, y, batch_size=8)
"""

TENSORFLOW = """
import numpy as np
import tensorflow as tf

x = np.random.default_rng(0).normal(size=(24, 5, 4)).astype("float32")
y = np.random.default_rng(1).integers(0, 3, 24)
w, v = tf.Variable(tf.random.normal((4, 4))), tf.Variable(tf.random.normal((16, 3)))


def model(x):
    h = tf.tensordot(x, w, 1)
    means = tf.reduce_mean(h[:, 1:3], axis=1)
    return tf.matmul(tf.concat([h[:, 0], h[:, -1], tf.reduce_max(h, axis=1), means], -1), v)


optimizer = tf.keras.optimizers.SGD(0.1)
for start in (0, 8, 16):
    with tf.GradientTape() as tape:
        logits = model(x[start : start + 8])
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y[start : start + 8], logits))
    optimizer.apply_gradients(zip(tape.gradient(loss, [w, v]), [w, v]))
"""


@pytest.mark.parametrize(("index", "said"), [
    ([ALL, 0], Said("take", {"index": 0})),
    ([ALL, -1, ALL], Said("take", {"index": -1})),
    (["...", 2], Said("take", {"index": 2, "axis": 2})),
    ([ALL, {"slice": [1, 3, None]}], Said("slice", {"start": 1, "stop": 3})),
    ([ALL, ALL, {"slice": [-2, None, 1]}], Said("slice", {"start": -2, "axis": 2})),
    ([ALL, {"slice": [0, 5, None]}], None),
    ([ALL, None], None),
])  # fmt: skip
def test_an_index_is_the_layer_that_takes_it(index: Any, said: Said | None) -> None:
    assert indexed(index, [5, 4]) == said


@pytest.mark.parametrize(("index", "said"), [
    ([ALL, ALL, {"slice": [None, -1, None]}, {"slice": [2, None, None]}],
     Said("cropping2d", {"cropping": [[0, 1], [2, 0]], "data_format": "channels_first"})),
    (["...", {"slice": [1, None, None]}, {"slice": [None, 4, 1]}],
     Said("cropping2d", {"cropping": [[1, 0], [0, 3]], "data_format": "channels_first"})),
    ([ALL, {"slice": [1, -1, None]}, {"slice": [1, -1, None]}], Said("cropping2d", {"cropping": [[1, 1], [1, 1]]})),
    ([ALL, ALL, {"slice": [0, 5, None]}, {"slice": [None, -1, None]}], Said("slice", {"stop": -1, "axis": 3})),
])  # fmt: skip
def test_the_ends_of_rows_and_columns_are_cut_off(index: Any, said: Said) -> None:
    assert indexed(index, [4, 5, 7]) == said


@pytest.mark.parametrize("index", [
    [ALL, {"slice": [1, None, None]}, ALL, {"slice": [1, None, None]}],  # Rows of one format, columns of another.
    [ALL, ALL, {"slice": [1, None, 2]}, {"slice": [1, None, None]}],
    [ALL, ALL, {"slice": [3, 2, None]}, {"slice": [1, None, None]}],
    [{"slice": [1, None, None]}, ALL, ALL, {"slice": [1, None, None]}],
    [ALL, None, {"slice": [1, None, None]}, {"slice": [1, None, None]}],
])  # fmt: skip
def test_what_cuts_more_than_rows_and_columns_is_no_layer(index: Any) -> None:
    with pytest.raises(NoEntryError):
        indexed(index, [4, 5, 7])


@pytest.mark.parametrize(("index", "shown"), [
    ([ALL, {"slice": [None, None, 2]}], "[:, ::2]"), (0, "[0]"), ([ALL, 0, 1], "[:, 0, 1]"),
    ([ALL, {"slice": [None, {"part": "a tensor"}, None]}], "whose numbers are computed"),
])  # fmt: skip
def test_an_index_that_no_layer_takes_is_shown(index: Any, shown: str) -> None:
    with pytest.raises(NoEntryError) as raised:
        indexed(index, [5, 4])
    assert shown in str(raised.value)


def kinds(reading: ReadProgram) -> list[str]:
    return [kind for one in reading.spec["model"]["layers"] for kind in one]


def test_what_pytorch_takes_of_a_sequence(session: Session, tmp_path: Path) -> None:
    taken = (
        "torch.cat([h[:, 0], h[:, -1, :], h.max(dim=1).values, h.mean(1), h[:, 1:3].flatten(1), h.select(2, 1),"
        " h.narrow(1, 3, 2).amax(1)], dim=1)"
    )
    reading, proof = read_and_held(session, TORCH.format(taken=taken), tmp_path)
    assert kinds(reading) == [
        "dense", "take", "take", "global_max_pooling1d", "global_average_pooling1d", "slice", "flatten", "take",
        "slice", "global_max_pooling1d", "concatenate", "dense",
    ]  # fmt: skip
    assert proof.code == 0, proof.lines
    assert "but for" not in proof.lines[-1]


def test_what_keras_takes_of_a_sequence(session: Session, tmp_path: Path) -> None:
    taken = "ops.concatenate([h[:, 0], layers.Lambda(lambda t: t[:, -1])(h), h[..., 1], ops.max(h[:, 1:3], axis=1)], 1)"
    reading, proof = read_and_held(session, KERAS.format(taken=taken), tmp_path)
    assert kinds(reading) == [
        "dense", "take", "take", "take", "slice", "global_max_pooling1d", "concatenate", "dense",
    ]  # fmt: skip
    assert proof.code == 0, proof.lines


def test_what_raw_tensorflow_takes_of_a_sequence(session: Session, tmp_path: Path) -> None:
    reading, proof = read_and_held(session, TENSORFLOW, tmp_path)
    assert kinds(reading) == [
        "dense", "take", "take", "global_max_pooling1d", "slice", "global_average_pooling1d", "concatenate", "dense",
    ]  # fmt: skip
    assert proof.code == 0, proof.lines


def test_what_is_put_beside_a_constant_is_opaque(read_text: Callable[..., ReadProgram]) -> None:
    reading = read_text(TORCH.format(taken="torch.cat([h, torch.ones(len(h), 1, 4)], dim=1).flatten(1)"))
    (one,) = [one["opaque"] for one in reading.spec["model"]["layers"] if "opaque" in one]
    assert "what is not computed from the input" in one["needs"]
