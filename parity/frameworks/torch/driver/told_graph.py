"""What a PyTorch module computes, call by call: it is called once more on rows of the program's, and watched.

A module of the program's own is gone into: what stands in the graph are PyTorch's modules and functions. The calls
must be the same ones in training and in evaluation, and of other rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn import functional

from parity.frameworks.torch.driver import generators
from parity.frameworks.torch.driver.attention_apart import Written
from parity.frameworks.torch.driver.attention_by_hand import WrittenAttentions
from parity.frameworks.torch.driver.joined import JoinedCalls, functions_as_modules
from parity.frameworks.torch.driver.older import ATTENTION
from parity.frameworks.torch.driver.own_parameters import TurnedLinear
from parity.frameworks.torch.driver.recurrent import single
from parity.frameworks.torch.driver.rows_axis import SINGLE, RowsFirst, alike, rows_axis
from parity.frameworks.torch.driver.shifts import constant_shifts
from parity.frameworks.torch.driver.tracer import Tracer, UnclearError
from parity.frameworks.torch.driver.written_parts import written_parts
from parity.run.single_numbers import with_an_axis
from parity.run.told import ToldCall, ToldInput, ToldNode, ToldRefusal


class TracedModel:
    """A module, told.

    Args:
        model: of a program.
        inputs: its tensors, as the program gave them.
        apply: calls it with tensors in their place, and returns its outputs.
        modes: each module in it and whether it is in training in a step.

    ``made`` are calls of functions that are told as modules, ``turned`` the matrices (by identity) that these keep as
    (in, out), ``parted`` modules of the program's own that are gone into and do more than one layer, ``numbers`` where
    in memory buffers lie that are told as numbers of a layer.
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
        self.written: dict[str, Written] = {}
        self.made: set[str] = set()
        self.turned: set[int] = set()
        self.parted: list[nn.Module] = []
        self.numbers: set[int] = set()
        self._renamed: dict[str, str] = {}
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
        count = len(self._given[0])
        fewer = count - 1 if count > 2 else count + 1
        other = [torch.cat([one, one, one])[1 : 1 + fewer] for one in self._given]
        traces = []
        for given, mode, when in ((other, True, "of other rows"), (self._given, False, "in evaluation")):
            again, others, _ = self._traced(given, training=mode)
            rows = count, len(given[0])
            at = _parting(trained, again, rows)
            if not mode and any(one.part.startswith("F.") and "dropout" in one.part and one.arguments.get("training")
                                for one in again.nodes):  # fmt: skip
                raise UnclearError("a dropout in evaluation", "", "F.dropout(..., training=self.training)")
            longer = max(trained.nodes, again.nodes, key=len)
            if at < len(longer) or others != ends:
                own = self._parted_in(trained, again, rows)
                what = f"forward of {type(own or self._model).__name__}, which computes something else {when},"
                place = longer[at].place if at < len(longer) else ""
                error = UnclearError(what, place, "calls that are the same whatever the rows and the mode are")
                error.module = own
                raise error
            traces.append(again)
        self.modules = trained.modules
        titles, values = trained.titles(self._model), [one.values for one in (trained, *traces)]
        calls = JoinedCalls(trained, ends, values, titles)
        functions_as_modules(calls)
        written_parts(calls)
        self.numbers = constant_shifts(calls, [one.given for one in traces])
        self._tell_homes(trained, calls)
        written = WrittenAttentions(trained.nodes, ends, self.modules, traces[1].values, titles, trained.free)
        self.written, self._renamed = written.found, calls.renamed | written.ends
        self.nodes, self.outputs = self._rows_first(trained, traces[0], ends)
        flat = with_an_axis(self.inputs, self.nodes, self.outputs, SINGLE)
        self.inputs, self.nodes, self.outputs = flat.inputs, flat.nodes, flat.outputs
        self._renamed |= flat.same
        for node in flat.stretched[:1]:
            raise UnclearError(f"{node.part} of rows of single numbers and of rows that have an axis,", node.place,
                               "the same shapes: (rows,) beside (rows, 1) makes (rows, rows)")  # fmt: skip
        self.calls = trained.own.told(self._model, trained.names, lambda one: self._now(trained.name_of(one)))
        self.called = {one.name: one.module for one in trained.own.calls}
        for node in self.nodes:
            if node.name in training:
                node.arguments["training"] = training[node.name]
        self.nodes, self.outputs = single(self.nodes, self.outputs, self.modules)

    def _tell_homes(self, trained: Tracer, calls: JoinedCalls) -> None:
        """Tell which modules of the program's own, with parameters and no modules in them, do what one module does."""
        self.made = {name for name in calls.made if calls.node(name) is not None}
        self.turned = {id(one.weight) for one in self.modules.values() if isinstance(one, TurnedLinear)}
        self.parted = []
        for call in trained.own.calls:
            module = call.module
            if next(module.parameters(), None) is None or next(module.children(), None) is not None:
                continue
            inside = [node for node in calls.nodes if call.name in node.within]
            reads = None if call.reads is None else trained.name_of(call.reads)
            gives = [calls.now(str(trained.name_of(one))) for one in call.gives]
            alone = len(inside) == 1 and inside[0].name in self.made and [inside[0].name] == gives
            if alone and reads is not None and inside[0].reads == [calls.now(reads)]:
                vars(self.modules[inside[0].name])["homes"] = [module]
            else:
                self.parted.append(module)

    def _now(self, name: str | None) -> str | None:
        """Return the call that gives a value now, whatever was put in the place of the one that gave it."""
        while name is not None and (after := self._renamed.get(name, name)) != name:
            name = after
        return name

    def _rows_first(self, trained: Tracer, other: Tracer, ends: list[str]) -> tuple[list[ToldNode], list[str]]:
        """Return the calls and the outputs with the rows of a batch ahead of the steps of sequences."""
        sizes = {name: list(one.shape) for name, one in trained.values.items()}
        axes = {name: rows_axis(size, other.values[name].shape) for name, size in sizes.items() if name in other.values}
        found = RowsFirst(trained.nodes, ends, sizes, axes)
        self._renamed |= found.same
        for node in found.left[:1]:
            what = f"{node.part} of what has its rows on another axis than the first,"
            error = UnclearError(what, node.place, "rows on the first axis, or modules with batch_first=False")
            error.module = trained.own.innermost(node.within)
            raise error
        return found.nodes, found.outputs

    def _parted_in(self, one: Tracer, other: Tracer, rows: tuple[int, int]) -> nn.Module | None:
        """Return the innermost module of the program's own, not the model itself, in which two calls part."""
        number = _parting(one, other, rows)
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
        modes = [(one, one.training) for one in self._model.modules()]
        own = {"dropout": generators.DROPOUT} | ({"scaled_dot_product_attention": ATTENTION} if ATTENTION else {})
        kept = {name: getattr(functional, name) for name in own}
        vars(functional).update(own)
        for module, mode in self._modes:
            module.training = mode and training
        try:
            with torch.random.fork_rng(devices=[]), torch.enable_grad():
                yield
        finally:
            vars(functional).update(kept)
            for module, mode in modes:
                module.training = mode
            with torch.no_grad():
                for one, value in buffers:
                    one.copy_(value)


def _title(name: str, module: nn.Module) -> str:
    """Return what a layer is called: a number alone says nothing."""
    return f"{type(module).__name__.lower()}_{name}" if name.isdigit() else name


def _parting(one: Tracer, other: Tracer, rows: tuple[int, int]) -> int:
    """Return the number of the call from which two traces of so many rows part; that behind all where they do not."""
    pairs = zip(one.nodes, other.nodes, strict=False)
    apart = (n for n, (a, b) in enumerate(pairs)
             if _told_apart(a, b) or one.owned(a.name) != other.owned(b.name)
             or not alike(one.values[a.name].shape, other.values[b.name].shape, rows))  # fmt: skip
    return next(apart, min(len(one.nodes), len(other.nodes)))


def _told_apart(a: ToldNode, b: ToldNode) -> bool:
    one, other = ((node.name, node.part, node.reads, node.layer, node.arguments.get("segment")) for node in (a, b))
    return one != other
