"""Rows that are alike for all of a batch: added to its tokens at their places, or one at all, or put in front of them.

``tokens + table(torch.arange(length))``, where the table may be a parameter by itself, and
``torch.cat((parameter.expand(n, -1, -1), tokens), 1)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.utils.weak import WeakTensorKeyDictionary

ADDING = frozenset({"add", "__add__", "__radd__", "add_", "__iadd__"})
"""Functions that add."""

JOINING = frozenset({"cat", "concat", "concatenate"})
"""Functions that put one behind another."""

HANDING_ON = frozenset({"unsqueeze", "expand", "expand_as", "to", "contiguous", "repeat"})
"""Functions behind which rows of a table are still that, for all rows of a batch alike."""


class PlaceTable(nn.Module):  # type: ignore[misc]
    """A parameter of rows of places, (length, size) or (1, length, size), as an embedding keeps its own.

    Args:
        parameter: of a program.
    """

    def __init__(self, parameter: nn.Parameter) -> None:
        super().__init__()
        self.weight = parameter
        self.num_embeddings, self.embedding_dim = parameter.shape[-2:]


class TorchPlaces:
    """The rows of tables that modules gave for the numbers of places, and parameters that are such tables."""

    def __init__(self) -> None:
        self._known, self._rows = WeakTensorKeyDictionary(), WeakTensorKeyDictionary()
        self._tables: dict[int, PlaceTable] = {}

    def see(self, module: nn.Module, args: Any, found: Any) -> None:
        """Note that a module was called with what no input is made of."""
        if type(module) is not nn.Embedding or len(args) != 1 or not isinstance(args[0], torch.Tensor):
            return
        if counts(args[0]):
            self._known[found] = module
        elif args[0].numel() and not args[0].is_floating_point() and bool((args[0] == args[0].flatten()[0]).all()):
            self._rows[found] = module, int(args[0].flatten()[0])

    def handed_on(self, name: str, args: Any, found: Any) -> None:
        """Note that a function was given what no input is made of."""
        module = self._rows_of(args[0]) if args and isinstance(args[0], torch.Tensor) else None
        if name == "__getitem__" and args and _is_table(args[0]) and isinstance(found, torch.Tensor):
            first = args[0][..., : found.shape[-2], :] if found.dim() > 1 else None
            if first is not None and first.shape[-2:] == found.shape[-2:] and torch.equal(first, found):
                self._known[found] = self._table(args[0])
        row = self._rows.get(args[0]) if args and isinstance(args[0], torch.Tensor) else None
        if row is not None and name in HANDING_ON and isinstance(found, torch.Tensor) and found.dim() <= 3:
            self._rows[found] = row
        handed = module is not None and name in HANDING_ON and isinstance(found, torch.Tensor) and found.dim() <= 3
        if handed and (name != "repeat" or found.shape[-2:] == args[0].shape[-2:]):
            self._known[found] = module

    def added(self, name: str, args: Any, kwargs: Any, names: Sequence[str | None]) -> nn.Module | None:
        """Return the module whose rows a call adds to a sequence; None of any other call."""
        if name not in ADDING or kwargs or len(args) != 2 or not all(isinstance(one, torch.Tensor) for one in args):
            return None
        tokens, rows = args if names[0] else args[::-1]
        module = self._rows_of(rows)
        fits = tokens.dim() == 3 and tuple(rows.shape[-2:]) == tuple(tokens.shape[1:])
        return module if fits and sum(map(bool, names)) == 1 else None

    def segment(self, name: str, args: Any, kwargs: Any, names: Sequence[str | None]) -> tuple[nn.Module, int] | None:
        """Return the module of which a call adds one row at every place, and the row's number; None of any other."""
        if name not in ADDING or kwargs or len(args) != 2 or not all(isinstance(one, torch.Tensor) for one in args):
            return None
        tokens, rows = args if names[0] else args[::-1]
        found: tuple[nn.Module, int] | None = self._rows.get(rows)
        fits = tokens.dim() == 3 and tuple(rows.shape[-1:]) == tuple(tokens.shape[-1:]) and rows.dim() <= 3
        return found if fits and sum(map(bool, names)) == 1 else None

    def ahead(self, name: str, args: Any, kwargs: Any) -> PlaceTable | None:
        """Return the parameter that a call puts in front of a sequence, alike for all rows; None of any other."""
        given = [*args, *kwargs.values()]
        joined = given[0] if name in JOINING and len(given) == 2 and set(kwargs) <= {"dim", "axis"} else ()
        if not isinstance(joined, tuple | list) or len(joined) != 2 or given[1] not in (1, -2):
            return None
        rows, tokens = joined
        table = self._rows_of(rows)
        fits = tokens.dim() == 3 == rows.dim()
        return table if fits and isinstance(table, PlaceTable) else None

    def _rows_of(self, value: torch.Tensor) -> nn.Module | None:
        found: nn.Module | None = self._table(value) if _is_table(value) else self._known.get(value)
        return found

    def _table(self, parameter: nn.Parameter) -> PlaceTable:
        return self._tables.setdefault(id(parameter), PlaceTable(parameter))


def _is_table(value: Any) -> bool:
    shape: tuple[int, ...] = tuple(value.shape) if isinstance(value, nn.Parameter) else ()
    return len(shape) == 2 or (len(shape) == 3 and shape[0] == 1)


def path_of(parameter: nn.Parameter, model: nn.Module) -> str:
    """Return the path of a parameter in a model; empty where it is none of its."""
    return next((path for path, one in model.named_parameters() if one is parameter), "")


def counts(numbers: torch.Tensor) -> bool:
    """Return whether numbers are those of places, from 0 on, the same for each row where there are rows."""
    if numbers.is_floating_point() or numbers.dim() not in (1, 2) or not numbers.numel():
        return False
    return bool((numbers == torch.arange(numbers.shape[-1], device=numbers.device)).all())
