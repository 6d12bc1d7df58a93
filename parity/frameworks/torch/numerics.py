"""What ``numerics`` compiles to in PyTorch.

The statements are the body of a program's ``set_numerics()``; a driver runs the same ones before it imports a program.

Source: PyTorch's notes on reproducibility and on CUDA semantics, torch/amp.
"""

from __future__ import annotations

from parity.spec.sections import NumericsSpec

REPEAT = (
    "# Without it cuBLAS does not repeat itself; it is read once.",
    'os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")',
)


def settings(asked: NumericsSpec) -> tuple[str, ...]:
    """Return the statements that set what is global in PyTorch."""
    products = asked.tf32 is True
    return (
        *(REPEAT if asked.deterministic else ()),
        f"torch.use_deterministic_algorithms({asked.deterministic}{', warn_only=True' if asked.deterministic else ''})",
        "torch.backends.cudnn.benchmark = False",
        f'torch.set_float32_matmul_precision("{asked.matmul_precision or ("high" if products else "highest")}")',
        f"torch.backends.cudnn.allow_tf32 = {asked.tf32 is not False}",
    )  # fmt: skip


def scaled(build: str, asked: NumericsSpec) -> str:
    """Return the optimizer as it is: PyTorch's scaler stands beside it, not around it."""
    del asked
    return build
