"""JoinedCalls of functions that are one layer together, put in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from parity.frameworks.torch.driver.own_parameters import OwnTensor, TurnedLinear, linear_of, module_of
from parity.frameworks.torch.driver.tracer import Tracer
from parity.frameworks.torch.driver.words import module_word
from parity.run.told import ToldNode, call_of

RESHAPING = frozenset({"torch.view", "torch.reshape", "torch.flatten", "torch.unflatten"})

ADDING = frozenset({"torch.add", "torch.__add__", "torch.__radd__"})


class JoinedCalls:
    """The calls of a model, some of which may be put in the place of others.

    Args:
        traced: the calls, and what they were given; changed.
        outputs: names of those that give the outputs; changed.
        values: of each trace, by name of a call, what it gave; take what calls have become.
        titles: of modules that were gone into, by the name of a call of one.

    ``renamed`` has, of a call that is no more, the one that gives what it gave; ``made`` the calls of functions that
    are told as modules.
    """

    def __init__(
        self, traced: Tracer, outputs: list[str], values: Sequence[dict[str, torch.Tensor]], titles: Mapping[str, str]
    ) -> None:  # fmt: skip
        self.nodes, self.modules, self.given = traced.nodes, traced.modules, traced.given
        self.parameters, self.free = traced.parameters, traced.free
        self.outputs, self.values, self.titles = outputs, values, titles
        self.renamed: dict[str, str] = {}
        self.made: list[str] = []

    def now(self, name: str) -> str:
        """Return the call that gives now what a call gave."""
        while (after := self.renamed.get(name, name)) != name:
            name = after
        return name

    def readers(self, name: str) -> list[ToldNode]:
        """Return the calls that read what a call gave."""
        return [one for one in self.nodes if name in map(call_of, one.reads)]

    def node(self, value: str) -> ToldNode | None:
        """Return the call that gives a value."""
        name = call_of(value)
        return next((one for one in self.nodes if one.name == name), None)

    def alone(self, name: str, reader: ToldNode) -> bool:
        """Return whether one call, and no other, reads what a call gave."""
        return name not in self.outputs and self.readers(name) == [reader]

    def told_as(self, node: ToldNode, module: nn.Module, reads: str) -> None:
        """Let a call of a function be one of a module.

        Args:
            node: the call.
            module: that does the same.
            reads: the value that it is given.
        """
        kind = next(one for one in type(module).__mro__ if one.__module__.startswith("torch.nn."))
        said = module_word(module, kind)
        node.part, node.arguments, node.own, node.function, node.called = (
            said["part"], said["arguments"], said["own"], False, {}
        )  # fmt: skip
        node.reads, node.read_shapes = [reads], [list(self.values[0][reads].shape[1:])]
        self.modules[node.name] = module
        vars(module).setdefault("homes", [])  # No child of it, as a module that is set would be.
        self.made.append(node.name)

    def join(self, inside: Sequence[ToldNode], last: ToldNode, name: str, source: str) -> ToldNode:
        """Put one call in the place of several, and return it.

        Args:
            inside: the calls.
            last: that of them which gives what they give.
            name: of the call that takes their place, which may be one of theirs.
            source: the value that they are given.
        """
        outer = [one for one in last.within if all(one in other.within for other in inside)]
        found = ToldNode(
            name=name, part=last.part, reads=[source], shape=last.shape, layer=name, place=inside[0].place,
            read_shapes=[list(self.values[0][source].shape[1:])], function=True, within=outer,
        )  # fmt: skip
        gone = {one.name for one in inside}
        for values in self.values:
            values[name] = values[last.name]
        self.nodes[self.nodes.index(last)] = found
        self.nodes[:] = [one for one in self.nodes if one.name not in gone or one is found]
        for one in self.nodes:
            one.reads = [name if read == last.name else read for read in one.reads]
        self.outputs[:] = [name if one == last.name else one for one in self.outputs]
        self.renamed |= {last.name: name} if last.name != name else {}
        return found

    def title(self, inside: Sequence[ToldNode]) -> str:
        """Return what the module of the program's own is called of which calls are all that it does; empty for none."""
        outer = [one for one in inside[0].within if all(one in other.within for other in inside)]
        own = [one for one in outer if all(one not in other.within or other in inside for other in self.nodes)]
        found = self.titles.get(own[0], "") if own else ""
        taken = found in self.values[0] and all(one.name != found for one in inside)
        return "" if taken else found


def functions_as_modules(calls: JoinedCalls) -> None:
    """Tell functions that are given parameters of the program's as the modules that do the same."""
    known: dict[Any, tuple[nn.Module, str]] = {}
    for node in list(calls.nodes):
        given = calls.given.get(node.name)
        if given is None or not node.function:
            continue
        name = node.part.partition(".")[2]
        module = module_of(name, given.told, calls.parameters.own)
        if module is None or len(node.reads) != 1:
            continue
        key = (name, given.owned, str(module)) if given.owned else node.name
        name = calls.title([node])
        if name and name != node.name:
            node = calls.join([node], node, name, node.reads[0])
        module, first = known.setdefault(key, (module, node.name))
        calls.told_as(node, module, node.reads[0])
        node.layer = first
    for node in list(calls.nodes):
        if isinstance(calls.modules.get(node.name), nn.Linear):
            _with_bias(calls, node)
            _of_merged_rows(calls, node)


def _with_bias(calls: JoinedCalls, node: ToldNode) -> None:
    """Let a linear layer have the bias that is added behind it, if one is."""
    linear, readers = calls.modules[node.name], calls.readers(node.name)
    shared = any(one.layer == node.layer and one is not node for one in calls.nodes)
    if linear.bias is not None or shared or len(readers) != 1 or not calls.alone(node.name, readers[0]):
        return
    add = readers[0]
    given = calls.given.get(add.name)
    if add.part not in ADDING or given is None or len(given.told) != 2 or len(add.reads) != 1:
        return
    own = next((one for each in given.told.values() if (one := calls.parameters.own(each)) is not None), None)
    if own is None or tuple(own.parameter.shape) != (linear.out_features,):
        return
    weight = OwnTensor(linear.weight, isinstance(linear, TurnedLinear))
    name = calls.title([node, add]) or node.name
    found = calls.join([node, add], add, name, node.reads[0])
    calls.told_as(found, linear_of(weight, own.parameter), found.reads[0])


def _of_merged_rows(calls: JoinedCalls, node: ToldNode) -> None:
    """Let a linear layer read a sequence as it is that is put together for it, and taken apart again behind it."""
    node = calls.node(calls.now(node.name)) or node
    ahead, readers, sizes = calls.node(node.reads[0]), calls.readers(node.name), calls.values[0]
    if ahead is None or ahead.part not in RESHAPING or len(ahead.reads) != 1 or len(readers) != 1:
        return
    behind, source = readers[0], ahead.reads[0]
    before, merged, after = (tuple(sizes[one].shape) for one in (source, ahead.name, behind.name))
    width = calls.modules[node.name].out_features
    if (
        behind.part not in RESHAPING or not calls.alone(node.name, behind) or len(before) < 3
        or merged != (math.prod(before[:-1]), before[-1]) or after != (*before[:-1], width)
    ):  # fmt: skip
        return
    linear, layer = calls.modules[node.name], node.layer
    inside = [*([ahead] if calls.alone(ahead.name, node) else []), node, behind]
    once = sum(one.layer == layer for one in calls.nodes) == 1
    found = calls.join(inside, behind, (calls.title(inside) if once else "") or node.name, source)
    calls.told_as(found, linear, source)
    found.layer, found.place = found.name if once else layer, node.place
