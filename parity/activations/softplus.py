"""softplus: y = log(1 + exp(beta x)) / beta."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, PositiveFloat

from parity.activations import Activation
from parity.code import Case
from parity.native import Native, Turned

NEVER = 40.0  # Beyond it log(1 + exp(x)) is x to the last digit of float64.
THRESHOLD = Turned("linear_above", lambda limit: limit or NEVER, lambda limit: None if limit >= NEVER else limit)
PLAIN = {"beta": 1.0, "linear_above": None}
WHY = {"beta": "takes no beta", "linear_above": "takes no threshold"}


class Softplus(Activation):
    """y = log(1 + exp(beta x)) / beta; x itself where beta x > linear_above, if that is said.

    ``keras.activations.softplus`` and ``tf.math.softplus`` take no beta and compute every digit. ``nn.Softplus`` hands
    on what is above its threshold of 20, which leaves out up to 2e-9: nothing in float32, but not in float64. So does
    Keras on PyTorch, where no function of Keras's says another threshold.
    """

    kind: ClassVar[str] = "softplus"
    non_negative: ClassVar[bool] = True
    short: ClassVar[str | None] = "beta"
    native: ClassVar = {"keras_torch": {"linear_above": 20.0}, "torch": {"linear_above": 20.0}}
    natives: ClassVar = {
        "keras": Native("keras.activations.softplus", when=PLAIN, why=WHY),
        "keras_torch": Native("keras.activations.softplus", when=PLAIN | {"linear_above": 20.0},
                              why=WHY | {"linear_above": "hands on what is above 20 on PyTorch"}),
        "tensorflow": Native("tf.math.softplus", when=PLAIN, why=WHY),
        "torch": Native("nn.Softplus", {"beta": "beta", "threshold": THRESHOLD}, own={"beta": 1.0, "threshold": 20.0}),
    }  # fmt: skip

    beta: PositiveFloat = Field(default=1.0, description="how sharp the bend is")
    linear_above: PositiveFloat | None = Field(
        default=None, description="where beta x is above it, y is x; none: nowhere"
    )

    def formula(self) -> str:
        if self.linear_above is not None:
            return "where(beta * x > linear_above, x, softplus(beta * x) / beta)"
        return "softplus(x)" if self.beta == 1.0 else "softplus(beta * x) / beta"

    def called(self) -> str:
        # With beta or without, what it is called with is another thing, and so is why it is written out.
        sharp = "" if self.beta == 1.0 else "sharp_"
        return f"{sharp}softplus" if self.linear_above is None else f"{sharp}softplus_up_to"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="0 becomes log 2; 20.5 gains 1e-9", fields={}, x=[[0.0, 20.5]],
                 expected=[[0.6931471805599453, 20.500000001250154]]),
            Case(shows="0 becomes half of log 2", fields={"beta": 2.0}, x=[[0.0, 1.0]],
                 expected=[[0.34657359027997264, 1.0634640055214861]]),
            Case(shows="above 20 nothing is gained", fields={"linear_above": 20.0}, x=[[20.0, 20.5]],
                 expected=[[20.00000000206115, 20.5]]),
        ]  # fmt: skip
