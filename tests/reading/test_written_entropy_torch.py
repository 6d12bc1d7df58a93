"""Cross-entropies that programs of PyTorch write out themselves, and losses of logarithms of a softmax."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers_reading import read_and_held

from parity.reading.whole import ReadProgram
from parity.run.session import Session

Read = Callable[..., ReadProgram]

PROGRAM = """
import torch
import torch.nn as nn
import torch.nn.functional as F

x, y = torch.randn(60, 8), torch.randint(0, 3, (60,))
net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3){end})
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(2):
    for i in range(0, 60, 16):
        xb, yb = x[i : i + 16], y[i : i + 16]
        opt.zero_grad()
        loss = {loss}
        loss.backward()
        opt.step()
"""

SOFTMAX, LOGS = ", nn.Softmax(dim=1)", ", nn.LogSoftmax(dim=1)"
ONE_HOT = "F.one_hot(yb, 3)"
ROWS, NUMBERS = "categorical_crossentropy", "sparse_categorical_crossentropy"


def program(end: str, loss: str) -> str:
    return PROGRAM.replace("{end}", end).replace("{loss}", loss)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("end", "loss", "said"),
    [
        (SOFTMAX, f"-({ONE_HOT} * torch.log(net(xb))).sum(1).mean()", {ROWS: {}}),
        (SOFTMAX, f"torch.mean(-torch.sum({ONE_HOT}.float() * net(xb).log(), dim=-1))", {ROWS: {}}),
        (SOFTMAX, f"-({ONE_HOT} * torch.log(net(xb))).sum()", {ROWS: {"reduction": "sum"}}),
        ("", f"-({ONE_HOT} * F.log_softmax(net(xb), dim=1)).sum(dim=1).mean()", {ROWS: {"from_logits": True}}),
        (LOGS, f"(-net(xb) * {ONE_HOT}).sum(1).mean() * 0.5", {ROWS: {"from_logits": True, "weight": 0.5}}),
        (SOFTMAX, "-torch.log(net(xb)[range(len(yb)), yb]).mean()", {NUMBERS: {}}),
        ("", "-F.log_softmax(net(xb), 1)[torch.arange(len(yb)), yb].mean()", {NUMBERS: {"from_logits": True}}),
        ("", "-F.log_softmax(net(xb), 1).gather(1, yb.view(-1, 1)).mean()", {NUMBERS: {"from_logits": True}}),
        (SOFTMAX, "F.nll_loss(torch.log(net(xb)), yb)", {NUMBERS: {}}),
        (LOGS, "nn.NLLLoss()(net(xb), yb)", {NUMBERS: {"from_logits": True}}),
    ],
)
def test_a_cross_entropy_is_read(read_text: Read, end: str, loss: str, said: dict[str, Any]) -> None:
    found = read_text(program(end, loss)).spec["loss"]
    ((kind, fields),) = found.items() if isinstance(found, dict) else ((found, {}),)
    assert {kind: fields} == said


def test_probabilities_that_are_held_are_told(read_text: Read) -> None:
    loss = f"-({ONE_HOT} * torch.log(torch.clamp(net(xb), 1e-9, 1.0))).sum(1).mean()"
    found = read_text(program(SOFTMAX, loss))
    assert found.spec["loss"] == ROWS
    assert any(one.startswith("The program's loss holds probabilities below 1e-09") for one in found.notes)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("end", "loss"),
    [
        (SOFTMAX, f"({ONE_HOT} * torch.log(net(xb))).sum(1).mean()"),  # It would be made larger.
        (SOFTMAX, f"-({ONE_HOT} * torch.log(net(xb) + 1e-3)).sum(1).mean()"),
        (SOFTMAX, f"-({ONE_HOT} * torch.log(net(xb).clamp(min=1e-2))).sum(1).mean()"),
        (", nn.Sigmoid()", f"-({ONE_HOT} * torch.log(net(xb))).sum(1).mean()"),
        (SOFTMAX, "-torch.log(net(xb)[range(len(yb)), 0]).mean()"),
    ],
)
def test_another_loss_stays_opaque(read_text: Read, end: str, loss: str) -> None:
    assert "opaque" in read_text(program(end, loss)).spec["loss"]


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "loss",
    [f"-({ONE_HOT} * torch.log(net(xb))).sum(1).mean()", "-torch.log(net(xb)[range(len(yb)), yb]).mean()",
     "F.nll_loss(torch.log(net(xb)), yb)"],
)  # fmt: skip
def test_it_is_proved(loss: str, session: Session, tmp_path: Path) -> None:
    _, proof = read_and_held(session, program(SOFTMAX, loss), tmp_path)
    assert proof.verdict in ("identical", "rounding"), proof.lines
