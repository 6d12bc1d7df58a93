"""Weights that a PyTorch program ties are the table of an embedding; the reading proved, and two programs compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers_reading import read_and_held

from parity.reading.unread import UnreadProgramError
from parity.reading.whole import ReadProgram
from parity.run.session import Session

PROGRAM = """
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
x = torch.randint(0, 9, (24, 5))
y = torch.roll(x, -1, 1)


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(6, 9)

    def forward(self, x):
        return self.out(x.cumsum(1))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        {made}

    def forward(self, x):
        {computed}


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for start in (0, 8, 16):
    optimizer.zero_grad()
    out = net(x[start : start + 8])
    loss = F.cross_entropy(out.reshape(-1, 9), y[start : start + 8].reshape(-1))
    loss.backward()
    optimizer.step()
"""

MADE = "self.tokens, self.hidden, self.head = nn.Embedding(9, 6), nn.Linear(6, 6), nn.Linear(6, 9{bias})"
COMPUTED = "return self.head(torch.tanh(self.hidden(self.tokens(x))))"
LSTM = """self.tokens, self.rnn, self.head = nn.Embedding(9, 6), nn.LSTM(6, 6, batch_first=True), nn.Linear(6, 9)
        self.head.weight = self.tokens.weight"""
WAYS = {
    "the output takes the table": (f"{MADE.format(bias='')}\n        self.head.weight = self.tokens.weight", COMPUTED),
    "the table is the output's": (
        f"{MADE.format(bias=', bias=False')}\n        self.tokens.weight = self.head.weight", COMPUTED
    ),
    "an output that is made first": (
        "self.head = nn.Linear(6, 9)\n        self.tokens, self.hidden = nn.Embedding(9, 6), nn.Linear(6, 6)\n"
        "        self.head.weight = self.tokens.weight", COMPUTED
    ),
    "a function of the table": (
        "self.tokens, self.hidden = nn.Embedding(9, 6), nn.Linear(6, 6)",
        "return F.linear(torch.tanh(self.hidden(self.tokens(x))), self.tokens.weight)",
    ),
    "a product with its transpose": (
        "self.tokens, self.hidden = nn.Embedding(9, 6), nn.Linear(6, 6)",
        "return torch.tanh(self.hidden(self.tokens(x))) @ self.tokens.weight.T",
    ),
    "a parameter that is both": (
        "self.table = nn.Parameter(torch.empty(9, 6))\n        nn.init.normal_(self.table)",
        "return F.linear(torch.tanh(F.embedding(x, self.table)), self.table)",
    ),
    "an LSTM": (LSTM, "return self.head(self.rnn(self.tokens(x))[0])"),
}  # fmt: skip


def program(way: str) -> str:
    made, computed = WAYS[way]
    return PROGRAM.format(made=made, computed=computed)


def tied(reading: ReadProgram) -> list[Any]:
    """Return of each dense layer which embedding's table its kernel is."""
    layers = [fields for one in reading.spec["model"]["layers"] for kind, fields in one.items() if kind == "dense"]
    return [one["kernel_of"] for one in layers if "kernel_of" in one]


@pytest.mark.sampled(3, among="questions")
@pytest.mark.parametrize("way", WAYS)
def test_tied_weights_are_read_and_the_reading_proved(session: Session, tmp_path: Path, way: str) -> None:
    reading, proof = read_and_held(session, program(way), tmp_path)
    (first,) = (one["embedding"] for one in reading.spec["model"]["layers"] if "embedding" in one)
    assert tied(reading) == [first["name"]]
    assert first["embeddings_initializer"] == {"random_normal": {"stddev": 1.0}} or "bias=False" in program(way)
    assert proof.code == 0, proof.lines


def test_two_modules_of_one_tensor_are_one_layer(session: Session, tmp_path: Path) -> None:
    made = """self.one, self.two, self.head = nn.Embedding(9, 6), nn.Embedding(9, 6), nn.Linear(6, 9)
        self.two.weight = self.one.weight"""
    text = PROGRAM.format(made=made, computed="return self.head(self.one(x) * torch.tanh(self.two(x.flip(1))))")
    reading, proof = read_and_held(session, text.replace("x.flip(1)", "x"), tmp_path)
    assert {"again": {"name": "two", "layer": "one", "inputs": "input"}} in reading.spec["model"]["layers"]
    assert proof.code == 0, proof.lines


@pytest.mark.parametrize(("made", "computed", "said"), [
    ("""self.tokens, self.hidden, self.head = nn.Embedding(9, 6), nn.Linear(6, 6), nn.Linear(6, 9)
        self.second = nn.Linear(6, 6)
        self.second.weight = self.hidden.weight""",
     "return self.head(self.second(self.hidden(self.tokens(x))))",
     r"one tensor of two layers \(hidden.weight and second.weight\) is not read"),
    ("""self.tokens, self.head = nn.Embedding(9, 6), Head()
        self.head.out.weight = self.tokens.weight""", "return self.head(self.tokens(x))",
     "which has a tensor of layer 'tokens', is not read; it needs an embedding above it"),
])  # fmt: skip
def test_other_tensors_of_two_layers_are_a_line(
    read_text: Callable[..., ReadProgram], made: str, computed: str, said: str
) -> None:
    with pytest.raises(UnreadProgramError, match=said):
        read_text(PROGRAM.format(made=made, computed=computed))


KERAS = """
import keras
import numpy as np

keras.utils.set_random_seed(0)
numbers = np.random.default_rng(0)
x = numbers.permuted(np.tile(np.arange(9), (24, 1)), axis=1)[:, :5]


class Reversed(keras.layers.Layer):
    def __init__(self, table, **more):
        super().__init__(**more)
        self.table = table

    def call(self, x):
        return keras.ops.matmul(x, keras.ops.transpose({table}))


inputs = keras.Input((5,), dtype="int32")
tokens = keras.layers.Embedding(9, 6, name="tokens")
hidden = keras.layers.Dense(6, activation="tanh")(tokens(inputs))
model = keras.Model(inputs, Reversed(tokens)(hidden))
model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, np.roll(x, 1, 1), batch_size=8, epochs=1)
"""


@pytest.mark.parametrize(("table", "code"), [
    ("self.table.embeddings", 0), ("keras.ops.stop_gradient(self.table.embeddings)", 1),
])  # fmt: skip
def test_a_keras_model_that_reads_a_table_in_reverse_is_tied_where_its_gradient_is(
    session: Session, tmp_path: Path, table: str, code: int
) -> None:
    reading, proof = read_and_held(session, KERAS.format(table=table), tmp_path)
    assert tied(reading) == ["tokens"]
    assert proof.code == code, proof.lines
    assert code == 0 or "gradient, tokens.embeddings" in proof.lines[-1]


TENSORFLOW = """
import numpy as np
import tensorflow as tf

tf.random.set_seed(0)
x = np.random.default_rng(0).integers(0, 9, (24, 5)).astype("int32")
y = np.roll(x, 1, 1)
table = tf.Variable(tf.random.normal([9, 6]), name="table")
kernel, bias = tf.Variable(tf.random.normal([6, 6]), name="hidden"), tf.Variable(tf.zeros([9]), name="bias")
variables = [table, kernel, bias]
for start in range(0, 24, 8):
    with tf.GradientTape() as tape:
        h = tf.tanh(tf.matmul(tf.gather(table, x[start : start + 8]), kernel))
        logits = tf.matmul(h, table, transpose_b=True) + bias
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y[start : start + 8], logits=logits)
        loss = tf.reduce_mean(losses)
    for variable, gradient in zip(variables, tape.gradient(loss, variables)):
        variable.assign_sub(0.1 * tf.convert_to_tensor(gradient))
"""


def test_a_product_with_the_transposed_table_in_raw_tensorflow_is_tied(session: Session, tmp_path: Path) -> None:
    reading, proof = read_and_held(session, TENSORFLOW, tmp_path)
    last = reading.spec["model"]["layers"][-1]["dense"]
    assert last == {"name": "head", "units": 9, "kernel_of": "embedding"}
    assert proof.code == 0, proof.lines
