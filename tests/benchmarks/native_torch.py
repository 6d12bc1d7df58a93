"""The benchmark networks trained in plain PyTorch, without parity: what its cost is measured against."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

DECAY = 1e-6


class Cifar(nn.Module):
    """(N, 32, 32, 3) to logits (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        blocks = []
        for taken, filters in ((3, 32), (32, 64), (64, 128)):
            blocks += [
                nn.Conv2d(taken, filters, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(filters, filters, 3, padding=1),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Dropout(0.2),
            ]
        self.features = nn.Sequential(*blocks)
        self.dense1 = nn.Linear(2048, 1024)
        self.dense2 = nn.Linear(1024, 512)
        self.dense3 = nn.Linear(512, 10)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.features(x.permute(0, 3, 1, 2)).flatten(1)
        x = self.dropout(F.relu(self.dense1(x)))
        x = self.dropout(F.relu(self.dense2(x)))
        return self.dense3(x)

    @torch.no_grad()
    def constrain(self) -> None:
        """Scale the units of the hidden dense layers down to norms of at most 3."""
        for layer in (self.dense1, self.dense2):
            norms = layer.weight.norm(dim=1, keepdim=True)
            layer.weight.mul_(norms.clamp(max=3.0) / (norms + 1e-7))


class Leaf(nn.Module):
    """(N, 64, 3) to logits (N, 99)."""

    def __init__(self, widths: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv1d(3, 512, 1)
        self.dropout = nn.Dropout(0.4)
        self.dense1 = nn.Linear(512 * 64, widths[0])
        self.dense2 = nn.Linear(widths[0], widths[1])
        self.dense3 = nn.Linear(widths[1], 99)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.conv(x.permute(0, 2, 1)))
        x = self.dropout(x.permute(0, 2, 1).flatten(1))
        x = F.relu(self.dense1(x))
        x = F.relu(self.dense2(x))
        return self.dense3(x)


def loop(network: str, widths: tuple[int, int]) -> Callable[[np.ndarray, np.ndarray], float]:
    """Return a function that trains on a batch and returns its loss."""
    model = Cifar() if network == "cifar" else Leaf(widths)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=network != "cifar")
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1.0 / (1.0 + DECAY * t))
    model.train()

    def step(x: np.ndarray, y: np.ndarray) -> float:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(torch.from_numpy(x)), torch.from_numpy(y))
        loss.backward()
        optimizer.step()
        schedule.step()
        if isinstance(model, Cifar):
            model.constrain()
        return loss.item()

    return step
