"""PyTorch."""

from __future__ import annotations

from parity.frameworks import Framework, Words

WORDS = Words(
    prefix="torch.",
    functions={
        "clip": ".clamp", "erf": "torch.special.erf", "erfc": "torch.special.erfc",
        "expit": "torch.sigmoid", "log": ".log", "log_softmax": "torch.log_softmax(_0, dim=-1)", "mean": ".mean",
        "maximum": "_0.clamp(min=_1)", "minimum": "_0.clamp(max=_1)",
        "softplus": "F.softplus(_0, threshold=40.0)",  # By itself it cuts off at 20, where log1p(exp(-x)) is 2e-9.
        "square": ".square", "sum": ".sum",
    },
    keywords={"axis": "dim", "keepdims": "keepdim"},
)  # fmt: skip

SCALARS = Words(prefix="math.", functions={"minimum": "min", "maximum": "max"})
"""A rate is a number of Python's."""

FRAMEWORK = Framework(
    name="torch",
    title="PyTorch",
    packages=("torch", "numpy"),
    modules=("torch",),
    install="torch",
    extra="torch",
    on_a_gpu="pip install torch from https://download.pytorch.org/whl/, a build with CUDA",
    files="torch/",
    other_names=("pytorch",),
    words=WORDS,
    scalars=SCALARS,
    native={
        "training": {"batch_size": 1, "shuffle": False},
        "numerics": {"tf32": "convolutions", "deterministic": False, "loss_scale": 65536.0},
    },
    why_moved="PyTorch convolves channels first",
)
