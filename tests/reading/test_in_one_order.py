"""Branches that two programs write in another order are the same; targets of several outputs are given as they were."""

from __future__ import annotations

from typing import Any

import pytest

from parity import api
from parity.reading.in_one_order import in_one_order
from parity.reading.pair import paired
from parity.spec.graph import named
from parity.spec.load import build_spec

LAYERS = {
    "stem": {"dense": {"units": 3, "name": "stem"}},
    "age": {"dense": {"units": 1, "name": "age", "inputs": "stem"}},
    "drop": {"dropout": {"rate": 0.5, "name": "drop", "inputs": "stem"}},
    "noise": {"dropout": {"rate": 0.25, "name": "noise", "inputs": "age"}},
    "kind": {"dense": {"units": 2, "name": "kind", "inputs": "drop"}},
}


def model(*names: str) -> Any:
    layers = [LAYERS[name] for name in names]
    outputs = {"a": "noise", "b": "kind"}
    return build_spec({
        "name": "branches", "data": {"source": "blobs"}, "model": {"input": [4], "layers": layers, "outputs": outputs},
        "loss": {"a": "mse", "b": "mse"}, "optimizer": "sgd", "training": {"epochs": 1, "batch_size": 4},
    }).model  # fmt: skip


def order(found: Any) -> list[str]:
    return [str(op.name) for op in named(found).layers]


def test_layers_come_in_the_order_of_the_other_program() -> None:
    wanted, other = model("stem", "age", "drop", "kind", "noise"), model("stem", "drop", "kind", "age", "noise")
    found = in_one_order(named(other), named(wanted))
    assert order(found) == order(wanted)
    assert found.layers[1].inputs is None, "it reads the layer above"
    assert all(one.inputs in (None, two.inputs) for one, two in zip(found.layers, named(wanted).layers, strict=True))


def test_layers_that_draw_keep_their_order() -> None:
    other = model("stem", "drop", "age", "noise", "kind")
    assert in_one_order(named(other), named(model("stem", "age", "noise", "drop", "kind"))) == named(other)


HEAD = """
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
rng = np.random.default_rng(0)
x = torch.from_numpy(rng.normal(size=(40, 6)).astype("float32"))
age, kind = x[:, 0] + 2.0, torch.from_numpy(rng.integers(0, 4, 40))
old = (x[:, 1] > 0).float()
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.age, self.old, self.kind = nn.Linear(6, 5), nn.Linear(5, 1), nn.Linear(5, 1), nn.Linear(5, 4)
    def forward(self, x):
        h = torch.relu(self.stem(x))
        return {"age": self.age(h).squeeze(1), "old": self.old(h).squeeze(1), "kind": self.kind(h)}
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(2):
    for i in range(0, 40, 8):
        optimizer.zero_grad()
        out, part = net(x[i:i + 8]), slice(i, i + 8)
        loss = F.mse_loss(out["age"], age[part]) + F.binary_cross_entropy_with_logits(out["old"], old[part])
        (loss + F.cross_entropy(out["kind"], kind[part])).backward()
        optimizer.step()
"""

TURNED = HEAD.replace(
    """{"age": self.age(h).squeeze(1), "old": self.old(h).squeeze(1), "kind": self.kind(h)}""",
    """{"kind": self.kind(h), "old": self.old(h).squeeze(1), "age": self.age(h).squeeze(1)}""",
)


def test_branches_in_another_order_are_no_difference(read_text: Any) -> None:
    assert TURNED != HEAD
    readings = [read_text(text, name=f"{name}.py") for name, text in (("one", HEAD), ("two", TURNED))]
    found = paired(readings[0], readings[1], ("one", "two"), "rows.npz", "others.npz")
    assert "changes" not in found.spec["sides"]["two"]


@pytest.mark.parametrize("outputs", [3, 2])
def test_several_outputs_of_single_numbers_are_read_faithfully(outputs: int, tmp_path: Any) -> None:
    """(N,) beside targets of (N,): given (N, 1) they are stretched, or refused."""
    text = HEAD
    if outputs == 2:
        text = text.replace('(loss + F.cross_entropy(out["kind"], kind[part]))', "loss")
        text = text.replace(', "kind": self.kind(h)', "")
    (tmp_path / "several.py").write_text(text)
    found = api.read(tmp_path / "several.py", out=tmp_path)
    assert found.proof is not None
    assert found.proof.verdict in ("identical", "rounding"), found.proof.lines
