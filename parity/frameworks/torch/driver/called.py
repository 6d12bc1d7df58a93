"""What a module is called with beside the tensors that it reads, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from parity.frameworks.torch.driver.attention import called_with
from parity.frameworks.torch.driver.calls import exchanged, leaves, tensors_in
from parity.frameworks.torch.driver.words import bare, word


def called_beside(module: nn.Module, args: Any, kwargs: Any, named: Sequence[Any]) -> dict[str, Any]:
    """Return what a module was called with beside what it reads: nothing, of most."""
    if isinstance(module, nn.MultiheadAttention):
        return called_with(args, kwargs, named)
    given = [*args, *kwargs.values()]
    if len(given) == 1 or len(given) == len(named) == len(list(leaves((args, kwargs)))):
        return {} if not kwargs else {name: _told(one, named) for name, one in kwargs.items() if name != "input"}
    if isinstance(module, nn.RNNBase):
        states = tensors_in(given[1:])
        return {} if not any(one.any() for one in states) else {"hx": bare("a state that is not 0")}
    return {str(number): _told(one, named) for number, one in enumerate(args)} | {
        name: _told(one, named) for name, one in kwargs.items()
    }


def _told(value: Any, named: Sequence[Any]) -> Any:
    order = {id(one): number for number, (one, _) in enumerate(named)}
    return exchanged(value, lambda one: {"tensor": order[id(one)]} if id(one) in order else (
        bare("a tensor") if isinstance(one, torch.Tensor) else word(one)))  # fmt: skip
