"""What older versions of PyTorch, from 1.13 on, have by another name or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional
from torch.optim import lr_scheduler

ATTENTION: Any = getattr(functional, "scaled_dot_product_attention", None)
"""PyTorch's own, before the harness's takes its place; None before 2.0, where modules compute it by themselves."""

Scheduler: Any = getattr(lr_scheduler, "LRScheduler", lr_scheduler._LRScheduler)
"""Base of those that move a rate; before 2.0 it had an underscore."""

GradScaler: Any = getattr(torch.amp, "GradScaler", None) or torch.cuda.amp.GradScaler
"""What scales a loss; before 2.3 it was CUDA's alone."""

uncompiled: Callable[[Any], Any] = torch.compiler.disable if hasattr(torch, "compiler") else lambda function: function
"""Keeps a function out of what is compiled; before 2.1 it is compiled with the rest, where anything is."""


class _Wrapped:
    """The ``step`` of one optimizer with hooks around it, put back by ``remove``."""

    def __init__(self, optimizer: Any, begun: Callable[..., Any], ended: Callable[..., Any]) -> None:
        self._optimizer, plain = optimizer, optimizer.step

        def step(*given: Any, **named: Any) -> Any:
            other = begun(optimizer, (optimizer, *given), named)
            (_, *given_), named = other if other is not None else ((optimizer, *given), named)
            found = plain(*given_, **named)
            ended()
            return found

        optimizer.step = step

    def remove(self) -> None:
        """Put the step back."""
        del self._optimizer.step


def watched_steps(optimizer: Any, begun: Callable[..., Any], ended: Callable[..., Any]) -> list[Any]:
    """Call functions before and behind every step of an optimizer; return what ends that, by ``remove``.

    Before 2.0 optimizers had no hooks.

    Args:
        optimizer: the optimizer.
        begun: as ``register_step_pre_hook`` takes it.
        ended: as ``register_step_post_hook`` takes it.
    """
    if not hasattr(optimizer, "register_step_pre_hook"):
        return [_Wrapped(optimizer, begun, ended)]
    return [optimizer.register_step_pre_hook(begun), optimizer.register_step_post_hook(ended)]
