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
        return x

    def tensorflow(self, x: str) -> str:
        return x

    def torch(self, channel_axis: int) -> str | None:
        return None

    @classmethod
    def cases(cls) -> list[Case]:
        return [Case(shows="leaves its input alone", fields={}, x=[[-2.0, 0.0, 3.0]], expected=[[-2.0, 0.0, 3.0]])]
