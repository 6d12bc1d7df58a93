"""gelu: y = x Phi(x), Phi the distribution function of the standard normal."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.activations import Activation
from parity.code import Case
from parity.native import Native, Turned

ROUNDED = "rounds its constants to float32"
TANH = Turned("approximate", lambda by_tanh: "tanh" if by_tanh else "none", "tanh".__eq__)


class Gelu(Activation):
    """y = x Phi(x) = x / 2 erfc(-x / sqrt(2)); approximate: y = x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).

    Exact unless told in ``keras.activations.gelu``, ``tf.nn.gelu`` and ``nn.GELU``; ``keras.ops.gelu`` approximates.
    The two are up to 5e-4 apart. ``tf.nn.gelu`` passes its constants through float32, even in a float64 model (5e-9
    off), and Keras calls it: their programs write the formula out.
    """

    kind: ClassVar[str] = "gelu"
    short: ClassVar[str | None] = "approximate"
    natives: ClassVar = {
        "keras": Native("keras.activations.gelu", {"approximate": "approximate"}, never=ROUNDED),
        "tensorflow": Native("tf.nn.gelu", {"approximate": "approximate"}, never=ROUNDED),
        "torch": Native("nn.GELU", {"approximate": TANH}, own={"approximate": "none"}),
    }

    approximate: bool = Field(default=False, description="by way of tanh, instead of exact")

    def formula(self) -> str:
        if self.approximate:
            return "0.5 * x * (1.0 + tanh(sqrt(2.0 / pi) * (x + 0.044715 * x * x * x)))"
        return "0.5 * x * erfc(-x / sqrt(2.0))"

    def called(self) -> str:
        return "gelu_tanh" if self.approximate else "gelu"

    def says(self) -> str:
        return "x Phi(x), Phi by way of tanh" if self.approximate else "x Phi(x)"

    @classmethod
    def cases(cls) -> list[Case]:
        exact, by_tanh = [[-0.15865525393145707, 0.8413447460685429]], [[-0.15880800939172324, 0.8411919906082768]]
        return [
            Case(shows="1 keeps the share of a normal below 1", fields={}, x=[[-1.0, 1.0]], expected=exact),
            Case(shows="by tanh 1.5e-4 less at 1", fields={"approximate": True}, x=[[-1.0, 1.0]], expected=by_tanh),
        ]  # fmt: skip
