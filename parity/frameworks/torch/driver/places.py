"""Embeddings of the numbers of places, ``table(torch.arange(length))``, which a model adds to its tokens'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.utils.weak import WeakTensorKeyDictionary

ADDING = frozenset({"add", "__add__", "__radd__", "add_", "__iadd__"})
"""Functions that add."""

HANDING_ON = frozenset({"unsqueeze", "expand", "expand_as", "to", "contiguous"})
"""Functions behind which rows of a table are still that, for all rows of a batch alike."""


class TorchPlaces:
    """The rows of tables that modules gave for the numbers of places."""

    def __init__(self) -> None:
        self._known = WeakTensorKeyDictionary()

    def see(self, module: nn.Module, args: Any, found: Any) -> None:
        """Note that a module was called with what no input is made of."""
        if type(module) is nn.Embedding and len(args) == 1 and isinstance(args[0], torch.Tensor) and counts(args[0]):
            self._known[found] = module

    def handed_on(self, name: str, args: Any, found: Any) -> None:
        """Note that a function was given what no input is made of."""
        module = self._known.get(args[0]) if args and isinstance(args[0], torch.Tensor) else None
        if module is not None and name in HANDING_ON and isinstance(found, torch.Tensor) and found.dim() <= 3:
            self._known[found] = module

    def added(self, name: str, args: Any, kwargs: Any, names: Sequence[str | None]) -> nn.Module | None:
        """Return the module whose rows a call adds to a sequence; None of any other call."""
        if name not in ADDING or kwargs or len(args) != 2 or not all(isinstance(one, torch.Tensor) for one in args):
            return None
        tokens, rows = args if names[0] else args[::-1]
        module: nn.Module | None = self._known.get(rows)
        fits = tokens.dim() == 3 and tuple(rows.shape[-2:]) == tuple(tokens.shape[1:])
        return module if fits and sum(map(bool, names)) == 1 else None


def counts(numbers: torch.Tensor) -> bool:
    """Return whether numbers are those of places, from 0 on, the same for each row where there are rows."""
    if numbers.is_floating_point() or numbers.dim() not in (1, 2) or not numbers.numel():
        return False
    return bool((numbers == torch.arange(numbers.shape[-1], device=numbers.device)).all())
