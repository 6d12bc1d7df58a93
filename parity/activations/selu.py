"""selu: scale times elu, with the two numbers that keep mean and variance."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.native import Native

SCALE = 1.0507009873554805
SCALE_ALPHA = 1.7580993408473766
LEFT = "has slope 1.758 at 0, not 1.0507"


class Selu(Activation):
    """y = s x where x > 0, else s a (exp(x) - 1), s = 1.0507009873554805, a = 1.6732632423543772; dy/dx is s at 0.

    Klambauer et al., "Self-normalizing neural networks" (2017). At 0, where TensorFlow and Keras on it take the slope
    from the right, ``nn.SELU`` takes the one from the left, s a = 1.758. A sum over nothing but zeros is exactly 0, at
    the black border of a picture, say: the programs of PyTorch, and of Keras on it, write the formula out.
    """

    kind: ClassVar[str] = "selu"
    natives: ClassVar = {
        "keras": Native("keras.activations.selu"),
        "tensorflow": Native("tf.nn.selu"),
        "keras_torch": Native("keras.activations.selu", never=f"on PyTorch {LEFT}"),
        "torch": Native("nn.SELU", never=LEFT),
    }

    def formula(self) -> str:
        return f"""
            low = where(x >= 0, 0.0, x)
            where(x >= 0, {SCALE} * x, {SCALE_ALPHA} * expm1(low))
        """

    def says(self) -> str:
        return f"{SCALE} x where x >= 0, else {SCALE_ALPHA} (exp(x) - 1)"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="-log 2 becomes half of the bound below, 2 is scaled; at 0 the slope is that from the right",
                 fields={}, x=[[-0.6931471805599453, 0.0, 2.0]],
                 expected=[[-0.8790496704236883, 0.0, 2.101401974710961]]),
        ]  # fmt: skip
