"""Programs that are given their rows and targets otherwise than they have them: by other axes, in another order."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch

Build = Callable[[], Any]
"""What makes a model."""


def channels_moved(build: Build) -> Build:
    """Return what makes a model that is given channels last, and moves them first itself."""

    def moved(_: Any, given: Any) -> Any:
        # Of a single channel a moved tensor passes for contiguous as it lies, channels last, and convolutions give
        # such: ``view`` behind them fails.
        return given[0].movedim(-1, 1).clone(memory_format=torch.contiguous_format), *given[1:]

    return _ahead(build, moved)


def reordered(build: Build, order: Sequence[int]) -> Build:
    """Return what makes a model that is given its inputs in another order, and puts them in its own.

    Args:
        build: makes the model.
        order: of its inputs, in their order, the numbers of those that it is given.
    """
    return _ahead(build, lambda _, given: tuple(given[number] for number in order))


def _ahead(build: Build, hook: Callable[[Any, Any], Any]) -> Build:
    def build_model() -> Any:
        model = build()
        model.register_forward_pre_hook(hook)
        return model

    return build_model


def targets_moved(plain: Callable[..., Any]) -> Callable[..., Any]:
    """Return a loss that is given targets with channels last, and moves them itself."""

    def loss(outputs: Any, targets: Any, *more: Any, **named: Any) -> Any:
        targets = targets.movedim(-1, 1).contiguous() if targets.dim() == outputs.dim() > 2 else targets
        return plain(outputs, targets, *more, **named)

    vars(loss)["__signature__"] = inspect.signature(plain)  # Whether it takes weights is read from that.
    return loss
