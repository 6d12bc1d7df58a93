"""One call of a PyTorch module, watched: what stands in it are PyTorch's modules and functions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from parity.frameworks.torch.driver.called import called_beside
from parity.frameworks.torch.driver.calls import SILENT, exchanged, tensors_in
from parity.frameworks.torch.driver.own_modules import OwnModules, drawn, tensors_of
from parity.frameworks.torch.driver.own_parameters import OwnParameters
from parity.frameworks.torch.driver.places import PlaceTable, TorchPlaces, path_of
from parity.frameworks.torch.driver.words import bound, called, leaf_of, module_word, own_of, word
from parity.free_names import FreeNames
from parity.run.here import line_here
from parity.run.told import ToldNode, ToldRefusal

ESCAPES = frozenset({"item", "tolist", "numpy", "__bool__", "__float__", "__int__", "__index__", "__array__"})
"""Functions by which numbers leave for Python, which may then go another way."""

CONSTANT = frozenset({"zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full"})
"""Functions that take of a tensor no more than its shape."""

NOT_TOLD = ("input", "tensors", "self", "_stacklevel", "inplace", "out", "memory_format", "non_blocking", "copy")
"""Arguments of functions that are tensors, or change nothing of what is computed."""


@dataclass(frozen=True)
class FunctionCall:
    """A call of a function, to be made again.

    Args:
        function: that is called.
        args, kwargs: what it was given, tensors that calls gave as :class:`CallValue`.
        told: the same by the names of the arguments, tensors as they are.
        owned: the parameters among them, by their identity, and whether the axes of each are exchanged.
    """

    function: Any
    args: Any
    kwargs: Any
    told: dict[str, Any]
    owned: tuple[tuple[int, bool], ...] = ()


@dataclass(frozen=True)
class CallValue:
    """What a call gave, by its name."""

    name: str


class UnclearError(Exception):
    """A model cannot be told; carries what stands in the way."""

    def __init__(self, what: str, place: str = "", needs: str = "") -> None:
        super().__init__(what)
        self.module: nn.Module | None = None  # Of the program's own, which need not be gone into.
        self.refusal = ToldRefusal(what=what, place=place, needs=needs)


class Tracer(TorchFunctionMode):  # type: ignore[misc]
    """Watches one call of a module.

    Args:
        model: that is called.
        names: what each module is called.
        closed: modules of the program's own that are not gone into, and why.
    """

    def __init__(self, model: nn.Module, names: dict[int, str], closed: Mapping[int, str]) -> None:
        super().__init__()
        self.own, self._places, self._model, self._closed = OwnModules(), TorchPlaces(), model, closed
        self.parameters, self.given = OwnParameters(model), dict[str, FunctionCall]()
        self.nodes: list[ToldNode] = []
        self.modules: dict[str, Any] = {}
        self.free = FreeNames().take
        self.names, self._values = names, WeakTensorKeyDictionary()
        self.values: dict[str, torch.Tensor] = {}
        self._first: dict[int, str] = {}
        self._inside = 0

    def titles(self, model: nn.Module) -> dict[str, str]:
        """Return of each call of a module that was gone into what that module is called."""
        return {one.name: self.names.get(id(one.module), "") for one in self.own.calls if one.module is not model}

    def owned(self, name: str) -> tuple[tuple[int, bool], ...]:
        """Return the parameters that a call of a function was given."""
        return self.given[name].owned if name in self.given else ()

    def know(self, tensor: torch.Tensor, name: str) -> None:
        """Keep what a tensor is called; no other tensor that is alive is it."""
        self._values[tensor] = name
        self.values[name] = tensor

    def name_of(self, tensor: torch.Tensor) -> str | None:
        """Return what a tensor is called; None where no call that was seen gave it."""
        found: str | None = self._values.get(tensor)
        return found

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function of PyTorch's, and tell it where it stands in no module of PyTorch's."""
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        if self._inside:
            found = func(*args, **kwargs)
            self.own.draws(name, args, kwargs, found)
            return found
        if name == "__get__" and len(args) == 1 and getattr(func, "__self__", None) is torch.Tensor.T:
            name = "T"
        read = tensors_in((args, kwargs))
        names = [self.name_of(one) for one in read]
        if name in ESCAPES and any(names):
            error = UnclearError(f"{name} of a tensor, by whose numbers the model goes on,", line_here(),
                                 "a call that is the same whatever the numbers are")  # fmt: skip
            error.module = self.own.innermost(self.own.within(self._model))
            raise error
        if not any(names) or (name in SILENT and name != "T") or name in CONSTANT:
            found = func(*args, **kwargs)
            self.own.draws(name, args, kwargs, found)
            self._places.handed_on(name, args, found)
            self.parameters.handed_on(name, args, found)
            return found
        table, ahead = self._places.added(name, args, kwargs, names), self._places.ahead(name, args, kwargs)
        segment, number = self._places.segment(name, args, kwargs, names) or (None, 0)
        shapes = [list(one.shape) for one, known in zip(read, names, strict=True) if known]
        found = func(*args, **kwargs)
        random = self.own.draws(name, args, kwargs, found)
        if table or ahead or segment:
            module, (read_name,) = table or ahead or segment, filter(None, names)
            if isinstance(module, PlaceTable):
                self.names.setdefault(id(module), path_of(module.weight, self._model) or "places")
            told = {"places": True} if table else {"ahead": True} if ahead else {"segment": number}
            self._leaf(module, nn.Embedding, [read_name], [one[1:] for one in shapes], found, {}, **told)
        elif tensors_in(found):
            self._function(func, name, (args, kwargs), found, shapes)
            self.nodes[-1].random = drawn(random)
        return found

    def _function(self, func: Any, name: str, given: Any, found: Any, shapes: list[list[int]]) -> None:
        args, kwargs = given
        numbers = itertools.count()

        def told_as(one: Any) -> Any:
            if not isinstance(one, torch.Tensor):
                return word(one)
            known = self.name_of(one)
            if known is None:
                kind = "a parameter" if isinstance(one, nn.Parameter) else "a tensor"
                return {"part": kind, "arguments": {"shape": list(one.shape)}, "own": {}}
            return {"tensor": next(numbers)}

        arguments = bound(func, args, kwargs)
        operands = [exchanged(one, told_as) for one in arguments.values()]
        reads = [known for one in tensors_in(arguments) if (known := self.name_of(one))]
        told = {key: word(one) for key, one in arguments.items()
                if key not in NOT_TOLD and not tensors_in(one)}  # fmt: skip
        plain = name.rstrip("_") if not name.startswith("__") else name
        every = (self.parameters.own(one) for one in tensors_in(arguments))
        owned = tuple((id(one.parameter), one.turned) for one in every if one is not None)
        label = self.free(self.parameters.title(arguments) or plain.strip("_"))
        again = exchanged(args, self._value), exchanged(kwargs, self._value)
        self.given[label] = FunctionCall(func, *again, arguments, owned)
        part = f"F.{plain}" if getattr(func, "__module__", "") == functional.__name__ else f"torch.{plain}"
        self.nodes.append(ToldNode(
            name=label, part=part, reads=reads, shape=self._gave(found, label), read_shapes=[one[1:] for one in shapes],
            arguments=told, own=own_of(part), layer=label, function=True, called={"operands": operands},
            place=line_here(), within=self.own.within(self._model),
        ))  # fmt: skip

    def _value(self, one: Any) -> Any:
        """Return a tensor that a call gave as what it is called; anything else as it is."""
        name = self.name_of(one) if isinstance(one, torch.Tensor) else None
        return one if name is None else CallValue(name)

    def _gave(self, found: Any, label: str) -> list[int]:
        """Keep what a call gave; return the shape of a row of the first tensor."""
        tensors = tensors_in(found)
        for number, one in enumerate(tensors):
            self.know(one, f"{label}[{number}]" if number else label)
        return list(tensors[0].shape[1:])

    def module(self, run: Callable[..., Any], module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        """Call a module; one of PyTorch's is one node."""
        plain = leaf_of(module)
        kind = plain or (type(module) if id(module) in self._closed else None)
        if self._inside:
            return run(module, *args, **kwargs)
        if kind is None:
            call = self.own.open(module, args)
            found = run(module, *args, **kwargs)
            self.own.close(call, found)
            return found
        named = [(one, known) for one in tensors_in((args, kwargs)) if (known := self.name_of(one)) is not None]
        reads, shapes = [known for _, known in named], [list(one.shape[1:]) for one, _ in named]
        self._inside += 1
        random = self.own.alone() if plain is None else []
        try:
            found = run(module, *args, **kwargs)
        finally:
            self._inside -= 1
            self.own.leave()
        if not reads:
            self._places.see(module, args, found)
            return found
        self._leaf(module, kind, reads, shapes, found, called_beside(module, args, kwargs, named))
        self.nodes[-1].random = drawn(random)
        self.nodes[-1].tensors = tensors_of(module) if plain in (None, nn.MultiheadAttention) else {}
        return found

    def _leaf(
        self, module: nn.Module, kind: type, reads: list[str], shapes: list[list[int]], found: Any, more: Any,
        **told: int,
    ) -> None:  # fmt: skip
        """Tell a call of a module as one node."""
        label = self.free(self.names.get(id(module), called(kind).rpartition(".")[2].lower()))
        owns = next(module.parameters(), None) is not None or next(module.buffers(), None) is not None
        word_of = module_word(module, kind)
        self.modules[label] = module
        self.nodes.append(ToldNode(
            name=label, reads=reads, shape=self._gave(found, label), read_shapes=shapes, called=more,
            layer=self._first.setdefault(id(module), label) if owns else label, place=line_here(),
            within=self.own.within(self._model), why=self._closed.get(id(module), ""), part=word_of["part"],
            arguments={**word_of["arguments"], **told}, own=word_of["own"],
        ))  # fmt: skip
