"""Arrays and tensors that a program holds, as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn


def is_array(value: Any) -> bool | None:
    """Return whether a value is an array of rows, of NumPy's or PyTorch's; None of what holds weights or losses."""
    if isinstance(value, nn.Module | torch.optim.Optimizer):
        return None
    if isinstance(value, torch.Tensor):
        return None if value.requires_grad or value.layout != torch.strided else True
    return value.dtype.kind in "fiub" if isinstance(value, np.ndarray) else False


def array_of(value: Any) -> np.ndarray:
    """Return an array, or a tensor as one."""
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
