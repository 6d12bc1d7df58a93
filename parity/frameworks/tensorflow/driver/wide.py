"""TensorFlow programs that name float32, in a float64 worker: what they ask for there is the worker's float type.

TensorFlow's defaults are float32 and mixing types is an error, so a program written without a thought for float64
(``tf.Variable(tf.random.normal(...))``, ``tf.cast(y, tf.float32)``) would not run in lockstep at all.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.ops import math_ops

from parity.run.driver.base import widening

ASKED = ("cast", "zeros", "ones", "eye", "constant", "convert_to_tensor")
"""Functions of TensorFlow that a program gives a float type, or leaves it to them."""


OF_KERAS = ("keras", "tf.optimizers", "tf.losses", "tf.initializers", "tf.metrics")
"""What a raw TensorFlow program writes where it uses parts of Keras's."""


FLOAT32 = (tf.float32, "float32", np.float32)
"""What a program may call it."""

tensor_of = tf.convert_to_tensor
"""As TensorFlow has it."""


def float_type_of_keras(file: str, precision: str) -> None:
    """Set Keras's float type for a program that uses its parts: they keep their own rates and losses in it.

    Args:
        file: of the program.
        precision: of the worker.
    """
    if any(name in Path(file).read_bytes().decode("utf-8", "replace") for name in OF_KERAS):
        set_float_type_of_keras(precision)


def set_float_type_of_keras(precision: str) -> None:
    """Set the float type that Keras's optimizers and losses keep their numbers in.

    Args:
        precision: of the worker.
    """
    import keras

    from parity.frameworks.keras.driver.driver import keep_python_floats_exact

    keras.config.set_floatx(precision)
    if precision == "float64":
        keep_python_floats_exact()


def _wide(plain: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(plain)
    def wide(*args: Any, **kwargs: Any) -> Any:
        if not widening():
            return plain(*args, **kwargs)
        # By the type itself: what Keras asks for by a name is its own business.
        args = tuple(tf.float64 if value is tf.float32 else value for value in args)
        named = {name: tf.float64 if value is tf.float32 else value for name, value in kwargs.items()}
        found = plain(*args, **named)
        said = (
            "dtype" in named
            or (bool(args) and tf.is_tensor(args[0]))
            or any(isinstance(one, tf.DType | str | np.dtype | type) for one in args[1:])
        )
        floats = tf.is_tensor(found) and found.dtype == tf.float32
        return tf.raw_ops.Cast(x=found, DstT=tf.float64) if floats and not said else found

    return wide


def wide_variables() -> AbstractContextManager[Any]:
    """Return within which a program's variables are float64 where it would make them float32."""

    def creator(following: Callable[..., Any], **given: Any) -> Any:
        if not widening():  # A program that is watched runs as itself.
            return following(**given)
        start = given.get("initial_value")
        value = start() if callable(start) else start
        if value is not None and not tf.is_tensor(value):
            value = tensor_of(value, dtype=given.get("dtype"))
        if value is not None and value.dtype == tf.float32:
            value = tf.raw_ops.Cast(x=value, DstT=tf.float64)
        given |= {"initial_value": value} | ({"dtype": tf.float64} if given.get("dtype") in FLOAT32 else {})
        return following(**given)

    scope: AbstractContextManager[Any] = tf.variable_creator_scope(creator)
    return scope


def _exact(plain: Callable[..., Any]) -> Callable[..., Any]:
    """Return TensorFlow's own cast, which makes a Python float a float32 before it is a float64, without that."""

    @wraps(plain)
    def cast(x: Any, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(x, float) and tf.as_dtype(dtype) == tf.float64:
            return tensor_of(x, dtype=tf.float64)
        return plain(x, dtype, *args, **kwargs)

    return cast


math_ops.cast = _exact(math_ops.cast)  # As its gelu calls it: 1.41421356 for the root of 2.
tf.cast = _exact(tf.cast)  # As Keras's optimizers call it: 0.00400000019 for a weight decay of 0.004.
for name in ASKED:  # In a worker; nothing else imports TensorFlow.
    setattr(tf, name, _wide(getattr(tf, name)))
