"""An opaque recurrent module of which the last state is read: what is seen of it are its outputs."""

from __future__ import annotations

from pathlib import Path

from parity import api

SCRIPT = """\
import torch
from torch import nn
torch.manual_seed(0)
x, y = torch.randn(16, 5, 2), torch.randn(16, 1)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.end = nn.LSTM(2, 3, batch_first=True), nn.Linear(3, 1)
        with torch.no_grad():
            self.rnn.bias_ih_l0.zero_()
            self.rnn.bias_ih_l0[1:4].fill_(0.5)  # No initializer starts it so.
    def forward(self, x):
        return self.end(self.rnn(x)[1][0][-1])
net = Net()
opt = torch.optim.SGD(net.parameters(), 0.1)
for n in range(4):
    opt.zero_grad()
    nn.functional.mse_loss(net(x), y).backward()
    opt.step()
"""


def test_it_is_read_but_not_proved(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    found = api.read(tmp_path / "train.py", out=tmp_path / "out")
    assert found.spec.model.layers[0].kind == "opaque"
    assert found.proof is not None
    assert (found.proof.verdict, found.proof.lines[-1]) == (
        "inconclusive",
        "read, but not proved: what is opaque cannot be seen in the program (rnn (forward)), nor so what follows "
        "from it",
    )
