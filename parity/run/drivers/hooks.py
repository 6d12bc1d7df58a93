"""What the PyTorch driver does with modules and tensors: hooks, values that are forced, NumPy's view of a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch


def first(seen: Callable[[torch.Tensor], torch.Tensor | None]) -> Callable[..., Any]:
    """Return a hook that sees what a module takes in."""

    def hook(module: torch.nn.Module, inputs: tuple[Any, ...]) -> Any:
        given = seen(inputs[0])
        return None if given is None else (given, *inputs[1:])

    return hook


def last(seen: Callable[[torch.Tensor], torch.Tensor | None]) -> Callable[..., Any]:
    """Return a hook that sees what a module puts out."""
    return lambda module, inputs, output: seen(output)


class Forced(torch.autograd.Function):  # type: ignore[misc]
    """Goes on with a given value; what comes back is shown, and replaced by what is given for it."""

    @staticmethod
    def forward(ctx: Any, own: torch.Tensor, given: torch.Tensor, backward: Callable[..., Any]) -> torch.Tensor:
        """Return the given value."""
        ctx.seen = backward
        return given.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        """Hand on the gradient, or the given one."""
        given = ctx.seen(gradients[0])
        return gradients[0] if given is None else given, None, None


def transformed(tensor: torch.Tensor) -> bool:
    """Return whether a tensor is one of a transform of ``torch.func`` (``grad``, ``vmap``) under way, which has no data."""
    known = getattr(torch._C, "_functorch", None)
    return known is not None and bool(known.is_functorch_wrapped_tensor(tensor))


def host(tensor: torch.Tensor) -> np.ndarray:
    """Return a tensor for NumPy, which has no bfloat16."""
    tensor = tensor.detach()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).cpu().numpy()


def turned(value: np.ndarray, axes: list[int] | None) -> np.ndarray:
    """Return the canonical tensor: PyTorch transposes large ones several times faster than NumPy copies a view."""
    return value if axes is None else torch.from_numpy(np.asarray(value)).permute(*axes).contiguous().numpy()
