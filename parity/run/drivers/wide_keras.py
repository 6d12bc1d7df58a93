"""Keras programs that name float32, in a float64 worker: a layer or an input told so has the worker's float type."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import keras
import tensorflow as tf

from parity.run.drivers.wide_tensorflow import FLOAT32


@contextmanager
def wide_layers() -> Iterator[None]:
    """Let layers and inputs that are told ``dtype="float32"`` go by the worker's policy while they are made."""
    policies, get, plain = keras.src.dtype_policies, keras.src.dtype_policies.get, keras.Input

    def policy(identifier: Any) -> Any:
        return get(None if named(identifier) else identifier)

    @wraps(plain)
    def wide(*args: Any, **given: Any) -> Any:
        return plain(*args, **{name: None if name == "dtype" and named(one) else one for name, one in given.items()})

    policies.get, keras.Input, keras.layers.Input = policy, wide, wide
    try:
        yield
    finally:
        policies.get, keras.Input, keras.layers.Input = get, plain, plain


def named(dtype: Any) -> bool:
    """Return whether a type is float32, said in some way."""
    return isinstance(dtype, str | tf.DType) and dtype in FLOAT32
