"""Keras programs that name float32, in a float64 worker: a layer or an input told so has the worker's float type.

So has a program in mixed precision, which is float32 made faster: as autocast does in PyTorch, it leaves float64 alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import global_state

from parity.run.driver.base import active_driver, widening

MEASURED = ("mean", "variance")
"""Arguments of ``Normalization`` that are numbers."""


@contextmanager
def wide_layers() -> Iterator[None]:
    """Let layers, inputs and policies that are told ``dtype="float32"`` go by the worker's policy."""
    policies, get, plain = keras.src.dtype_policies, keras.src.dtype_policies.get, keras.Input
    state, setting = global_state, global_state.set_global_attribute

    def policy(identifier: Any) -> Any:
        return get(None if named(identifier) else identifier)

    def kept(name: str, value: Any) -> None:
        if not (name == "dtype_policy" and named(value)):
            setting(name, value)

    def untold(given: Mapping[str, Any]) -> dict[str, Any]:
        return {name: None if name == "dtype" and named(one) else one for name, one in given.items()}

    @wraps(plain)
    def wide(*args: Any, **given: Any) -> Any:
        return plain(*args, **untold(given))

    def exact(made: Any, *args: Any, **given: Any) -> None:
        # Of a list of Python's numbers Keras makes float32, whatever the layer's type.
        listed = {key: np.array(given[key]) for key in MEASURED if isinstance(given.get(key), list | tuple)}
        begin(made, *args, **{**given, **listed})

    layer = keras.layers.InputLayer  # Of a model that was saved.
    measuring = keras.layers.Normalization
    begin = measuring.__init__
    loaded = layer.from_config
    policies.get, keras.Input, keras.layers.Input, state.set_global_attribute = policy, wide, wide, kept
    layer.from_config = classmethod(lambda cls, config: loaded.__func__(cls, untold(config)))
    measuring.__init__ = exact
    try:
        yield
    finally:
        policies.get, keras.Input, keras.layers.Input, state.set_global_attribute = get, plain, plain, setting
        measuring.__init__ = begin
        del layer.from_config


NUMBERS = (keras.layers.Normalization, keras.layers.Rescaling)
"""Layers of their kind that compute with numbers alone, in any type."""


def as_images(model: Any) -> None:
    """Let the layers of a model that move and turn images compute in float32, the only type that they can."""
    if widening():
        for layer in model._flatten_layers():
            if isinstance(layer, keras.src.layers.preprocessing.data_layer.DataLayer) and not isinstance(
                layer, NUMBERS
            ):
                layer._dtype_policy = keras.DTypePolicy("float32")  # Its setter takes that for the worker's, above.
                object.__setattr__(layer, "call", _in_float32(layer.call))


def _in_float32(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a layer's call within which numbers that are made have float32, whatever the worker's type."""

    @wraps(call)
    def called(*args: Any, **given: Any) -> Any:
        kept, driver = keras.config.floatx(), active_driver()
        keras.config.set_floatx("float32")
        driver.narrow = True
        try:
            return call(*args, **given)
        finally:
            keras.config.set_floatx(kept)
            driver.narrow = False

    return called


MIXED = ("mixed_float16", "mixed_bfloat16")
"""Policies whose variables are float32."""


def named(dtype: Any) -> bool:
    """Return whether a type or a policy is float32, said in some way."""
    return dtype is not None and getattr(dtype, "name", str(dtype)).removeprefix("torch.") in ("float32", *MIXED)


def _wide_variable(plain: Callable[..., None]) -> Callable[..., None]:
    @wraps(plain)
    def wide(self: Any, initializer: Any, shape: Any = None, dtype: Any = None, **how: Any) -> None:
        plain(self, initializer, shape, keras.config.floatx() if widening() and named(dtype) else dtype, **how)

    return wide


keras.Variable.__init__ = _wide_variable(keras.Variable.__init__)  # As LossScaleOptimizer makes its scale, in a step.
