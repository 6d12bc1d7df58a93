"""The numbers of layers that measure rows before training (``Normalization.adapt``), as exact as they were measured.

A layer keeps them in float32. Where a program is run in float64 it measures the same rows anew, and so exact are they
to be read.

Source: keras/src/layers/preprocessing/normalization.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from parity.run.told import MOST_NUMBERS

NORMALIZATION = keras.layers.Normalization


@contextmanager
def adapting() -> Iterator[None]:
    """Have layers keep what they measure as exactly as it was computed, until the end."""
    plain = NORMALIZATION.adapt

    def adapt(layer: Any, data: Any, *args: Any, **given: Any) -> None:
        plain(layer, data, *args, **given)
        layer._parity_measured = None
        if isinstance(data, np.ndarray):
            layer._parity_measured = np.mean(data, axis=layer._reduce_axis), np.var(data, axis=layer._reduce_axis)
        elif keras.ops.is_tensor(data):
            both = (keras.ops.mean, keras.ops.var)
            layer._parity_measured = tuple(np.asarray(one(data, axis=layer._reduce_axis)) for one in both)

    NORMALIZATION.adapt = adapt
    try:
        yield
    finally:
        NORMALIZATION.adapt = plain


def numbers_of(layer: Any) -> dict[str, Any]:
    """Return what a layer that measured rows has for arguments that its configuration leaves out.

    Where they are not those of the last axis, or of all, it is told as its configuration has it. Measured in batches
    they are others in each precision: then it is told that, which no table reads.
    """
    if not isinstance(layer, NORMALIZATION) or not layer.built:
        return {}
    last, given = (len(layer._build_input_shape) - 1,), layer.input_mean is not None
    if layer._keep_axis not in ((), (1,), last):
        return {}
    if given:
        found = [np.asarray(one, np.float64) for one in (layer.input_mean, layer.input_variance)]
    elif getattr(layer, "_parity_measured", ()) is None:
        return {"adapted_to": "batches"}
    elif measured := getattr(layer, "_parity_measured", ()):
        found = [np.asarray(one, np.float64) for one in measured]
    else:
        found = [np.asarray(one.numpy(), np.float64) for one in (layer.adapt_mean, layer.adapt_variance)]
    if found[0].size > MOST_NUMBERS:
        return {"measured": f"{found[0].size} numbers"}
    return {
        "axis": 1 if layer._keep_axis == (1,) != last else -1,
        **dict(zip(("mean", "variance"), (one.tolist() for one in found), strict=True)),
    }
