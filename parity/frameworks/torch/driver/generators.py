"""PyTorch's own random numbers."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from parity.run.driver.generators import seed_plain

DROPOUT = F.dropout
"""As it is before the harness's own takes its place."""

ALPHA_DROPOUT, RANDN_LIKE = F.alpha_dropout, torch.randn_like


def seed(number: int) -> None:
    """Seed Python's, NumPy's and PyTorch's generators: those of the CPU and of every GPU."""
    seed_plain(number)
    torch.manual_seed(number)


def uniform(count: int) -> torch.Tensor:
    """Return numbers of ``torch.rand``."""
    return torch.rand(count, dtype=torch.float32)


def kept(count: int) -> torch.Tensor:
    """Return which of as many ones PyTorch's dropout keeps."""
    return DROPOUT(torch.ones(count), 0.5) != 0
