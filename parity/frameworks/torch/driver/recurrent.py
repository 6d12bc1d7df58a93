"""Recurrent modules as single layers: what of their states is read, and stacked ones one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from parity.run.told import ToldNode, call_of

KINDS = ("nn.LSTM", "nn.GRU", "nn.RNN")
"""Recurrent modules."""

WHOLE = {"slice": [None, None, None]}
"""An index that takes all."""


def single(
    nodes: list[ToldNode], outputs: list[str], modules: dict[str, Any]
) -> tuple[list[ToldNode], list[str]]:  # fmt: skip
    """Return calls in which each recurrent layer is one that gives all its states, or the last alone.

    Args:
        nodes: calls, as they were made.
        outputs: names of those that give the outputs.
        modules: by name of a call, what was called; takes those of stacked layers.
    """
    for node in [one for one in nodes if one.part in KINDS and one.arguments.get("batch_first")]:
        lasts = _lasts(node, nodes)
        gone = {one.name for one in lasts}
        readers = [one for one in nodes if one.name not in gone and node.name in map(call_of, one.reads)]
        halves = {x for one in lasts for x in one.reads}
        readers = [one for one in readers if one.name not in halves]
        whole = node.name in outputs or any(node.name in one.reads for one in readers)
        if lasts and whole:
            continue  # Both are read, which is no layer.
        stack = _stacked(node, not lasts, modules)
        exchange = dict.fromkeys(gone, stack[-1].name) | ({node.name: stack[-1].name} if not lasts else {})
        at = nodes.index(node)
        kept = [one for one in nodes if one.name not in gone and one is not node]
        nodes = [
            *kept[:at],
            *stack,
            *(replace(one, reads=[exchange.get(x, x) for x in one.reads]) for one in kept[at:]),
        ]
        outputs = [exchange.get(one, one) for one in outputs]
    return nodes, outputs


def _lasts(node: ToldNode, nodes: list[ToldNode]) -> list[ToldNode]:
    """Return the calls that take the last state, of both directions where there are two."""
    both, layers = bool(node.arguments.get("bidirectional")), int(node.arguments.get("num_layers", 1))
    taken = {one.name: _index(one) for one in nodes if one.reads == [f"{node.name}[1]"]}
    if both:
        ends = ({-2, 2 * layers - 2}, {-1, 2 * layers - 1})
        pairs = [one for one in nodes if one.part == "torch.cat" and len(one.reads) == 2]
        return [
            one for one in pairs if one.arguments.get("dim") in (1, -1)
            and all(taken.get(x) in end for x, end in zip(one.reads, ends, strict=True))
        ]  # fmt: skip
    found = [one for one in nodes if taken.get(one.name) in (-1, layers - 1)]
    return found + [one for one in nodes if one.reads == [node.name] and _is_last(one)]


def _index(node: ToldNode) -> Any:
    """Return which of the final states a call takes; None where it does something else."""
    index = node.arguments.get("index")
    if node.part == "torch.squeeze" and node.arguments.get("dim") == 0:
        return 0
    return index if node.part == "torch.__getitem__" and isinstance(index, int) else None


def _is_last(node: ToldNode) -> bool:
    index = node.arguments.get("index")
    if node.part != "torch.__getitem__" or not isinstance(index, list | tuple) or len(index) not in (2, 3):
        return False
    return index[0] == WHOLE and bool(index[1] == -1) and all(one == WHOLE for one in index[2:])


def _stacked(node: ToldNode, sequences: bool, modules: dict[str, Any]) -> list[ToldNode]:
    """Return the layers that a module is, one behind the other, and what drops between them."""
    count, rate = int(node.arguments.get("num_layers", 1)), float(node.arguments.get("dropout", 0.0))
    found: list[ToldNode] = []
    width = node.shape[-1]
    for number in range(count):
        every = number < count - 1 or sequences
        name = node.name if count == 1 else f"{node.name}_l{number}"
        modules[name] = modules[node.name]
        told = {**node.arguments, "num_layers": 1, "dropout": 0.0, "numbered": number, "return_sequences": every}
        steps = node.read_shapes[0][:1]
        found.append(replace(
            node, name=name, layer=node.layer if count == 1 else f"{node.layer}_l{number}", arguments=told,
            reads=node.reads[:1] if not found else [found[-1].name], read_shapes=[[*steps, width] if found else
            node.read_shapes[0]], shape=[*steps, width] if every else [width],
        ))  # fmt: skip
        if rate and number < count - 1:
            label = f"{node.name}_dropout_{number}"
            found.append(ToldNode(
                name=label, part="nn.Dropout", arguments={"p": rate, "training": node.arguments.get("training", True)},
                reads=[name], shape=[*steps, width], read_shapes=[[*steps, width]], layer=label, place=node.place,
            ))  # fmt: skip
    return found


def parameters_of(node: ToldNode, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of one layer of a module, as if it had no other."""
    number = node.arguments.get("numbered")
    if number is None:
        return dict(parameters)
    ending = f"_l{number}"
    return {
        name.replace(ending, "_l0"): one
        for name, one in parameters.items()
        if name.removesuffix("_reverse").endswith(ending)
    }


class Stack(nn.Module):  # type: ignore[misc]
    """The layers of a recurrent module one by one, on its parameters; what it drops between them can be dealt.

    Args:
        module: of several layers.
    """

    def __init__(self, module: nn.RNNBase) -> None:
        super().__init__()
        self.rate, self.lstm = module.dropout, module.mode == "LSTM"
        self.layers = nn.ModuleList()
        width, ways = module.input_size, 2 if module.bidirectional else 1
        more = {"nonlinearity": module.nonlinearity} if isinstance(module, nn.RNN) else {}
        for number in range(module.num_layers):
            size = {"bias": module.bias, "batch_first": module.batch_first, "bidirectional": module.bidirectional}
            layer = type(module)(width, module.hidden_size, **size, **more)
            for name, _ in list(layer.named_parameters()):
                setattr(layer, name, getattr(module, name.replace("_l0", f"_l{number}")))
            self.layers.append(layer)
            width = ways * module.hidden_size

    def forward(self, x: torch.Tensor, hx: Any = None) -> Any:
        """Return all states of the last layer, and the last ones of all."""
        del hx  # Of zeros, or the program was not read.
        finals = []
        for number, layer in enumerate(self.layers):
            x = functional.dropout(x, self.rate, self.training) if number and self.rate else x
            x, states = layer(x)
            finals.append(states if self.lstm else (states,))
        ends = tuple(torch.cat(every) for every in zip(*finals, strict=True))
        return x, ends if self.lstm else ends[0]


def unstacked(model: nn.Module) -> None:
    """Put the layers of recurrent modules one by one in a model."""
    for parent in list(model.modules()):
        for name, one in list(parent.named_children()):
            if isinstance(one, nn.RNNBase) and one.num_layers > 1:
                setattr(parent, name, Stack(one))
