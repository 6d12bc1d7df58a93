"""PyTorch's own parts, told nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from parity.run.driver.parts import Parts


class TorchParts(Parts):
    """Modules are made as they are; an optimizer moves a parameter of float64."""

    def seed(self) -> None:
        torch.manual_seed(0)

    def numbers(self, tensor: Any) -> list[float]:
        found: list[float] = tensor.detach().double().flatten().tolist()
        return found

    def stepped(self, name: str, start: float, gradients: Sequence[float]) -> list[float]:
        parameter = nn.Parameter(torch.tensor([start], dtype=torch.float64))
        optimizer, found = self.found(name)([parameter]), []
        for gradient in gradients:
            parameter.grad = torch.tensor([gradient], dtype=torch.float64)
            optimizer.step()
            found.append(parameter.item())
        return found


PARTS = TorchParts({"torch": torch, "nn": nn, "F": functional})
