"""PyTorch."""

from __future__ import annotations

from parity.frameworks import Framework

FRAMEWORK = Framework(
    name="torch",
    title="PyTorch",
    packages=("torch", "numpy"),
    modules=("torch",),
    install="torch",
    extra="torch",
    on_a_gpu="pip install torch from https://download.pytorch.org/whl/, a build with CUDA",
    other_names=("pytorch",),
    native={
        "training": {"batch_size": 1, "shuffle": False},
        "numerics": {"tf32": "convolutions", "deterministic": False, "loss_scale": 65536.0},
    },
    why_moved="PyTorch convolves channels first",
)
