"""hard_shrink: y = x where |x| > threshold, else 0."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat

from parity.activations import Activation
from parity.code import Case
from parity.native import Native


class HardShrink(Activation):
    """y = x where |x| > threshold, else 0; dy/dx is 0 at the threshold.

    ``threshold`` is ``lambd`` in ``nn.Hardshrink``; 0.5 in both unless told. Raw TensorFlow has none.
    """

    kind: ClassVar[str] = "hard_shrink"
    short: ClassVar[str | None] = "threshold"
    natives: ClassVar = {
        "keras": Native("keras.activations.hard_shrink", {"threshold": "threshold"}, own={"threshold": 0.5}),
        "torch": Native("nn.Hardshrink", {"lambd": "threshold"}, own={"lambd": 0.5}),
    }

    threshold: NonNegativeFloat = Field(default=0.5, description="what is nearer to 0 becomes 0")

    def formula(self) -> str:
        return "where(abs(x) > threshold, x, 0.0)"

    def says(self) -> str:
        return "x where |x| > threshold, else 0"

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[-2.0, -0.5, 0.3, 3.0]]
        return [
            Case(shows="cuts out what is within a half, where the slope is 0", fields={}, x=x,
                 expected=[[-2.0, 0.0, 0.0, 3.0]]),
            Case(shows="cuts out what is within 0.3, to more digits than float32 has", fields={"threshold": 0.3}, x=x,
                 expected=[[-2.0, -0.5, 0.0, 3.0]]),
        ]  # fmt: skip
