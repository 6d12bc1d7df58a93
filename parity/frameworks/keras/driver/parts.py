"""Keras's own parts, told nothing."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from parity.frameworks.keras.driver.either import EitherKerasParts


class KerasParts(EitherKerasParts):
    """An optimizer is built with a parameter of float64, and moves it."""

    def stepped(self, name: str, start: float, gradients: Sequence[float]) -> list[float]:
        parameter = keras.Variable([start], dtype="float64")
        optimizer, found = self.found(name)(), []
        optimizer.build([parameter])
        for gradient in gradients:
            optimizer.apply([keras.ops.convert_to_tensor([gradient], "float64")])
            found.append(float(keras.ops.convert_to_numpy(parameter.value)[0]))
        return found


PARTS = KerasParts({"keras": keras})
