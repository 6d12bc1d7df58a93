"""Keras 2's own parts, told nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import tensorflow as tf

from parity.frameworks.tf_keras.driver.keras2 import keras
from parity.frameworks.tf_keras.driver.legacy import exact_numbers
from parity.run.driver.parts import Parts


class Keras2Parts(Parts):
    """What a layer is told by a word of Keras's is the part that this stands for."""

    def word(self, argument: str, value: Any) -> Any:
        if argument.endswith("activation"):
            return {"part": f"keras.activations.{keras.activations.get(value).__name__}"}
        if argument.endswith("initializer") and value is not None:
            made = keras.initializers.get(value)
            told = {name: one for name, one in made.get_config().items() if name != "seed"}
            return {"part": f"keras.initializers.{type(made).__name__}", "arguments": told}
        return super().word(argument, value)

    def defaults(self, name: str) -> dict[str, Any]:
        found = super().defaults(name)
        if name.startswith("keras.layers."):
            found["activity_reduction"] = _activity_reduction()
        return found

    def stepped(self, name: str, start: float, gradients: Sequence[float]) -> list[float]:
        keras.backend.set_floatx("float64")
        exact_numbers()
        parameter, found = tf.Variable([start], dtype="float64"), []
        optimizer = self.found(name)()
        for gradient in gradients:
            optimizer.apply_gradients([(tf.constant([gradient], "float64"), parameter)])
            found.append(float(parameter.numpy()[0]))
        keras.backend.set_floatx("float32")
        return found


@cache
def _activity_reduction() -> str:
    """Return what Keras makes of the penalty of two rows, each of which adds 1."""
    layer = keras.layers.Activation("linear", activity_regularizer=tf.reduce_sum)
    layer(tf.ones((2, 1)))
    return "mean" if float(layer.losses[0]) == 1.0 else "sum"


PARTS = Keras2Parts({"keras": keras})
