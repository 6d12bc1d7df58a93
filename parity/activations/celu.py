"""celu: y = x where x > 0, else alpha (exp(x / alpha) - 1)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, PositiveFloat

from parity.activations import Activation
from parity.code import Case
from parity.native import Native

TWICE = "has slope 2 at 0, the sum of those of a maximum and a minimum"
ROUNDED = "rounds 1 / alpha to float32 in its gradient"


class Celu(Activation):
    """y = x where x > 0, else alpha (exp(x / alpha) - 1); dy/dx is 1 at 0, whatever alpha is.

    Barron, "Continuously differentiable exponential linear units" (2017). Keras on TensorFlow adds max(x, 0) and
    alpha expm1(min(x, 0) / alpha), both of which have slope 1 at 0: its program writes the formula out.
    ``nn.CELU`` keeps 1 / alpha as a float32 in its gradient, even in a float64 model (5e-8 off for 0.3).
    """

    kind: ClassVar[str] = "celu"
    keeps_positive: ClassVar[bool] = True
    short: ClassVar[str | None] = "alpha"
    natives: ClassVar = {
        "keras": Native("keras.activations.celu", {"alpha": "alpha"}, own={"alpha": 1.0}, never=TWICE),
        "torch": Native("nn.CELU", {"alpha": "alpha"}, own={"alpha": 1.0}, when={"alpha": 1.0}, why={"alpha": ROUNDED}),
    }

    alpha: PositiveFloat = Field(default=1.0, description="what very negative numbers become, with its sign turned")

    def formula(self) -> str:
        return """
            low = where(x > 0, 0.0, x)
            where(x > 0, x, alpha * expm1(low / alpha))
        """

    def says(self) -> str:
        return "x where x > 0, else alpha (exp(x / alpha) - 1)"

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[-0.6931471805599453, 0.0, 3.0]]
        return [
            Case(shows="-log 2 becomes -1/2; slope 1 at 0", fields={}, x=x, expected=[[-0.5, 0.0, 3.0]]),
            Case(shows="alpha 0.3, to more digits than float32 has", fields={"alpha": 0.3},
                 x=[[-0.3 * 0.6931471805599453, 1.0]], expected=[[-0.15, 1.0]]),
        ]  # fmt: skip
