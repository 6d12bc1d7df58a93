"""What a PyTorch module computes, call by call: it is called once more on rows of the program's, and watched.

A module of the program's own is gone into: what stands in the graph are PyTorch's modules and functions. The calls
must be the same ones in training and in evaluation, and of other rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from parity.frameworks.torch.driver import generators
from parity.frameworks.torch.driver.called import called_beside
from parity.frameworks.torch.driver.calls import exchanged, tensors_in
from parity.frameworks.torch.driver.own_modules import OwnModules, drawn, tensors_of
from parity.frameworks.torch.driver.places import TorchPlaces
from parity.frameworks.torch.driver.recurrent import single
from parity.frameworks.torch.driver.seen import SILENT
from parity.frameworks.torch.driver.words import bound, called, leaf_of, module_word, own_of, word
from parity.free_names import FreeNames
from parity.run.here import line_here
from parity.run.told import ToldCall, ToldInput, ToldNode, ToldRefusal

ESCAPES = frozenset({"item", "tolist", "numpy", "__bool__", "__float__", "__int__", "__index__", "__array__"})
"""Functions by which numbers leave for Python, which may then go another way."""

NOT_TOLD = ("input", "tensors", "self", "_stacklevel", "inplace", "out", "memory_format", "non_blocking", "copy")
"""Arguments of functions that are tensors, or change nothing of what is computed."""


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
        self.nodes: list[ToldNode] = []
        self.modules: dict[str, Any] = {}
        self.free = FreeNames().take
        self.names, self._values = names, WeakTensorKeyDictionary()
        self._kept: list[torch.Tensor] = []
        self._first: dict[int, str] = {}
        self._inside = 0

    def know(self, tensor: torch.Tensor, name: str) -> None:
        """Keep what a tensor is called; no other tensor that is alive is it."""
        self._values[tensor] = name
        self._kept.append(tensor)

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
        if not any(names) or (name in SILENT and name != "T"):
            found = func(*args, **kwargs)
            self.own.draws(name, args, kwargs, found)
            self._places.handed_on(name, args, found)
            return found
        table = self._places.added(name, args, kwargs, names)
        shapes = [list(one.shape) for one, known in zip(read, names, strict=True) if known]
        found = func(*args, **kwargs)
        random = self.own.draws(name, args, kwargs, found)
        if table is not None:
            (read_name,) = filter(None, names)
            self._leaf(table, nn.Embedding, [read_name], [one[1:] for one in shapes], found, {}, places=True)
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
        label = self.free(plain.strip("_"))
        part = f"F.{plain}" if getattr(func, "__module__", "") == functional.__name__ else f"torch.{plain}"
        self.nodes.append(ToldNode(
            name=label, part=part, reads=reads, shape=self._gave(found, label), read_shapes=[one[1:] for one in shapes],
            arguments=told, own=own_of(part), layer=label, function=True, called={"operands": operands},
            place=line_here(), within=self.own.within(self._model),
        ))  # fmt: skip

    def _gave(self, found: Any, label: str) -> list[int]:
        """Keep what a call gave; return the shape of a row of the first tensor."""
        tensors = tensors_in(found)
        for number, one in enumerate(tensors):
            self.know(one, f"{label}[{number}]" if number else label)
        return list(tensors[0].shape[1:])

    def module(self, run: Callable[..., Any], module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        """Call a module; one of PyTorch's is one node."""
        plain = leaf_of(module)
        kind = plain or _alone(module) or (type(module) if id(module) in self._closed else None)
        if self._inside:
            return run(module, *args, **kwargs)
        if kind is None:
            call = self.own.open(module)
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
        self.nodes[-1].tensors = {} if plain else tensors_of(module)
        return found

    def _leaf(
        self, module: nn.Module, kind: type, reads: list[str], shapes: list[list[int]], found: Any, more: Any,
        **told: bool,
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


class TracedModel:
    """A module, told.

    Args:
        model: of a program.
        inputs: its tensors, as the program gave them.
        apply: calls it with tensors in their place, and returns its outputs.
        modes: each module in it and whether it is in training in a step.
    """

    def __init__(
        self, model: nn.Module, inputs: Sequence[torch.Tensor], apply: Callable[..., list[torch.Tensor]],
        modes: Sequence[tuple[nn.Module, bool]],
    ) -> None:  # fmt: skip
        self.inputs: list[ToldInput] = []
        self.nodes: list[ToldNode] = []
        self.outputs: list[str] = []
        self.modules: dict[str, nn.Module] = {}
        self.refused: list[ToldRefusal] = []
        self.calls: list[ToldCall] = []
        self.called: dict[str, nn.Module] = {}
        self._model, self._given, self._apply, self._modes = model, list(inputs), apply, list(modes)
        self._closed: dict[int, str] = {}
        while True:
            try:
                self._tell()
            except UnclearError as error:
                if error.module is not None:
                    self._closed[id(error.module)] = error.refusal.what.rstrip(",")
                    continue
                self.refused.append(error.refusal)
            return

    def _tell(self) -> None:
        self.inputs.clear()
        for number, one in enumerate(self._given, 1):
            name = "input" if len(self._given) == 1 else f"input_{number}"
            self.inputs.append(ToldInput(name=name, shape=list(one.shape[1:]), whole=not one.is_floating_point()))
        trained, ends, training = self._traced(self._given, training=True)
        fewer = max(2, len(self._given[0]) - 1)
        other = [torch.cat([one, one])[1 : 1 + fewer] for one in self._given]
        for given, mode, when in ((other, True, "of other rows"), (self._given, False, "in evaluation")):
            again, others, _ = self._traced(given, training=mode)
            at = _parting(trained.nodes, again.nodes)
            if not mode and any(one.part.startswith("F.") and "dropout" in one.part and one.arguments.get("training")
                                for one in again.nodes):  # fmt: skip
                raise UnclearError("a dropout in evaluation", "", "F.dropout(..., training=self.training)")
            if at is not None or others != ends:
                own = self._parted_in(trained, again) if at is not None else None
                what = f"forward of {type(own or self._model).__name__}, which computes something else {when},"
                error = UnclearError(what, at or "", "calls that are the same whatever the rows and the mode are")
                error.module = own
                raise error
        self.nodes, self.outputs, self.modules = trained.nodes, ends, trained.modules
        self.calls = trained.own.told(self._model, trained.names, trained.name_of)
        self.called = {one.name: one.module for one in trained.own.calls}
        for node in self.nodes:
            if node.name in training:
                node.arguments["training"] = training[node.name]
        self.nodes, self.outputs = single(self.nodes, self.outputs, self.modules)
        known = {node.name: node for node in self.nodes}
        for number, name in enumerate(self.outputs):
            while name in known and known[name].shape == [] and known[name].read_shapes == [[1]]:
                name = known[name].reads[0]  # One number a row, with or without an axis of its own.
            self.outputs[number] = name

    def _parted_in(self, one: Tracer, other: Tracer) -> nn.Module | None:
        """Return the innermost module of the program's own, not the model itself, in which two calls part."""
        number = next((n for n, pair in enumerate(zip(one.nodes, other.nodes, strict=False)) if _told_apart(*pair)),
                      min(len(one.nodes), len(other.nodes)))  # fmt: skip
        longer = max((one, other), key=lambda trace: len(trace.nodes))
        return longer.own.innermost(longer.nodes[number].within) if number < len(longer.nodes) else None

    def _traced(
        self, given: Sequence[torch.Tensor], training: bool
    ) -> tuple[Tracer, list[str], dict[str, bool]]:  # fmt: skip
        """Return one call, the names of its outputs, and of the modules in it whether they were in training."""
        every = reversed(list(self._model.named_modules()))
        names = {id(one): _title(name or "model", one) for name, one in every}
        tracer, run = Tracer(self._model, names, self._closed), nn.Module.__call__
        tensors = [one.detach().clone() for one in given]
        for one, told in zip(tensors, self.inputs, strict=True):
            tracer.know(one, told.name)
            tracer.free(told.name)
        with self._kept(training):
            nn.Module.__call__ = lambda one, *args, **kwargs: tracer.module(run, one, *args, **kwargs)
            try:
                with tracer:
                    found = self._apply(self._model, tensors)
            finally:
                nn.Module.__call__ = run
            ends = []
            for one in found:
                name = tracer.name_of(one)
                if name is None:
                    raise UnclearError(f"output of {type(self._model).__name__}, which no call that is seen gives,",
                                      "", "tensors all the way from what it reads")  # fmt: skip
                if one.dim() == 0 or len(one) != len(tensors[0]):
                    raise UnclearError(f"output of shape {tuple(one.shape)} for {len(tensors[0])} rows", "",
                                      "a row of each row")  # fmt: skip
                ends.append(name)
            modes = {name: module.training for name, module in tracer.modules.items()}
        return tracer, ends, modes

    @contextmanager
    def _kept(self, training: bool) -> Iterator[None]:
        """Return within what a call moves nothing that stays: buffers, modes and random numbers are put back."""
        buffers = [(one, one.detach().clone()) for one in self._model.buffers()]
        modes, dropout = [(one, one.training) for one in self._model.modules()], functional.dropout
        functional.dropout = generators.DROPOUT
        for module, mode in self._modes:
            module.training = mode and training
        try:
            with torch.random.fork_rng(devices=[]), torch.enable_grad():
                yield
        finally:
            functional.dropout = dropout
            for module, mode in modes:
                module.training = mode
            with torch.no_grad():
                for one, value in buffers:
                    one.copy_(value)


def _alone(module: nn.Module) -> type | None:
    """Return the class of a program's own module that computes with parameters of its own, and holds none that does."""
    own = next(module.parameters(recurse=False), None) is not None
    held = any(next(one.parameters(), None) is not None for one in module.children())
    return type(module) if own and not held else None


def _title(name: str, module: nn.Module) -> str:
    """Return what a layer is called: a number alone says nothing."""
    return f"{type(module).__name__.lower()}_{name}" if name.isdigit() else name


def _parting(one: Sequence[ToldNode], other: Sequence[ToldNode]) -> str | None:
    """Return the line from which two calls are not the same; None where they are."""
    for a, b in zip(one, other, strict=False):
        if _told_apart(a, b):
            return a.place
    return None if len(one) == len(other) else (max(one, other, key=len)[min(len(one), len(other))]).place


def _told_apart(a: ToldNode, b: ToldNode) -> bool:
    return (a.name, a.part, a.reads, a.shape, a.layer) != (b.name, b.part, b.reads, b.shape, b.layer)
