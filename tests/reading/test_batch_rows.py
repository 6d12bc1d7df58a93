"""PyTorch losses over the rows of their batch, and times them: another number where the last batch has fewer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers_reading import read_and_held

HEAD = """\
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
generator = np.random.default_rng(0)
x = torch.tensor(generator.normal(size=(20, 3)).astype("float32"))
y = torch.tensor({targets})
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, {units}))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
w = torch.tensor([1.0, 2.0, 4.0])
for epoch in range(4):
    for a, b in torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=8):
        opt.zero_grad()
        out, n = net(a), len(a)
        loss = {loss}
        loss.backward()
        opt.step()
"""

CLASSES = ("generator.integers(0, 3, 20)", 3)
NUMBERS = ("generator.normal(size=(20, 2)).astype('float32')", 2)

READ: dict[str, tuple[tuple[str, int], str, dict[str, Any]]] = {
    "a sum over the rows": (CLASSES, "F.cross_entropy(out, b, reduction='sum') / len(a)", {}),
    "of losses": (CLASSES, "F.cross_entropy(out, b, reduction='none').sum() / b.size(0)", {}),
    "of a name": (CLASSES, "0.5 * F.cross_entropy(out, b, reduction='sum') / n", {"weight": 0.5}),
    "with weights of classes": (
        CLASSES, "F.cross_entropy(out, b, reduction='sum', weight=w) / len(a)", {"class_weight": [1.0, 2.0, 4.0]},
    ),
    "of numbers": (NUMBERS, "F.mse_loss(out, b, reduction='sum') / out.shape[0]", {"weight": 2.0}),
    "a mean times the rows": (CLASSES, "F.cross_entropy(out, b) * len(a) / 8", {"reduction": "sum", "weight": 0.125}),
    "of numbers, times the rows": (NUMBERS, "len(a) * F.mse_loss(out, b)", {"reduction": "sum", "weight": 0.5}),
    "a number": (CLASSES, "F.cross_entropy(out, b, reduction='sum') / 8", {"reduction": "sum", "weight": 0.125}),
}  # fmt: skip


def text(case: tuple[str, int], loss: str) -> str:
    return HEAD.format(targets=case[0], units=case[1], loss=loss)


def fields(spec: Any) -> dict[str, Any]:
    """Return what a spec says of its loss, beside what is read of any of its kind."""
    loss = spec["loss"]
    said = next(iter(loss.values())) if isinstance(loss, dict) else {}
    return {name: one for name, one in said.items() if name != "from_logits"}


@pytest.mark.parametrize("case", READ)
def test_it_is_the_other_reduction(case: str, read_text: Any) -> None:
    shape, loss, wanted = READ[case]
    assert fields(read_text(text(shape, loss)).spec) == wanted


@pytest.mark.parametrize("case", ["a sum over the rows", "a mean times the rows", "of numbers"])
def test_the_last_batch_is_held_as_well(case: str, session: Any, tmp_path: Path) -> None:
    """Of 20 rows the third batch has four."""
    _, held = read_and_held(session, text(*READ[case][:2]), tmp_path)
    assert held.lines[-1].startswith("read faithfully"), held.lines


UNREAD = {
    "a mean over the rows": (CLASSES, "F.cross_entropy(out, b) / len(a)"),
    "a weighted mean": (CLASSES, "F.cross_entropy(out, b, weight=w) * len(a)"),
    "a sum times the rows": (NUMBERS, "F.mse_loss(out, b, reduction='sum') * len(a)"),
}


@pytest.mark.parametrize("case", UNREAD)
def test_what_is_no_reduction_is_kept_whole(case: str, session: Any, tmp_path: Path) -> None:
    found, held = read_and_held(session, text(*UNREAD[case]), tmp_path)
    assert "opaque" in found.spec["loss"]
    assert "times or over the rows of its batch" in found.spec["loss"]["opaque"]["needs"]
    assert held.lines[-1].startswith("read faithfully but for what is opaque"), held.lines
