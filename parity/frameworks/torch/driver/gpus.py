"""Where PyTorch computes."""

from __future__ import annotations

import os

# What cuBLAS needs to repeat itself, and reads once.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

from typing import Any

import torch


def seen_gpus() -> dict[str, Any]:
    """Return the names of the GPUs that PyTorch sees, and the libraries it was built for."""
    numbers = range(torch.cuda.device_count())
    names = [torch.cuda.get_device_name(index) for index in numbers]
    cudnn = f", cuDNN {torch.backends.cudnn.version()}" if names else ""
    built = f"CUDA {torch.version.cuda}{cudnn}" if torch.version.cuda else ""
    return {"names": names, "built": built, "capabilities": [torch.cuda.get_device_capability(one) for one in numbers]}
