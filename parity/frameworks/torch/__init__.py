"""PyTorch."""

from __future__ import annotations

from parity.frameworks import Build, Framework, Words

WORDS = Words(
    prefix="torch.",
    functions={
        "any": ".any", "clip": ".clamp", "concatenate": "torch.cat", "erf": "torch.special.erf",
        "erfc": "torch.special.erfc", "expit": "torch.sigmoid",
        "every_step": "_0.new_ones((len(_0), *_1), dtype=torch.bool)", "log": ".log",
        "log_sigmoid": "F.logsigmoid", "log_softmax": "torch.log_softmax(_0, dim=-1)",
        "maximum": "_0.clamp(min=_1)", "mean": ".mean",
        "minimum": "_0.clamp(max=_1)", "picked": "_0.gather(-1, _1.unsqueeze(-1)).squeeze(-1)", "square": ".square",
        "softplus": "F.softplus(_0, threshold=40.0)",  # By itself it cuts off at 20, where log1p(exp(-x)) is 2e-9.
        "sum": ".sum", "weight_of": "torch.tensor(_1, dtype=_0.dtype, device=_0.device)[_2]", "width": "_0.shape[-1]",
        "xlogx": "torch.xlogy(_0, _0)",
    },
    keywords={"axis": "dim", "keepdims": "keepdim"},
)  # fmt: skip

SCALARS = Words(
    prefix="math.",
    functions={
        "minimum": "min", "maximum": "max", "piece": "_2[sum(_0 > edge for edge in _1)]", "where": "_1 if _0 else _2",
    },
)  # fmt: skip
"""A rate is a number of Python's."""

CPU = Build(local="+cpu", index="https://download.pytorch.org/whl/cpu")
"""What PyPI has for Linux brings gigabytes of CUDA along, or is not imported without them."""

FRAMEWORK = Framework(
    name="torch",
    title="PyTorch",
    packages=("torch", "numpy"),
    modules=("torch",),
    install="torch",
    extra="torch",
    takes_in_order=True,
    gives_in_order=True,
    on_a_gpu="pip install torch from https://download.pytorch.org/whl/, a build with CUDA",
    releases={"torch": ("1.13", "")},
    builds={"torch": CPU},
    documentation={
        "nn.init.": "https://docs.pytorch.org/docs/stable/nn.init.html#torch.{name}",
        "nn.": "https://docs.pytorch.org/docs/stable/generated/torch.{name}.html",
        "F.": "https://docs.pytorch.org/docs/stable/nn.functional.html",
        "torch.": "https://docs.pytorch.org/docs/stable/generated/{name}.html",
    },
    files="torch/",
    fuses_at_once=True,
    imports_late=("torch._dynamo",),
    other_names=("pytorch",),
    words=WORDS,
    scalars=SCALARS,
    native={
        "training": {"batch_size": 1, "shuffle": False},
        "numerics": {"tf32": "convolutions", "deterministic": False, "loss_scale": 65536.0},
    },
    why_moved="PyTorch convolves channels first",
)
