"""Keras 2's own parts, told nothing."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from parity.frameworks.keras.driver.either import EitherKerasParts
from parity.frameworks.tf_keras.driver.keras2 import keras
from parity.frameworks.tf_keras.driver.legacy import exact_numbers


class Keras2Parts(EitherKerasParts):
    """An optimizer makes what it keeps in its first step, in Keras's float type."""

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


PARTS = Keras2Parts({"keras": keras})
