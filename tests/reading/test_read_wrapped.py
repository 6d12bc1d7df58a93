"""An optimizer, a scheduler and a loader that a library puts its own around, as accelerate does, are what is inside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers_reading import read_and_held

from parity.reading.whole import ReadProgram
from parity.run.session import Session

WRAPPED = """
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, {sampler}, TensorDataset

torch.manual_seed(0)
rows = TensorDataset(torch.randn(32, 4), torch.randn(32, 1))
loader = DataLoader(rows, batch_sampler=BatchSampler({sampler}(rows), 8, drop_last=True))


class Around(torch.optim.Optimizer):
    def __init__(self, optimizer):
        self.optimizer = optimizer

    param_groups = property(lambda self: self.optimizer.param_groups, lambda self, value: None)
    state = property(lambda self: self.optimizer.state, lambda self, value: None)
    defaults = property(lambda self: self.optimizer.defaults, lambda self, value: None)

    def zero_grad(self, set_to_none=True):
        self.optimizer.zero_grad(set_to_none)

    def step(self, closure=None):
        self.optimizer.step(closure)


net = nn.Linear(4, 1)
optimizer = Around(torch.optim.AdamW(net.parameters(), lr=0.01, weight_decay=0.1))
falls = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: max(0.0, 1.0 - n / 40))
for epoch in range(2):
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.mse_loss(net(x), y).backward()
        optimizer.step()
        falls.step()
"""


@pytest.mark.parametrize(("sampler", "shuffle"), [("SequentialSampler", False), ("RandomSampler", True)])
def test_what_stands_around_an_optimizer_and_a_sampler_is_looked_through(
    session: Session, tmp_path: Path, sampler: str, shuffle: bool
) -> None:
    reading, proof = read_and_held(session, WRAPPED.format(sampler=sampler), tmp_path)
    ((kind, fields),) = reading.spec["optimizer"].items()
    line = {"initial_learning_rate": 0.01, "decay_steps": 40, "end_learning_rate": 0.0}
    assert (kind, fields["learning_rate"], fields["weight_decay"]) == ("adamw", {"polynomial": line}, 0.1)
    training = reading.spec["training"]
    assert (training["batch_size"], training["shuffle"], training["drop_remainder"]) == (8, shuffle, True)
    assert len(reading.arrays["X"]) == 32
    assert proof.code == 0, proof.lines


def test_the_line_of_a_schedule_is_the_schedulers(read_text: Callable[..., ReadProgram]) -> None:
    found = read_text(
        "import torch\nfrom torch import nn\nx, y = torch.randn(64, 4), torch.randn(64, 1)\nnet = nn.Linear(4, 1)\n"
        "opt = torch.optim.SGD(net.parameters(), 0.1)\nsched = torch.optim.lr_scheduler.StepLR(opt, 2)\n"
        "for i in range(0, 64, 8):\n    opt.zero_grad()\n    loss = nn.functional.mse_loss(net(x[i:i+8]), y[i:i+8])\n"
        "    loss.backward()\n"
        "    opt.step()\n    sched.step()\n"
    )
    assert found.told.places["optimizer"] == "train.py, line 5"
    assert found.told.places["schedule"] == "train.py, line 6"
