"""leaky_relu: y = x where x > 0, else negative_slope x."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat

from parity.activations import Activation
from parity.code import Case
from parity.native import Native

ROUNDED = "rounds the slope to float32"


class LeakyRelu(Activation):
    """y = x where x > 0, else negative_slope x; dy/dx is negative_slope at 0.

    The slope is 0.2 in ``keras.activations.leaky_relu`` and ``tf.nn.leaky_relu``, 0.3 in ``keras.layers.LeakyReLU``,
    0.01 in ``nn.LeakyReLU``. TensorFlow keeps it as a float32 attribute of the operation, even in a float64 model (2e-9
    off for 0.01), and Keras with it: their programs write the formula out.
    """

    kind: ClassVar[str] = "leaky_relu"
    keeps_positive: ClassVar[bool] = True
    short: ClassVar[str | None] = "negative_slope"
    native: ClassVar = {"torch": {"negative_slope": 0.01}}
    natives: ClassVar = {
        "keras": Native("keras.activations.leaky_relu", {"negative_slope": "negative_slope"}, never=ROUNDED),
        "tensorflow": Native("tf.nn.leaky_relu", {"alpha": "negative_slope"}, never=ROUNDED),
        "torch": Native("nn.LeakyReLU", {"negative_slope": "negative_slope"}, leading=("negative_slope",)),
    }

    negative_slope: NonNegativeFloat = Field(default=0.2, description="slope where x < 0")

    def formula(self) -> str:
        return "where(x > 0, x, negative_slope * x)"

    def says(self) -> str:
        return "x where x > 0, else negative_slope x"

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[-2.0, 0.0, 3.0]]
        return [
            Case(shows="a fifth of what is negative", fields={}, x=x, expected=[[-0.4, 0.0, 3.0]]),
            Case(shows="a slope of 0.3, to more digits than float32 has", fields={"negative_slope": 0.3}, x=x,
                 expected=[[-0.6, 0.0, 3.0]]),
        ]  # fmt: skip
