"""A PyTorch program that is given rows with their channels last, and moves them first."""

from __future__ import annotations

import json
import subprocess

import pytest
from helpers_forked import interpreter
from helpers_frameworks import missing

MOVED = """
import json
import torch
from torch import nn
from parity.frameworks.torch.driver.watcher import WATCHER

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d({channels}, 4, 3)

    def forward(self, x):
        return self.conv(x).view(len(x), -1)

net = Net()
x = torch.randn(2, {channels}, 6, 5)
wanted = net(x)
moved = WATCHER.moving_channels({{"build_model": lambda: net}})["build_model"]()
print(json.dumps([tuple(wanted.shape), bool(torch.equal(moved(x.movedim(1, -1).contiguous()), wanted))]))
"""


@pytest.mark.skipif(bool(missing("torch")), reason="needs torch")
@pytest.mark.parametrize("channels", [1, 3])
def test_moved_rows_lie_as_the_program_has_them(channels: int) -> None:
    """Of one channel a moved tensor passes for contiguous however it lies: ``view`` behind a convolution failed."""
    done = subprocess.run([interpreter("torch"), "-c", MOVED.format(channels=channels)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [[2, 48], True]


TARGETS = """
import inspect
import json
import torch
from parity.frameworks.torch.driver.watcher import WATCHER

def loss(outputs, targets, sample_weights=None):
    return ((outputs - targets) ** 2).mean()

moved = WATCHER.moving_targets({"build_loss": loss})["build_loss"]
outputs, rows, index = torch.randn(2, 3, 5, 4), torch.randn(2, 3), torch.randn(2, 5, 4)
plain = WATCHER.moving_targets({"build_loss": lambda outputs, targets: targets})["build_loss"]
print(json.dumps([
    float(moved(outputs, outputs.movedim(1, -1))), float(moved(rows, rows)), list(plain(outputs, index).shape),
    "sample_weights" in inspect.signature(moved).parameters, "sample_weights" in inspect.signature(plain).parameters,
]))
"""


@pytest.mark.skipif(bool(missing("torch")), reason="needs torch")
def test_targets_that_are_pictures_are_moved_as_the_outputs_lie() -> None:
    done = subprocess.run([interpreter("torch"), "-c", TARGETS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [0.0, 0.0, [2, 5, 4], True, False]
