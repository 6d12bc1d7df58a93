"""constant: one rate, behind a warm-up."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat

from parity.code import Case
from parity.schedules import Schedule


class ConstantRate(Schedule):
    """lr_t = learning_rate, from ``warmup_steps`` on.

    Without a warm-up it is what a plain number is. ``ConstantLR`` of PyTorch is something else: a share of the rate for
    5 steps, and then the whole at once, which is ``piecewise``.
    """

    kind: ClassVar[str] = "constant"
    short: ClassVar[str | None] = "learning_rate"

    learning_rate: NonNegativeFloat = Field(description="the rate")

    def formula(self) -> str:
        return "learning_rate + 0.0 * t"

    def doc(self) -> str:
        return f"{self.learning_rate!r} in every step"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="every step alike", fields={"learning_rate": 0.5}, x=[0, 1, 9], expected=[0.5, 0.5, 0.5]),
            Case(shows="a line from 0, then the rate: the first step moves nothing", x=[0, 1, 2, 3, 4, 5],
                 fields={"learning_rate": 1.0, "warmup_steps": 4}, expected=[0.0, 0.25, 0.5, 0.75, 1.0, 1.0]),
        ]  # fmt: skip
