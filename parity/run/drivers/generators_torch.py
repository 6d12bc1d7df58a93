"""PyTorch's own random numbers: its generators seeded, and what they give first."""

from __future__ import annotations

import random

import numpy as np
import torch
import torch.nn.functional as F

DROPOUT = F.dropout
"""As it is before the harness's own takes its place."""


def seed(number: int) -> None:
    """Seed Python's, NumPy's and PyTorch's generators: those of the CPU and of every GPU."""
    random.seed(number)
    np.random.seed(number % 2**32)
    torch.manual_seed(number)


def first(number: int, count: int) -> dict[str, list[float] | list[bool]]:
    """Return what the generators give first, each time seeded anew.

    Args:
        number: the seed.
        count: of numbers.

    Returns:
        ``uniform``, from ``torch.rand``, and ``mask``, which of as many ones a dropout of a half keeps.
    """
    seed(number)
    numbers = torch.rand(count, dtype=torch.float32).tolist()
    seed(number)
    return {"uniform": numbers, "mask": (DROPOUT(torch.ones(count), 0.5) != 0).tolist()}
