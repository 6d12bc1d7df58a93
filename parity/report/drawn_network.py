"""Where the layers of a network stand in its picture: a row for each step of depth, branches side by side."""

from __future__ import annotations

from collections.abc import Sequence

from parity.report import document as doc
from parity.result import formats
from parity.result.stepfact import LayerFact


def network(layers: Sequence[LayerFact], side: str) -> doc.Diagram:
    """Lay out a network, inputs on top.

    Args:
        layers: in the order in which they are computed.
        side: whose network it is.
    """
    known = {one.name for one in layers}
    inputs = list(dict.fromkeys(name for one in layers for name in one.reads if name not in known))
    rows, columns = dict.fromkeys(inputs, 0), {name: column for column, name in enumerate(inputs)}
    taken = {(0, column) for column in columns.values()}
    for one in layers:
        row = 1 + max((rows[name] for name in one.reads), default=-1)
        column = min((columns[name] for name in one.reads), default=0)
        while (row, column) in taken:
            column += 1
        rows[one.name], columns[one.name] = row, column
        taken.add((row, column))
    about = dict.fromkeys(inputs, "input") | {one.name: _about(one) for one in layers}
    names = [*inputs, *(one.name for one in layers)]
    edges = [(names.index(read), names.index(one.name)) for one in layers for read in one.reads]
    nodes = [doc.DiagramBox(name, about[name], columns[name], rows[name]) for name in names]
    told = ", ".join(f"{one.name} reads {formats.names(one.reads)}" for one in layers)
    return doc.Diagram(nodes, edges, f"The network of {side}: {told}.", on=doc.PAGE)


def _about(layer: LayerFact) -> str:
    kind = "" if layer.kind == layer.name else f"{layer.kind} "
    return f"{kind}{formats.index(layer.shape)}"
