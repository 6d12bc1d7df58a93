"""Rows that one program prepares in its model and the other ahead of it: the two are compared behind that.

A ``Rescaling(1 / 255)`` that a model begins with and an ``x / 255`` ahead of training are one thing, and so are a
``Normalization`` that has measured the rows and rows less their mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from parity.lazy import np
from parity.ops.opaque import Opaque
from parity.reading.plainly import own_call, without
from parity.spec.graph import Graph, Layer, graph_of, named

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from parity.ops import Op
    from parity.reading.pair_side import PairSide
    from parity.spec.sections import ModelSpec

CLOSE = 1e-5
"""Relative difference up to which numbers are the same: what float32 makes of the same steps in another order."""

FIRST = 64
"""Rows that are looked at first."""

NEARER = 0.1
"""Rows that layers bring so much nearer to the other program's, relatively, are prepared, if in another way."""


def rows_prepared(sides: Sequence[PairSide]) -> list[str]:
    """Cut off the layers that a model begins with, where the other program's rows are what these make of its own.

    Args:
        sides: of a pair, as they were read; their models and their :attr:`~parity.reading.pair_side.PairSide.ahead` are
            changed.

    Returns:
        What was cut off, in sentences.
    """
    if any(one.reading.made_up or one.reading.redrawn or "X" not in one.reading.arrays for one in sides):
        return []
    graphs = [graph_of(named(one.model)) for one in sides]
    if any(len(graph.inputs) != 1 or graph.inputs[0].dtype != "float" for graph in graphs):
        return []
    found = _same(sides, [list(_leading(graph)) for graph in graphs])
    notes = []
    for side, graph, layers, other in zip(sides, graphs, found, sides[::-1], strict=True):
        if layers:
            side.model, side.ahead = _behind(side.model, graph, layers), tuple(layer.op for layer in layers)
            told = " and ".join(layer.name for layer in layers)
            notes.append(
                f"{side.name} prepares its rows in its model ({told}), {other.name} ahead of it: they are compared "
                "behind that."
            )
    return notes


def prepared(rows: NDArray[Any], ops: Sequence[Op]) -> NDArray[Any]:
    """Return rows as the layers that a model begins with give them, in float64.

    Args:
        rows: as the program is given them.
        ops: the layers, in order.
    """
    if not ops:
        return rows
    found = np.asarray(rows, np.float64)
    for op in ops:
        found = op.forward(found, {})
    return found


def alike(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Return whether two arrays hold the same; numbers that are no whole ones up to what float32 makes of them."""
    if one.shape != other.shape:
        return False
    if one.dtype.kind != "f" and other.dtype.kind != "f":
        return bool(np.array_equal(one, other))
    return bool(np.allclose(one, other, rtol=CLOSE, atol=CLOSE * float(np.abs(one).max(initial=0.0))))


def _leading(graph: Graph) -> Iterator[Layer]:
    """Yield the layers that a model begins with and that do no more than prepare rows, each row by itself."""
    value = graph.inputs[0]
    while len(readers := graph.readers(value.name)) == 1 and value not in graph.outputs:
        (layer,) = readers
        op = layer.op
        if len(layer.reads) > 1 or not layer.owns or layer.name in graph.kept_by_name or layer.gives in graph.outputs:
            return
        if isinstance(op, Opaque) or layer.parameters or op.draws or layer.gives_mask is not None:
            return
        if op.activity() is not None or op.ending() is not None:
            return
        yield layer
        value = layer.gives


def _same(sides: Sequence[PairSide], leading: Sequence[Sequence[Layer]]) -> list[list[Layer]]:
    """Return the fewest layers of one side behind which the rows of both are the same; or else by far the nearest."""
    ways = [(0, 0), *((count, 0) for count in range(1, len(leading[0]) + 1))]
    ways = sorted([*ways, *((0, count) for count in range(1, len(leading[1]) + 1))], key=sum)
    far = {}
    for way in ways:
        chosen = [list(layers[:count]) for layers, count in zip(leading, way, strict=True)]
        if (distance := _apart(sides, chosen, FIRST)) <= CLOSE and _apart(sides, chosen) <= CLOSE:
            return chosen
        far[way] = distance
    nearest = min(ways, key=far.__getitem__)
    if far[nearest] > NEARER or far[nearest] > NEARER * far[0, 0]:
        nearest = 0, 0
    return [list(layers[:count]) for layers, count in zip(leading, nearest, strict=True)]


def _apart(sides: Sequence[PairSide], chosen: Sequence[Sequence[Layer]], most: int | None = None) -> float:
    """Return how far rows are apart behind layers, relative to the largest number; infinity where shapes differ."""
    rows = [one.reading.arrays["X"] for one in sides]
    count = min(most or len(rows[0]), *(len(one) for one in rows))
    mine, theirs = (
        prepared(one[:count], [layer.op for layer in layers]) for one, layers in zip(rows, chosen, strict=True)
    )
    mine, theirs = _as_lies(mine, theirs), _as_lies(theirs, mine)
    if mine.shape != theirs.shape or not count:
        return float("inf")
    size = float(np.abs(mine).max(initial=0.0))
    return float(np.abs(np.subtract(mine, theirs, dtype=np.float64)).max(initial=0.0)) / size if size else 0.0


def _as_lies(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """Return rows with their channels last, where they have them first and others last."""
    if one.ndim < 3 or one.shape == other.shape:
        return one
    moved = np.moveaxis(one, 1, -1)
    return moved if moved.shape == other.shape else one


def _behind(model: ModelSpec, graph: Graph, layers: Sequence[Layer]) -> ModelSpec:
    """Return a model that reads what some of its first layers give."""
    (source,) = graph.inputs
    gone = dict.fromkeys((layer.name for layer in layers), source.name)
    shape = layers[-1].output_shape
    found = without(model, graph, {layer.name: own_call(layer) for layer in graph.layers}, gone)
    inputs = {name: one.model_copy(update={"shape": shape}) for name, one in model.inputs.items()}
    return found.model_copy(update={"inputs": inputs} if inputs else {"input": shape})
