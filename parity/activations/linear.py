"""linear: y = x."""

from __future__ import annotations

from typing import ClassVar

from parity.activations import Activation
from parity.code import Case, Helper


class Linear(Activation):
    """y = x. Nothing is written for it in any framework."""

    kind: ClassVar[str] = "linear"
    keeps_positive: ClassVar[bool] = True

    def formula(self) -> str:
        return "x"

    def keras(self, framework: str = "keras") -> str:
        return '"linear"'

    def tensorflow(self, x: str) -> str:
        return x

    def torch(self, channel_axis: int) -> str | None:
        return None

    def helpers(self, framework: str) -> tuple[Helper, ...]:
        return ()

    @classmethod
    def cases(cls) -> list[Case]:
        return [Case(shows="leaves its input alone", fields={}, x=[[-2.0, 0.0, 3.0]], expected=[[-2.0, 0.0, 3.0]])]
