"""How parameters start: what filled them last, held against what stood there ahead of the first step."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from parity.frameworks.torch.driver.words import bound, own_of, word
from parity.run.told import ToldNode

METHODS = {
    "normal_": ("nn.init.normal_", ("mean", "std")), "uniform_": ("nn.init.uniform_", ("a", "b")),
    "zero_": ("nn.init.zeros_", ()), "fill_": ("nn.init.constant_", ("val",)),
}  # fmt: skip
"""Methods of tensors that do what a function of ``nn.init`` does, and its arguments in their order."""

NAMES = {"from": "a", "to": "b", "value": "val"}
"""Arguments of such methods by other names."""


PARTS = (slice, int, type(...))
"""What an index is made of that takes a part of a tensor, and not a copy of one."""


class Fill:
    """What filled a tensor, or a part of it.

    Args:
        told: as a word; None where it is nothing that has one.
        tensor: as it was filled.
        whole: whether that is all of what is in its memory.
    """

    def __init__(self, told: Any, tensor: torch.Tensor, whole: bool) -> None:
        self.told, self.whole = told, whole
        self.at, self.shape = tensor.storage_offset(), list(tensor.shape)


class Starts:
    """What filled the parameters of a program, and how they were ahead of the first step."""

    def __init__(self) -> None:
        self._fills: dict[int, list[Fill]] = {}
        self._after: dict[int, tuple[float, float]] = {}
        self._first: dict[int, torch.Tensor] = {}
        self._inside = 0
        self._copies: set[int] = set()

    def watch(self, put: Callable[[Any, str, Any], None]) -> None:
        """See PyTorch's functions that fill tensors, wherever its modules have them."""
        for name, run in list(vars(nn.init).items()):
            if not name.endswith("_") or name.startswith("_") or not callable(run):
                continue
            stands = functools.wraps(run)(functools.partial(self._filling, run, name))
            for module in [one for key, one in list(sys.modules.items()) if key.startswith("torch.nn.")]:
                if vars(module).get(name) is run:
                    put(module, name, stands)

    def _filling(self, run: Callable[..., Any], name: str, *args: Any, **kwargs: Any) -> Any:
        self._inside += 1
        try:
            found = run(*args, **kwargs)
        finally:
            self._inside -= 1
        if not self._inside:
            told = bound(run, args, kwargs)
            tensor = told.pop("tensor", None)
            told.pop("generator", None)
            if isinstance(tensor, torch.Tensor):
                full = f"nn.init.{name}"
                arguments = {key: word(one) for key, one in told.items()}
                self._keep(tensor, {"part": full, "arguments": arguments, "own": own_of(full)})
        return found

    def filled(self, tensor: torch.Tensor, name: str, args: Any, kwargs: Any) -> None:
        """Note that a method filled or changed a tensor."""
        if self._inside:
            return
        told = None
        if name in METHODS:
            full, order = METHODS[name]
            given = {
                **dict(zip(order, args, strict=False)),
                **{NAMES.get(key, key): one for key, one in kwargs.items()},
            }
            given.pop("generator", None)
            told = {"part": full, "arguments": {key: word(one) for key, one in given.items()}, "own": own_of(full)}
        self._keep(tensor, told)

    def _keep(self, tensor: torch.Tensor, told: Any) -> None:
        try:
            memory = tensor.untyped_storage().data_ptr()
            whole = tensor.numel() * tensor.element_size() == tensor.untyped_storage().nbytes()
        except (RuntimeError, NotImplementedError):
            return  # A tensor without memory of its own.
        fill = Fill(told, tensor, whole)
        self._fills[memory] = [fill] if whole else [*self._fills.get(memory, []), fill]
        base = tensor if whole else tensor._base
        if base is not None:
            self._after[memory] = _print_of(base)

    def copied(self, run: Callable[..., Any], parameter: Any, memo: Any) -> Any:
        """Copy a parameter, as ``copy.deepcopy`` does; the copy was filled by what filled the parameter."""
        found = run(parameter, memo)
        one, other = (each.untyped_storage().data_ptr() for each in (parameter, found))
        if one in self._fills and one in self._after and one != other:
            self._fills[other], self._after[other] = list(self._fills[one]), self._after[one]
            self._copies.add(id(found))
        return found

    def are_copies(self, parameters: Iterable[torch.Tensor]) -> bool:
        """Return whether some parameters began as copies of one another's numbers."""
        return any(id(one) in self._copies for one in parameters)

    def seen(self, parameters: Iterable[torch.Tensor]) -> None:
        """Keep how parameters stand ahead of the first step."""
        for one in parameters:
            self._first.setdefault(id(one), one.detach().clone())

    def first(self, parameter: torch.Tensor) -> torch.Tensor:
        """Return how a parameter stood ahead of the first step."""
        return self._first.get(id(parameter), parameter.detach())

    def of(self, parameter: torch.Tensor) -> dict[str, Any] | None:
        """Return how a parameter starts: a word, with ``parts``, words of the rows that were filled behind it.

        None where what filled it last is not what stood there, or is nothing that has a word.
        """
        memory = parameter.untyped_storage().data_ptr()
        fills, value = self._fills.get(memory, []), self.first(parameter)
        kept = memory in self._after and self._after[memory] == _print_of(value)
        if not kept or not fills or not fills[0].whole or any(one.told is None for one in fills):
            return None
        row = math.prod(parameter.shape[1:])
        ends = list(parameter.shape[1:])
        parts = [
            {"rows": [one.at // row, one.at // row + (1 if one.shape == ends else one.shape[0])], "told": one.told}
            for one in fills[1:] if one.shape == ends or one.shape[1:] == ends
        ]  # fmt: skip
        if len(parts) < len(fills) - 1:
            return None
        return {**fills[0].told, **({"parts": parts} if parts else {})}


def fill_of(name: str, args: Sequence[Any]) -> tuple[torch.Tensor, str, Sequence[Any]] | None:
    """Return what a call fills or changes, by which method and with what; None of a call that does neither.

    Args:
        name: of the function.
        args: that it is given; ``bias[8:16] = 1.0`` fills a part.
    """
    if not args or not isinstance(args[0], torch.Tensor):
        return None
    if name == "__setitem__" and all(isinstance(one, PARTS) for one in _each(args[1])):
        number = isinstance(args[2], int | float)
        return args[0][args[1]], "fill_" if number else name, args[2:] if number else ()
    return (args[0], name, args[1:]) if name.endswith("_") and not name.endswith("__") else None


def _each(index: Any) -> Sequence[Any]:
    return index if isinstance(index, tuple) else (index,)


def other_second(node: ToldNode, parameters: Mapping[str, torch.Tensor], starts: Starts) -> str:
    """Return that the two biases of a recurrent layer start otherwise, which no field says; empty where not.

    A spec has the part of the forget gate start at 1 in the first alone.

    Args:
        node: the layer.
        parameters: of it, by name.
        starts: what filled them.
    """
    for name in (one for one in parameters if one.startswith("bias_ih")):
        other = parameters.get(name.replace("_ih", "_hh"))
        first, second = (None if one is None else starts.of(one) for one in (parameters[name], other))
        if first is not None and second is not None and {**first, "parts": []} != {**second, "parts": []}:
            told = " and ".join(map(_shown, (first, second)))
            return f"The two biases of {node.name} start by {told}: a spec starts the second as it does the first."
        if second is not None and second.get("parts"):
            return f"Parts of both biases of {node.name} are filled: a spec says that of the first alone."
    return ""


def _shown(word: Mapping[str, Any]) -> str:
    """Return what filled a tensor, as it is called."""
    return f"{word['part']}({', '.join(f'{name}={value}' for name, value in word['arguments'].items())})"


def turned_word(word: dict[str, Any] | None, turned: bool) -> dict[str, Any] | None:
    """Return how a matrix starts that a program keeps as (in, out), as of one that lies as PyTorch's own do.

    Args:
        word: of what filled it; None where that is not known.
        turned: it lies so; else the word stays what it is.
    """
    if word is None or not turned or "kaiming" not in word["part"]:
        return word
    mode = word["arguments"].get("mode", "fan_in")
    other = {"fan_in": "fan_out", "fan_out": "fan_in"}[mode]
    return {**word, "arguments": {**word["arguments"], "mode": other}}


def _print_of(tensor: torch.Tensor) -> tuple[float, float]:
    """Return two numbers that tensors of the same values have in common."""
    wide = tensor.detach().double()
    return float(wide.sum()), float(wide.abs().sum())
