"""Keras's optimizers before 2.11: where they keep slots, and the float type of their rates."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from parity.frameworks.tf_keras.driver.keras2 import LEGACY, keras

NAMES = {
    "SGD": {"momentums": "momentum"},
    "RMSprop": {"_velocities": "rms", "_momentums": "momentum", "_average_gradients": "mg"},
    "Adam": {"_momentums": "m", "_velocities": "v"},
    "Adamax": {"_m": "m", "_u": "v"},
    "Nadam": {"_momentums": "m", "_velocities": "v"},
    "Adagrad": {"_accumulators": "accumulator"},
    "Adadelta": {"_accumulated_grads": "accum_grad", "_accumulated_delta_vars": "accum_var"},
    "Ftrl": {"_accumulators": "accumulator", "_linears": "linear"},
}
"""By optimizer: what a slot is called, by the attribute that holds the later optimizers' list of it."""


def kept(optimizer: Any, attribute: str, variable: Any) -> Any:
    """Return the variable of a slot.

    Args:
        optimizer: of Keras before 2.11.
        attribute: that later ones keep a list of it in.
        variable: that it is kept for.
    """
    if attribute == "_u_product":  # Of Nadam, one number for all.
        return optimizer._m_cache
    return optimizer.get_slot(variable, NAMES[type(optimizer).__name__][attribute])


def built(optimizer: Any, variables: Any) -> Any:
    """Return an optimizer with its slots made, which it else makes in the first step."""
    optimizer._create_all_weights(variables)
    return optimizer


def exact_numbers() -> None:
    """Let rates of optimizers and the momentum of batch norm have Keras's float type: they pass through float32 else.

    Only the measuring instrument is changed: a rate that is off by 1e-8 would stand out in float64 lockstep.
    """
    api = tf.compat.v2  # As Keras's own modules call TensorFlow.
    if not getattr(api.cast, "exact", False):
        api.cast, api.convert_to_tensor = _exact_cast(api.cast), _exact_tensor(api.convert_to_tensor)
    if not getattr(BATCH_NORM._assign_moving_average, "exact", False):
        BATCH_NORM._assign_moving_average = _exact_average(BATCH_NORM._assign_moving_average)
    if LEGACY and not getattr(OPTIMIZER.add_weight, "exact", False):
        OPTIMIZER.add_weight = _exact_weight(OPTIMIZER.add_weight)


OPTIMIZER: Any = next((one for one in keras.optimizers.SGD.__mro__ if "add_weight" in vars(one)), object)

BATCH_NORM: Any = next(one for one in keras.layers.BatchNormalization.__mro__ if "_assign_moving_average" in vars(one))


def _exact_cast(plain: Any) -> Any:
    def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
        if isinstance(x, float) and tf.as_dtype(dtype) == tf.float64:
            return tf.constant(x, tf.float64)
        return plain(x, dtype, name)

    cast.exact = True  # type: ignore[attr-defined]
    return cast


def _exact_tensor(plain: Any) -> Any:
    def convert_to_tensor(value: Any, dtype: Any = None, *more: Any, **how: Any) -> Any:
        if isinstance(value, float) and dtype is None:
            dtype = keras.backend.floatx()
        return plain(value, dtype, *more, **how)

    return convert_to_tensor


def _exact_average(plain: Any) -> Any:
    def average(self: Any, variable: Any, value: Any, momentum: Any, *more: Any) -> Any:
        exact = variable.dtype.base_dtype == tf.float64
        return plain(self, variable, value, tf.constant(self.momentum, tf.float64) if exact else momentum, *more)

    average.exact = True  # type: ignore[attr-defined]
    return average


def _exact_weight(plain: Any) -> Any:
    def add_weight(self: Any, name: str, shape: Any, dtype: Any = None, initializer: Any = "zeros", **how: Any) -> Any:
        # A number that it starts at decides its type, whatever it is told.
        exact = isinstance(initializer, int | float) and dtype is None
        start = tf.constant(initializer, keras.backend.floatx()) if exact else initializer
        return plain(self, name, shape, dtype or tf.as_dtype(keras.backend.floatx()), start, **how)

    add_weight.exact = True  # type: ignore[attr-defined]
    return add_weight
