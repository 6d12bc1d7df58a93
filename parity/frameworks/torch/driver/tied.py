"""Tensors that several layers of a PyTorch program have between them: tied weights, and one layer in two modules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from parity.frameworks.torch.driver.own_parameters import TurnedLinear
from parity.frameworks.torch.driver.told_graph import TracedModel
from parity.run.told import Told, ToldNode

WEIGHT = "weight"


@dataclass(frozen=True)
class TiedTensor:
    """A tensor of two layers that no layer of a spec has.

    Args:
        first: where it stands, as ``layer.parameter``.
        second: where it stands once more.
        place: line of the second.
    """

    first: str
    second: str
    place: str


def tied_of(told: Told, graph: TracedModel) -> Iterator[TiedTensor]:
    """Tell which layers have a tensor between them, and yield those of which no layer of a spec does.

    An embedding's table is the matrix of linear layers (``node.tied``); modules of one kind that have all their
    tensors between them are one layer that is called again.

    Args:
        told: takes it.
        graph: of the model.
    """
    known: dict[int, tuple[str, ToldNode, nn.Module]] = {}
    nodes = [(node, module) for node in told.nodes if (module := graph.modules.get(node.name)) is not None]
    nodes.sort(key=lambda one: not _is_table(*one))  # An embedding lends, whatever is called first.
    for node, module in nodes:
        for name, one in module.named_parameters():
            first, other, mine = known.setdefault(id(one), (f"{node.name}.{name}", node, module))
            if mine is module:
                continue
            if _is_table(other, mine) and _reads_table(node, module) and name == WEIGHT:
                node.tied = {WEIGHT: other.layer}
            elif _is_one(other, mine, node, module):
                node.layer = other.layer
            else:
                yield TiedTensor(first, f"{node.name}.{name}", node.place)
                return


def _is_table(node: ToldNode, module: nn.Module) -> bool:
    said = node.arguments
    return node.part == "nn.Embedding" and isinstance(module, nn.Embedding) and not ({"places", "segment"} & set(said))


def _reads_table(node: ToldNode, module: nn.Module) -> bool:
    return node.part == "nn.Linear" and isinstance(module, nn.Linear) and not isinstance(module, TurnedLinear)


def _is_one(node: ToldNode, module: nn.Module, other: ToldNode, its: nn.Module) -> bool:
    """Return whether two modules are one layer: of one kind, told the same, with all tensors between them."""
    every = [{name: id(one) for name, one in each.named_parameters()} for each in (module, its)]
    alike = (node.part, node.arguments, node.called) == (other.part, other.arguments, other.called)
    return alike and every[0] == every[1] and not any(one.numel() for one in its.buffers())
