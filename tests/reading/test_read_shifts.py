"""Rows less constants, divided by constants: numbers of a layer, not parameters of anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity import api
from parity.reading.whole import ReadProgram

SCRIPT = """\
import torch
import torch.nn.functional as F
from torch import nn
torch.manual_seed(0)
x, y = 5 + 3 * torch.randn(32, {row}), torch.randn(32, 2)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", {mean})
        self.std = {std}
        self.body = {body}
    def forward(self, x):
        {forward}
net = Net()
opt = torch.optim.SGD(net.parameters(), 0.1)
for _ in range(4):
    opt.zero_grad()
    F.mse_loss(net(x), y).backward()
    opt.step()
"""

ROW = {"row": "3", "mean": "x.mean(0)", "std": "x.std(0, unbiased=False)", "body": "nn.Linear(3, 2)"}
IMAGE = {
    "row": "3, 4, 4", "mean": "torch.tensor([1.0, 2.0, 3.0])", "std": "torch.tensor([0.5, 0.25, 2.0])",
    "body": "nn.Sequential(nn.Conv2d(3, 2, 4), nn.Flatten())",
}  # fmt: skip

READ = {
    "a column each": (ROW, "return self.body((x - self.mean) / self.std)", -1, False),
    "undone": (ROW, "return self.body(x * self.std + self.mean)", -1, True),
    "moved alone": (ROW, "return self.body(x - self.mean)", -1, False),
    "scaled alone": (ROW, "return self.body(x / self.std)", -1, False),
    "channels first": (
        IMAGE, "return self.body((x - self.mean[:, None, None]) / self.std.view(1, 3, 1, 1))", 1, False
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_constants_are_numbers_of_a_layer(read_text: Callable[..., ReadProgram], case: str) -> None:
    given, forward, axis, invert = READ[case]
    layer = fields(read_text(SCRIPT.format(**given, forward=forward)))
    assert (layer.get("axis", -1), layer.get("invert", False)) == (axis, invert)
    if case == "channels first":
        assert layer["mean"] == [1.0, 2.0, 3.0]
        assert np.sqrt(layer["variance"]).tolist() == [0.5, 0.25, 2.0]


def fields(found: ReadProgram) -> dict[str, Any]:
    """Return the fields of the layer of constants."""
    return next(one["normalization"] for one in found.spec["model"]["layers"] if "normalization" in one)


def test_the_reading_is_proved(tmp_path: Path) -> None:
    given, forward, *_ = READ["channels first"]
    (tmp_path / "train.py").write_text(SCRIPT.format(**given, forward=forward))
    found = api.read(tmp_path / "train.py", out=tmp_path / "out")
    assert found.proof is not None
    assert found.proof.verdict in ("identical", "rounding"), found.proof.lines


@pytest.mark.parametrize("forward", [
    "return self.body(x + torch.randn(3))", "return self.body((x - x.mean(0)) / self.std)",
    "return self.body(x / (self.std - self.std))",
])  # fmt: skip
def test_what_is_drawn_or_worked_out_anew_or_no_number_is_no_constant(
    read_text: Callable[..., ReadProgram], forward: str
) -> None:
    layers = read_text(SCRIPT.format(**ROW, forward=forward)).spec["model"]["layers"]
    assert any("opaque" in one for one in layers)
    assert not any("normalization" in one for one in layers)
