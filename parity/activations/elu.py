"""elu: y = x where x > 0, else alpha (exp(x) - 1)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, PositiveFloat

from parity.activations import Activation
from parity.code import Case
from parity.native import Native


class Elu(Activation):
    """y = x where x > 0, else alpha (exp(x) - 1); dy/dx is alpha at 0.

    Clevert et al., "Fast and accurate deep network learning by exponential linear units" (2016). ``tf.nn.elu`` has
    alpha 1 and no other; Keras multiplies what it gives. ``nn.ELU`` takes any.
    """

    kind: ClassVar[str] = "elu"
    keeps_positive: ClassVar[bool] = True
    short: ClassVar[str | None] = "alpha"
    natives: ClassVar = {
        "keras": Native("keras.activations.elu", {"alpha": "alpha"}, own={"alpha": 1.0}),
        "tensorflow": Native("tf.nn.elu", when={"alpha": 1.0}, why={"alpha": "takes no alpha"}),
        "torch": Native("nn.ELU", {"alpha": "alpha"}, own={"alpha": 1.0}),
    }

    alpha: PositiveFloat = Field(default=1.0, description="what very negative numbers become, with its sign turned")

    def formula(self) -> str:
        return """
            low = where(x > 0, 0.0, x)
            where(x > 0, x, alpha * expm1(low))
        """

    def says(self) -> str:
        return "x where x > 0, else alpha (exp(x) - 1)"

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[-0.6931471805599453, 0.0, 3.0]]
        return [
            Case(shows="-log 2 becomes -1/2", fields={}, x=x, expected=[[-0.5, 0.0, 3.0]]),
            Case(shows="alpha 0.3, which is the slope at 0, too", fields={"alpha": 0.3}, x=x,
                 expected=[[-0.15, 0.0, 3.0]]),
        ]  # fmt: skip
