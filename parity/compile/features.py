"""Features that a program counts with the channels first, where its spec counts them last.

Flattened from (C, H, W) they come in another order than from (H, W, C). A dense layer behind that starts from weights
drawn afresh does not know the difference: the rows of its kernel stand in another order, and that is all.
So it is of several that are flattened and then put side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from parity.entries import Shape
from parity.ops.activation import ActivationOp
from parity.ops.batch_norm import BatchNorm
from parity.ops.concatenate import Concatenate
from parity.ops.dense import Dense
from parity.ops.dropout import Dropout
from parity.ops.flatten import Flatten
from parity.ops.reshape import Reshape
from parity.spec.graph import Graph, Layer
from parity.tensors import parameter

IN_ORDER = frozenset({"identity"})
"""Initializers that say which number stands where."""


@dataclass(kw_only=True)
class Features:
    """What of a program has its features in that order; of each the shapes, channels last, that stand side by side.

    What has been flattened has its own shape among them, and features that have one order are an axis.

    Args:
        layers: whose outputs, and what they draw, are features.
        weights: parameters whose first axis counts features.
    """

    layers: dict[str, tuple[Shape, ...]] = field(default_factory=dict)
    weights: dict[str, tuple[Shape, ...]] = field(default_factory=dict)


def features_of(graph: Graph, flattened: Sequence[str]) -> Features:
    """Return what of a program has its features with the channels first.

    Args:
        graph: of its config.
        flattened: layers that flatten.

    Raises:
        ValueError: when a layer behind them needs its features in one order.
    """
    found = Features()
    behind = {layer.name for name in flattened for layer in _behind(graph, graph.by_name[name])}
    for layer in graph.layers:
        if layer.name not in behind:
            continue
        rows: tuple[Shape, ...] = (layer.input_shape,)
        if layer.name not in flattened:
            rows = tuple(row for value in layer.reads for row in found.layers.get(value.name, (value.shape,)))
        dense = isinstance(layer.op, Dense)
        found.layers |= {} if dense else {layer.name: rows}
        kept = ("kernel",) if dense else tuple(layer.parameters)
        found.weights |= {parameter(layer.name, one): rows for one in kept}
    return found


def in_any_order(graph: Graph, flatten: Layer) -> bool:
    """Return whether features may come in any order, of a model whose weights are drawn afresh.

    Args:
        graph: of the model.
        flatten: the layer that gives them.
    """
    try:
        every = list(_behind(graph, flatten))
    except ValueError:
        return False
    alone = all(one.owns and one.name not in graph.kept_by_name for one in every)
    return alone and all(
        one.initializer.kind not in IN_ORDER for layer in every for one in layer.parameters.values()
    )  # fmt: skip


def _behind(graph: Graph, flatten: Layer) -> Iterator[Layer]:
    """Yield a layer that flattens and those that read its features, dense ones the last of them.

    Raises:
        ValueError: when it is no such layer, or what reads the features needs them in one order.
    """
    if not isinstance(flatten.op, Flatten | Reshape) or len(flatten.output_shape) != 1 or len(flatten.input_shape) < 2:
        raise ValueError(f"{flatten.name} flattens nothing")
    left = [flatten]
    while left:
        layer = left.pop(0)
        yield layer
        if isinstance(layer.op, Dense):
            continue
        # What does to a feature what it does to it wherever it stands.
        each = layer is flatten or isinstance(layer.op, ActivationOp | BatchNorm | Dropout | Concatenate)
        if not each or layer.gives in graph.outputs:
            raise ValueError(f"{layer.name} reads the features of {flatten.name} in one order")
        left += graph.readers(layer.name)
