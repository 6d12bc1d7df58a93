"""Programs whose rows are single numbers, (N,), or whose outputs are: the same as rows of one, (N, 1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_reading import read_and_held

from parity.errors import ParityError
from parity.run.single_numbers import SingleWords, with_an_axis
from parity.run.told import ToldInput, ToldNode

TORCH = """\
import torch
from torch import nn
import torch.nn.functional as F
x = torch.linspace(0, 1, 40)
y = 3 * x + 1
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(1, 4), nn.Linear(4, 1)
        self.table = nn.Embedding(9, 4)
    def forward(self, x):
        {forward}
net = Net()
opt = torch.optim.SGD(net.parameters(), 0.1)
for start in range(0, 40, 8):
    rows, aims = x[start : start + 8], y[start : start + 8]
    opt.zero_grad()
    {loss}.backward()
    opt.step()
"""

MSE = "F.mse_loss(net(rows), aims)"

FLAT = {
    "unsqueeze": "return self.b(torch.tanh(self.a(x.unsqueeze(1)))).squeeze(1)",
    "an index": "return self.b(torch.tanh(self.a(x[:, None])))[:, 0]",
    "view": "return self.b(torch.tanh(self.a(x.view(-1, 1)))).view(-1)",
    "numbers ahead": "x = 2 * x - 1\n        return self.b(torch.tanh(self.a(x.unsqueeze(-1)))).squeeze(-1)",
    "numbers behind": "return 4 * torch.sigmoid(self.b(torch.tanh(self.a(x[:, None]))).squeeze())",
    "a sum": "return self.b(torch.tanh(self.a(x.unsqueeze(1)))).squeeze(1) + x",
}
"""Ways to write a network of one number."""

BESIDE = {"numbers ahead": ["rescaling", "rescaling"], "numbers behind": ["rescaling"], "a sum": ["add"]}
"""The layers that some of them have beside dense ones and activations."""

RAW = """\
import numpy as np
import tensorflow as tf
x = np.linspace(0, 1, 40).astype("float32"){axis}
y = 3 * x{flat} + 1
w1, b1 = tf.Variable(tf.random.normal((1, 4))), tf.Variable(tf.zeros(4))
w2, b2 = tf.Variable(tf.random.normal((4, 1))), tf.Variable(tf.zeros(1))
def net(x):
    return {net}
for rows, aims in tf.data.Dataset.from_tensor_slices((x, y)).batch(8):
    with tf.GradientTape() as tape:
        loss = {loss}
    for v, g in zip((w1, b1, w2, b2), tape.gradient(loss, (w1, b1, w2, b2))):
        v.assign_sub(0.1 * g)
"""

SQUARES = "tf.reduce_mean(tf.square(net(rows) - aims))"

RAW_FLAT = {
    "expand_dims": "tf.squeeze(tf.tanh(tf.expand_dims(x, 1) @ w1 + b1) @ w2 + b2, 1)",
    "an index": "(tf.tanh(x[:, None] @ w1 + b1) @ w2 + b2)[:, 0]",
    "reshape": "tf.reshape(tf.tanh(tf.reshape(x, [-1, 1]) @ w1 + b1) @ w2 + b2, [-1])",
}


def layers(spec: dict[str, Any]) -> list[str]:
    return [next(iter(one)) for one in spec["model"]["layers"] if next(iter(one)) != "dense"]


def broadcast(spec: dict[str, Any]) -> str:
    ((_, fields),) = spec["loss"].items() if isinstance(spec["loss"], dict) else [("mse", {})]
    return str(fields.get("broadcast", "align"))


@pytest.mark.parametrize("way", FLAT)
def test_rows_of_single_numbers_are_rows_of_one_in_pytorch(way: str, read_text: Any) -> None:
    found = read_text(TORCH.format(forward=FLAT[way], loss=MSE))
    assert found.spec["model"]["input"] == [1]
    assert [one for one in layers(found.spec) if one != "activation"] == BESIDE.get(way, [])
    assert found.arrays["X"].shape == (40, 1)
    assert broadcast(found.spec) == "align"


@pytest.mark.parametrize("way", RAW_FLAT)
def test_rows_of_single_numbers_are_rows_of_one_in_raw_tensorflow(way: str, read_text: Any) -> None:
    found = read_text(RAW.format(axis="", flat="", net=RAW_FLAT[way], loss=SQUARES))
    assert found.spec["model"]["input"] == [1]
    assert layers(found.spec) == []
    assert found.arrays["X"].shape == (40, 1)
    assert broadcast(found.spec) == "align"


@pytest.mark.parametrize("text", [
    TORCH.format(forward=FLAT["a sum"], loss=MSE),
    RAW.format(axis="", flat="", net=RAW_FLAT["expand_dims"], loss=SQUARES),
], ids=["torch", "tensorflow"])  # fmt: skip
def test_what_reads_single_numbers_is_read_faithfully(text: str, session: Any, tmp_path: Path) -> None:
    _, held = read_and_held(session, text, tmp_path)
    assert held.lines[-1].startswith("read faithfully"), held.lines


@pytest.mark.parametrize("text", [
    TORCH.format(forward="return self.b(torch.tanh(self.a(x.unsqueeze(1))))", loss=MSE),
    RAW.format(axis="[:, None]", flat="[:, 0]", net="tf.tanh(x @ w1 + b1) @ w2 + b2", loss=SQUARES),
    RAW.format(axis="", flat="", net="tf.tanh(x[:, None] @ w1 + b1) @ w2 + b2", loss=SQUARES),
], ids=["torch", "tensorflow", "both"])  # fmt: skip
def test_outputs_with_an_axis_beside_targets_without_one_are_stretched(text: str, read_text: Any) -> None:
    assert broadcast(read_text(text).spec) == "stretch"


def test_a_model_that_adds_rows_of_one_to_single_numbers_says_what_that_makes(read_text: Any) -> None:
    text = TORCH.format(forward="return self.b(self.a(x.unsqueeze(1))) + x", loss=MSE)
    with pytest.raises(ParityError, match=r"line 12: torch.add of rows of single numbers .* makes \(rows, rows\)"):
        read_text(text)


def test_a_number_that_is_looked_up_is_a_sequence_of_one(read_text: Any) -> None:
    text = TORCH.replace("torch.linspace(0, 1, 40)", "torch.arange(40) % 9")
    found = read_text(text.format(forward="return self.b(self.table(x))", loss="F.mse_loss(net(rows), aims[:, None])"))
    assert found.spec["model"]["inputs"] == {"input": {"shape": [1], "dtype": "integer"}}
    assert layers(found.spec) == ["embedding", "flatten"]


def test_an_output_of_one_number_a_row_that_is_opaque_keeps_its_place(read_text: Any) -> None:
    """A product of two vectors: it ended in a fault of parity's own."""
    text = TORCH.format(forward="h = self.a(x[:, None])\n        return (h * torch.tanh(h)).sum(1)", loss=MSE)
    found = read_text(text)
    assert layers(found.spec)[-1] == "opaque"
    assert next(iter(found.spec["model"]["layers"][-1].values()))["shape"] == [1]


WORDS = SingleWords(
    taking=("take", {}), raising=("raise", {}), flattening=("flatten", {}), moving=frozenset({"view"}),
    elementwise=lambda node: node.part == "double", tables=frozenset({"table"}),
)  # fmt: skip


def node(name: str, part: str, reads: str, before: list[int], shape: list[int], **told: Any) -> ToldNode:
    return ToldNode(name=name, part=part, reads=[reads], read_shapes=[before], shape=shape, arguments=told)


def test_what_is_no_change_of_each_number_reads_the_number_itself() -> None:
    nodes = [node("a", "double", "x", [], []), node("b", "other", "a", [], [3]), node("c", "other", "a", [], [])]
    found = with_an_axis([ToldInput(name="x", shape=[])], nodes, ["c"], WORDS)
    assert [(one.name, one.part, one.reads, one.shape) for one in found.nodes] == [
        ("a", "double", ["x"], [1]), ("take", "take", ["a"], []), ("b", "other", ["take"], [3]),
        ("c", "other", ["take"], []), ("raise", "raise", ["c"], [1]),
    ]  # fmt: skip
    assert found.outputs == ["raise"]
    assert found.inputs == [ToldInput(name="x", shape=[1])]


@pytest.mark.parametrize(("index", "gone"), [([{"slice": [None, None, None]}, None], True), ([3, None], False)])
def test_an_index_that_takes_rows_is_not_taken_for_an_axis(index: list[Any], gone: bool) -> None:
    nodes = [node("a", "view", "x", [], [1], index=index)]
    found = with_an_axis([ToldInput(name="x", shape=[])], nodes, ["a"], WORDS)
    assert (found.outputs == ["x"]) == gone


def test_a_model_of_rows_that_have_axes_stays_what_it_is() -> None:
    nodes = [node("a", "double", "x", [4], [4])]
    found = with_an_axis([ToldInput(name="x", shape=[4])], nodes, ["a"], WORDS)
    assert found.nodes == nodes
    assert np.array_equal(found.outputs, ["a"])
