"""soft_shrink: y = x - threshold where x > threshold, x + threshold where x < -threshold, else 0."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat

from parity.activations import Activation
from parity.code import Case
from parity.native import Native


class SoftShrink(Activation):
    """y = x - threshold where x > threshold, x + threshold where x < -threshold, else 0; dy/dx is 0 at the threshold.

    ``threshold`` is ``lambd`` in ``nn.Softshrink``; 0.5 in both unless told. Raw TensorFlow has none.
    """

    kind: ClassVar[str] = "soft_shrink"
    short: ClassVar[str | None] = "threshold"
    natives: ClassVar = {
        "keras": Native("keras.activations.soft_shrink", {"threshold": "threshold"}, own={"threshold": 0.5}),
        "torch": Native("nn.Softshrink", {"lambd": "threshold"}, own={"lambd": 0.5}),
    }

    threshold: NonNegativeFloat = Field(default=0.5, description="what is nearer to 0 becomes 0")

    def formula(self) -> str:
        return "where(x > threshold, x - threshold, where(x < -threshold, x + threshold, 0.0))"

    def says(self) -> str:
        return "x pulled towards 0 by the threshold"

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[-2.0, -0.5, 0.3, 3.0]]
        return [
            Case(shows="pulls towards 0 by a half, where the slope is 0", fields={}, x=x,
                 expected=[[-1.5, 0.0, 0.0, 2.5]]),
            Case(shows="pulls towards 0 by 0.3, to more digits than float32 has", fields={"threshold": 0.3}, x=x,
                 expected=[[-1.7, -0.2, 0.0, 2.7]]),
        ]  # fmt: skip
