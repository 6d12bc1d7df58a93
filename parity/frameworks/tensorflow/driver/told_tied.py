"""A product with the transpose of a table that rows are looked up in: tied weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from parity.frameworks.tensorflow.driver.taped import TapedOperation
    from parity.frameworks.tensorflow.driver.told_graph import TapedGraph

SECOND, FIRST = ("transpose_b", "adj_y"), ("transpose_a", "adj_x")
"""Attributes that say that a factor is taken transposed."""


def turned(op: TapedOperation) -> bool:
    """Return whether a factor of a product is taken transposed."""
    return any(op.attributes.get(name) for name in (*FIRST, *SECOND))


def tied(graph: TapedGraph, op: TapedOperation, x: Any, table: int) -> bool:
    """Tell a product with a table that is looked up in, transposed; False where it is another product.

    Args:
        graph: of the program.
        op: the product.
        x: its first factor.
        table: handle of the variable that is its second.
    """
    known = (name for name, kept in graph.layers.items() if kept.get("embeddings_initializer") == table)
    lender = next(known, None)
    if lender is None or any(op.attributes.get(name) for name in FIRST):
        return False
    units = int(graph.chain.variables[table].shape[0])
    graph._node(op, "tf.matmul", [x], "head", units=units, use_bias=False)
    graph.layers[graph.nodes[-1].name] = {}
    graph.nodes[-1].tied, graph.nodes[-1].path = {"kernel": lender}, ""
    return True
