"""gelu: y = x Phi(x), Phi the distribution function of the standard normal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from parity.activations import Activation
from parity.code import Case, Helper
from parity.lazy import differentiable as np

if TYPE_CHECKING:
    from collections.abc import Mapping

CUBIC = 0.044715
ROOT = math.sqrt(2.0 / math.pi)

EXACT = '''
def gelu(x):
    """x Phi(x); {own} rounds 1 / sqrt(2) to float32."""
    return {formula}
'''

TANH = '''
def gelu_tanh(x):
    """x Phi(x), Phi by way of tanh; {own} rounds 0.044715 to float32."""
    return 0.5 * x * (1.0 + {tanh}(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)))
'''


class Gelu(Activation):
    """y = x Phi(x) = x / 2 erfc(-x / sqrt(2)); approximate: y = x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).

    Exact unless told in ``keras.activations.gelu``, ``tf.nn.gelu`` and ``nn.GELU``; ``keras.ops.gelu`` approximates.
    The two are up to 5e-4 apart. ``tf.nn.gelu`` passes its constants through float32, even in a float64 model (5e-9
    off), and Keras calls it: their programs write the formula out.
    """

    kind: ClassVar[str] = "gelu"
    short: ClassVar[str | None] = "approximate"
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/activations/activations.py",
        "tensorflow": "tensorflow/python/ops/nn_ops.py",
        "torch": "torch/nn/modules/activation.py",
    }

    approximate: bool = Field(default=False, description="by way of tanh, instead of exact")

    def _phi(self, x: np.ndarray) -> np.ndarray:
        """Return the distribution function, or what stands for it."""
        if self.approximate:
            return 0.5 * (1.0 + np.tanh(ROOT * (x + CUBIC * x**3)))
        return 0.5 * np.erfc(-x / math.sqrt(2.0))

    def forward(self, x: np.ndarray) -> np.ndarray:
        return x * self._phi(x)

    def _name(self) -> str:
        return "gelu_tanh" if self.approximate else "gelu"

    def keras(self) -> str:
        return self._name()

    def tensorflow(self, x: str) -> str:
        return f"{self._name()}({x})"

    def torch(self, channel_axis: int) -> str:
        return 'nn.GELU(approximate="tanh")' if self.approximate else "nn.GELU()"

    def helpers(self, framework: str) -> tuple[Helper, ...]:
        if framework == "torch":
            return ()
        keras = framework == "keras"
        own = "Keras's own" if keras else "tf.nn.gelu"
        if self.approximate:
            source = TANH.format(own=own, tanh="keras.ops.tanh" if keras else "tf.tanh")
        elif keras:
            source = EXACT.format(own=own, formula="0.5 * x * (1.0 + keras.ops.erf(x / math.sqrt(2.0)))")
        else:
            source = EXACT.format(own=own, formula="0.5 * x * tf.math.erfc(-x / math.sqrt(2.0))")
        return (Helper(name=self._name(), source=source, imports=("import math",)),)

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="1 keeps the share of a standard normal below 1", fields={}, x=[[-1.0, 0.0, 1.0]],
                 expected=[[-0.15865525393145707, 0.0, 0.8413447460685429]]),
            Case(shows="by way of tanh it is 1.5e-4 less at 1", fields={"approximate": True}, x=[[-1.0, 0.0, 1.0]],
                 expected=[[-0.15880800939172324, 0.0, 0.8411919906082768]]),
        ]  # fmt: skip
