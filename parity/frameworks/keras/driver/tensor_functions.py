"""TensorFlow's functions in a Keras layer's own ``call``: on symbolic tensors, those of Keras's that do the same.

``tf.nn.relu(x)`` in a subclassed model is as usual as ``keras.ops.relu(x)``, and fails on symbolic tensors alone. What
TensorFlow cannot do with its arguments it offers to its dispatchers (tensorflow/python/util/dispatch.py).
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

import keras
import tensorflow as tf

ops = keras.ops


def _reshaped(tensor: Any, shape: Any) -> Any:
    """Return a tensor in another shape, of which one axis may be as long as the rows are many."""
    sizes = [-1 if one is None else int(one) for one in shape]
    if sizes.count(-1) > 1:  # The rows, and an axis that is worked out: from what a row has.
        taken = math.prod(one for one in sizes if one > 0)
        sizes[sizes.index(-1, 1)] = math.prod(map(int, tensor.shape[1:])) // taken
    return ops.reshape(tensor, sizes)


def _matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> Any:
    def turned(one: Any) -> Any:
        return ops.transpose(one, [*range(len(one.shape) - 2), len(one.shape) - 1, len(one.shape) - 2])

    return ops.matmul(turned(a) if transpose_a else a, turned(b) if transpose_b else b)


def _reduced(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda input_tensor, axis=None, keepdims=False: function(input_tensor, axis=axis, keepdims=bool(keepdims))


def _of_x(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: function(x)


def _of_two(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, y: function(x, y)


def _of_features(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda features: function(features)


def _split(value: Any, num_or_size_splits: Any, axis: int = 0) -> Any:
    if isinstance(num_or_size_splits, int):
        return ops.split(value, num_or_size_splits, axis)
    ends = [sum(num_or_size_splits[: number + 1]) for number in range(len(num_or_size_splits) - 1)]
    return ops.split(value, ends, axis)


MATH = {
    **{name: _of_x(getattr(ops, name))
       for name in ("tanh", "sigmoid", "exp", "sqrt", "square", "abs", "sin", "cos", "negative")},
    **{name: _of_two(getattr(ops, name))
       for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum")},
    "pow": _of_two(ops.power),
    **{f"reduce_{name}": _reduced(getattr(ops, name)) for name in ("mean", "sum", "max", "min")},
}  # fmt: skip
"""Functions that stand in ``tf`` and in ``tf.math``, by the same names."""

OF_FEATURES = ("relu", "relu6", "elu", "selu", "softplus", "softsign")
"""Functions of ``tf.nn`` that are of one tensor."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **MATH,
    **{f"math.{name}": one for name, one in MATH.items()},
    **{f"nn.{name}": _of_features(getattr(ops, name)) for name in OF_FEATURES},
    "math.log": _of_x(ops.log), "nn.tanh": MATH["tanh"], "nn.sigmoid": MATH["sigmoid"],
    "nn.silu": lambda features, beta=1.0: _only(beta == 1.0) and ops.silu(features),
    "nn.gelu": lambda features, approximate=False: ops.gelu(features, approximate=approximate),
    "nn.leaky_relu": lambda features, alpha=0.2: ops.leaky_relu(features, negative_slope=alpha),
    "nn.softmax": lambda logits, axis=-1: ops.softmax(logits, axis=-1 if axis is None else axis),
    "nn.log_softmax": lambda logits, axis=-1: ops.log_softmax(logits, axis=-1 if axis is None else axis),
    "concat": lambda values, axis: ops.concatenate(list(values), axis=axis),
    "stack": lambda values, axis=0: ops.stack(list(values), axis=axis),
    "reshape": _reshaped, "matmul": _matmul, "linalg.matmul": _matmul, "split": _split,
    "transpose": lambda a, perm=None: ops.transpose(a, perm),
    "expand_dims": lambda input, axis: ops.expand_dims(input, axis),
    "squeeze": lambda input, axis=None: ops.squeeze(input, axis),
    "shape": lambda input: ops.shape(input),
    "cast": lambda x, dtype: ops.cast(x, tf.as_dtype(dtype).name),
    "identity": lambda input: input,
    "clip_by_value": lambda t, clip_value_min, clip_value_max: ops.clip(t, clip_value_min, clip_value_max),
    "einsum": lambda equation, *inputs: ops.einsum(equation, *inputs),
    "pad": lambda tensor, paddings, mode="CONSTANT", constant_values=0: _only(mode == "CONSTANT") and ops.pad(
        tensor, [tuple(map(int, one)) for one in paddings], constant_values=constant_values),
    "tile": lambda input, multiples: ops.tile(input, tuple(map(int, multiples))),
    "ones_like": lambda input: ops.ones_like(input), "zeros_like": lambda input: ops.zeros_like(input),
}  # fmt: skip
"""By its name in TensorFlow, with TensorFlow's arguments, what does the same in Keras."""


class _OtherError(Exception):
    """What a function is told has no word in Keras."""


def _only(so: bool) -> bool:
    if not so:
        raise _OtherError
    return True


def _key(function: Any) -> tuple[str, str]:
    """Return what a function is known by: its dispatchers are told the one that another is wrapped around."""
    return str(getattr(function, "__module__", "")), str(getattr(function, "__name__", ""))


class _InKeras(tf.__internal__.dispatch.GlobalOpDispatcher):  # type: ignore[misc]
    """Hands TensorFlow's functions on symbolic tensors to Keras, within :func:`in_keras` alone."""

    within = 0

    def __init__(self) -> None:
        self._known = {_key(attrgetter(name)(tf)): one for name, one in FUNCTIONS.items()}

    def handle(self, op: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Return what a function comes to, or that it is none of these."""
        function = self._known.get(_key(op)) if self.within else None
        given = {name: one for name, one in kwargs.items() if name != "name"}
        if function is None or not any(isinstance(one, keras.KerasTensor) for one in tf.nest.flatten((args, given))):
            return self.NOT_SUPPORTED
        try:
            inspect.signature(function).bind(*args, **given)
            return function(*args, **given)
        except (_OtherError, TypeError):
            return self.NOT_SUPPORTED


_DISPATCHER = _InKeras()
_DISPATCHER.register()


@contextmanager
def in_keras() -> Iterator[None]:
    """Within it, TensorFlow's functions on symbolic tensors are those of Keras's that do the same."""
    _DISPATCHER.within += 1
    try:
        yield
    finally:
        _DISPATCHER.within -= 1
