"""hard_sigmoid: a line from 0 to 1, cut off at both."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from parity.activations import Activation
from parity.code import Case
from parity.entries import Since
from parity.native import Native

ROUNDED = "rounds its slope to float32"
WHY = {"slope": "has slope 1/6"}


class HardSigmoid(Activation):
    """y = (x + 3) / 6 from -3 to 3, 0 below and 1 above, dy/dx is 0 at both; or y = 0.2 x + 0.5 within 0 and 1.

    Keras 3 and PyTorch have slope 1/6. Keras 2 has 1/5, from -2.5 to 2.5, where dy/dx is 1/5 still. ``nn.Hardsigmoid``
    computes its gradient with a float32 1/6, even in a float64 model (3e-8 off), and Keras on PyTorch with it. Raw
    TensorFlow has neither.
    """

    kind: ClassVar[str] = "hard_sigmoid"
    short: ClassVar[str | None] = "slope"
    native: ClassVar = {"tf_keras": {"slope": "1/5"}}
    since: ClassVar = (Since("keras", "3.0", "slope", "1/5", "1/6", "hard_sigmoid"),)
    natives: ClassVar = {
        "keras": Native("keras.activations.hard_sigmoid", when={"slope": "1/6"}, why=WHY),
        "tf_keras": Native("keras.activations.hard_sigmoid", when={"slope": "1/5"}, why={"slope": "has slope 1/5"}),
        "keras_torch": Native("keras.activations.hard_sigmoid", when={"slope": "1/6"}, why=WHY,
                              never=f"on PyTorch {ROUNDED}"),
        "torch": Native("nn.Hardsigmoid", when={"slope": "1/6"}, why=WHY, never=ROUNDED),
    }  # fmt: skip

    slope: Literal["1/6", "1/5"] = Field(default="1/6", description="of the line; 1/5 as Keras 2 had it")

    def formula(self) -> str:
        if self.slope == "1/5":
            return "clip(0.2 * x + 0.5, 0.0, 1.0)"
        return "where(x <= -3.0, 0.0, where(x >= 3.0, 1.0, (x + 3.0) / 6.0))"

    def called(self) -> str:
        return "hard_sigmoid" if self.slope == "1/6" else "hard_sigmoid_of_keras_2"

    def says(self) -> str:
        return "(x + 3) / 6 within 0 and 1" if self.slope == "1/6" else "0.2 x + 0.5 within 0 and 1"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="1.5 becomes 3/4; no slope at -3 and 3", fields={}, x=[[-3.0, 0.0, 1.5, 3.0]],
                 expected=[[0.0, 0.5, 0.75, 1.0]]),
            Case(shows="1.25 becomes 3/4; slope 1/5 still at -2.5 and 2.5", fields={"slope": "1/5"},
                 x=[[-2.5, 1.25, 2.5, 3.0]], expected=[[0.0, 0.75, 1.0, 1.0]]),
        ]  # fmt: skip
