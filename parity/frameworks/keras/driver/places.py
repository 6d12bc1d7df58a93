"""Embeddings of the numbers of places, ``table(ops.arange(length))``, which a model adds to its tokens'."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


class KerasPlaces:
    """The rows of tables that layers gave for the numbers of places."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Any]] = {}  # By the identity of the rows: these, and the layer.

    def see(self, layer: Any, args: Any, found: Any) -> None:
        """Note that a layer was called with what no input is made of."""
        plain = type(layer) is keras.layers.Embedding and len(args) == 1 and not isinstance(found, keras.KerasTensor)
        if plain and counts(args[0]):
            self._known[id(found)] = (found, layer)

    def added(self, node: Any) -> Any:
        """Return the layer whose rows a call adds to a sequence; None of any other call."""
        given = node.arguments.args
        if type(node.operation).__name__ != "Add" or len(given) != 2 or len(node.input_tensors) != 1:
            return None
        (rows,) = [one for one in given if one is not node.input_tensors[0]] or [None]
        kept = self._known.get(id(rows))
        tokens = node.input_tensors[0].shape
        if kept is None or len(tokens) != 3 or tuple(kept[0].shape[-2:]) != tuple(tokens[1:]):
            return None
        return kept[1]


def counts(numbers: Any) -> bool:
    """Return whether numbers are those of places, from 0 on, the same for each row where there are rows."""
    try:
        found = np.asarray(keras.ops.convert_to_numpy(numbers))
    except Exception:  # Symbolic: it is made of an input.
        return False
    if found.dtype.kind not in "iuf" or found.ndim not in (1, 2) or not found.size:
        return False
    return bool((found == np.arange(found.shape[-1])).all())
