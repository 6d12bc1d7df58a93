"""sigmoid: y = 1 / (1 + exp(-x))."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.activations import Activation
from parity.code import Case
from parity.lazy import np

if TYPE_CHECKING:
    from collections.abc import Mapping


class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x)).

    Keras on TensorFlow remembers x behind the output; binary cross-entropy then works on x
    (``keras/src/activations/activations.py``, ``_keras_logits``).
    """

    kind: ClassVar[str] = "sigmoid"
    non_negative: ClassVar[bool] = True
    logits: ClassVar[bool] = True
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/activations/activations.py",
        "tensorflow": "tensorflow/python/ops/math_ops.py",
        "torch": "torch/nn/modules/activation.py",
    }

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the logistic function, computed so that exp never overflows."""
        e = np.exp(-np.abs(x))
        return np.where(x >= 0, 1.0 / (1.0 + e), e / (1.0 + e))

    def vjp(self, x: np.ndarray, y: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Return dy y (1 - y)."""
        return dy * y * (1.0 - y)

    def torch(self, channel_axis: int) -> str:
        """Return ``nn.Sigmoid()``."""
        return "nn.Sigmoid()"

    @classmethod
    def cases(cls) -> list[Case]:
        """Return the hand-worked cases."""
        return [
            Case(shows="0 becomes a half, log 3 three quarters", fields={}, x=[[0.0, 1.0986122886681098]],
                 expected=[[0.5, 0.75]]),
        ]  # fmt: skip
