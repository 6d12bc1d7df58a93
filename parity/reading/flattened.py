"""Features that one of two programs flattens with the channels first, and the other with the channels last.

Where both start from weights drawn afresh, that is no difference: the rows of a kernel that are drawn alike, whatever
their order, are moved alike. So the spec has them in one order, and it is known of the other program that it counts
them otherwise. So it is where a program has copied the kernel of the other one and moved its rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from parity.code import axes_of
from parity.compile.features import in_any_order
from parity.ops.permute import Permute
from parity.reading.plainly import own_call, without
from parity.spec.graph import Graph, Layer, graph_of, named

if TYPE_CHECKING:
    from parity.reading.pair_side import PairSide


def flattened_alike(sides: Sequence[PairSide], fresh: bool = True) -> list[str]:
    """Take out of a model what brings the channels first ahead of a layer that flattens, where the other has no such.

    Args:
        sides: of a pair, by one name where they are one layer; their models and
            :attr:`~parity.reading.pair_side.PairSide.flattened` are changed.
        fresh: they start from weights drawn afresh.

    Returns:
        What was another order of features, in sentences.
    """
    graphs = [graph_of(named(one.model)) for one in sides]
    moved = [dict(_moved(graph)) for graph in graphs]
    notes = []
    for side, graph, mine, other, theirs, there in zip(
        sides, graphs, moved, sides[::-1], graphs[::-1], moved[::-1], strict=True
    ):
        found = {
            flatten: permute for flatten, permute in mine.items()
            if flatten in theirs.by_name and flatten not in there
            and theirs.by_name[flatten].input_shape == graph.by_name[permute].input_shape
            and all(in_any_order(one, one.by_name[flatten]) for one in (graph, theirs))
        }  # fmt: skip
        if not found:
            continue
        gone = {permute: graph.by_name[permute].reads[0].name for permute in found.values()}
        side.model = without(side.model, graph, {layer.name: own_call(layer) for layer in graph.layers}, gone)
        side.flattened = tuple(found)
        why = "of weights drawn afresh that is the order of a kernel's rows" if fresh else "its kernel's rows stand so"
        notes.append(
            f"{side.name} flattens with the channels first, {other.name} with the channels last ({', '.join(found)}): "
            f"{why}, and no difference."
        )
    return notes


def _moved(graph: Graph) -> Iterator[tuple[str, str]]:
    """Yield the layers that flatten what a layer ahead of them has brought channels first, and that layer."""
    for layer in graph.layers:
        ahead = graph.by_name.get(layer.reads[0].name)
        if ahead is not None and _first(ahead) and graph.readers(ahead.name) == [layer] and len(layer.reads) == 1:
            yield layer.name, ahead.name


def _first(layer: Layer) -> bool:
    """Return whether a layer does no more than bring the channels first."""
    rank = len(layer.input_shape)
    return isinstance(layer.op, Permute) and rank > 1 and (0, *layer.op.dims) == axes_of("to_first", rank)
