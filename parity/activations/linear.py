"""linear: y = x."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.activations import Activation
from parity.code import Case

if TYPE_CHECKING:
    import numpy as np


class Linear(Activation):
    """y = x. Nothing is written for it in any framework."""

    kind: ClassVar[str] = "linear"
    keeps_positive: ClassVar[bool] = True

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the input."""
        return x

    def vjp(self, x: np.ndarray, y: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Return dy."""
        return dy

    def tensorflow(self, x: str) -> str:
        """Return the expression itself."""
        return x

    def torch(self, channel_axis: int) -> str | None:
        """Return None: no module is needed."""
        return None

    @classmethod
    def cases(cls) -> list[Case]:
        """Return the hand-worked cases."""
        return [Case(shows="leaves its input alone", fields={}, x=[[-2.0, 0.0, 3.0]], expected=[[-2.0, 0.0, 3.0]])]
