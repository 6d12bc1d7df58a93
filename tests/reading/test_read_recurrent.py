"""Recurrent layers of PyTorch as people make them agree with other frameworks'."""

from __future__ import annotations

from pathlib import Path

from helpers_reading import read_and_held

from parity.run.session import Session

PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
x, y = torch.randn(24, 5, 4), torch.rand(24, 1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 1)
        nn.init.zeros_(self.rnn.bias_ih_l0)
        nn.init.zeros_(self.rnn.bias_hh_l0).requires_grad_(False)

    def forward(self, x):
        return self.head(self.rnn(x)[1][0][-1])


net = Net()
optimizer = torch.optim.Adam([one for one in net.parameters() if one.requires_grad], lr=0.01)
for start in (0, 8, 16):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(x[start : start + 8]), y[start : start + 8])
    loss.backward()
    optimizer.step()
"""


def test_a_layer_that_stands_still_as_a_whole_keeps_both_biases(session: Session, tmp_path: Path) -> None:
    still = "        self.rnn.requires_grad_(False)\n\n    def forward"
    reading, proof = read_and_held(session, PROGRAM.replace("\n    def forward", still), tmp_path)
    layer = reading.spec["model"]["layers"][0]["lstm"]
    assert layer["two_biases"] is True
    assert layer["trainable"] is False
    assert proof.code == 0, proof.lines


def test_a_second_bias_that_stays_at_0_is_none(session: Session, tmp_path: Path) -> None:
    reading, proof = read_and_held(session, PROGRAM, tmp_path)
    layer = reading.spec["model"]["layers"][0]["lstm"]
    assert "two_biases" not in layer
    assert layer.get("trainable") is None
    assert proof.code == 0, proof.lines
