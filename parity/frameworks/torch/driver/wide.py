"""PyTorch programs that cast to float32 by name, in a float64 worker: there such a cast goes to float64.

``y.float()`` before a loss and ``x.to(torch.float32)`` mean "the float type of this training", which in lockstep is
float64; left alone, they would round what everything else computes in float64, and look like a difference of meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from parity.frameworks.torch.driver.older import GradScaler


class Wide(TorchFunctionMode):  # type: ignore[misc]
    """Within it, float64 is what a program gets where it asks for float32."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call a function of PyTorch."""
        if func is torch.Tensor.float:
            func = torch.Tensor.double
        named = {name: widened(value) for name, value in (kwargs or {}).items()}
        return func(*[widened(value) for value in args], **named)


@contextmanager
def in_float64() -> Iterator[None]:
    """Return within which what asks for float32 gets float64."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with Wide():
            yield
    finally:
        torch.set_default_dtype(usual)


def widened(value: Any) -> Any:
    """Return float64 for float32, by its name or as a type of tensors, and anything else as it is."""
    if value is torch.float32:
        return torch.float64
    return "torch.DoubleTensor" if isinstance(value, str) and value == "torch.FloatTensor" else value


def as_wide(constant: torch.Tensor) -> torch.Tensor:
    """Return a constant of a program in the precision that is computed in."""
    return constant.to(torch.get_default_dtype()) if constant.is_floating_point() else constant


def _as_it_is(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def plain(*args: Any, **named: Any) -> Any:
        with torch._C.DisableTorchFunction():
            return method(*args, **named)

    return plain


for name in ("scale", "unscale_", "update"):  # The scale of a loss is a float32 number to PyTorch's kernels.
    setattr(GradScaler, name, _as_it_is(getattr(GradScaler, name)))
