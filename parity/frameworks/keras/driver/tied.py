"""Products with the table of an embedding, transposed, by which a Keras model reads its output off that table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from parity.frameworks.keras.driver.words import configured

PRODUCTS = frozenset({"Matmul", "Dot"})


def tied_product(node: Any, layers: Mapping[str, Any]) -> tuple[dict[str, Any], str] | None:
    """Return a product with a table as a dense layer is told, and the name of the embedding; None of any other call.

    That the other factor is the table is told by its numbers: they are those of one embedding alone.

    Args:
        node: of a trace.
        layers: that were called ahead of it, by name.
    """
    given = node.arguments.args
    if type(node.operation).__name__ not in PRODUCTS or len(given) != 2 or len(node.input_tensors) != 1:
        return None
    if given[0] is not node.input_tensors[0]:
        return None
    try:
        matrix = np.asarray(keras.ops.convert_to_numpy(given[1]))
    except Exception:  # Symbolic: it is made of an input.
        return None
    tables = {name: one for name, one in layers.items() if type(one) is keras.layers.Embedding and _is(one, matrix)}
    if len({id(one) for one in tables.values()}) != 1:
        return None
    units = int(matrix.shape[1])
    return configured("keras.layers.Dense", keras.layers.Dense(units, use_bias=False)), next(iter(tables))


def _is(layer: Any, matrix: np.ndarray) -> bool:
    """Return whether a matrix is the table of an embedding, transposed; one of a single number may be another."""
    table = np.asarray(keras.ops.convert_to_numpy(layer.embeddings)) if layer.built else np.zeros(0)
    return table.T.shape == matrix.shape and bool((matrix == table.T).all()) and bool(np.ptp(table) > 0)
