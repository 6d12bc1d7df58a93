"""linear: PyTorch's LinearLR: a rate between two shares of it along a line, up or down, and then the second."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat, PositiveInt

from parity.code import Case
from parity.entries import read_in
from parity.schedules import Schedule


class LinearRate(Schedule):
    """lr_t = learning_rate (start_factor + (end_factor - start_factor) min(t / total_steps, 1)).

    ``LinearLR`` starts at a third and ends at the whole after 5 steps if nothing is said: a warm-up. In front of
    another schedule, ``warmup_steps`` of that does it. Keras has no such schedule.
    """

    kind: ClassVar[str] = "linear"
    source: ClassVar = read_in(torch="optim/lr_scheduler")

    learning_rate: NonNegativeFloat = Field(description="rate that the factors are shares of")
    start_factor: NonNegativeFloat = Field(default=1.0 / 3, description="share of the first step")
    end_factor: NonNegativeFloat = Field(default=1.0, description="share from total_steps on")
    total_steps: PositiveInt = Field(default=5, description="steps from the one to the other")

    def formula(self) -> str:
        return "learning_rate * (start_factor + (end_factor - start_factor) * minimum(t / total_steps, 1.0))"

    def doc(self) -> str:
        return (
            f"{self.learning_rate!r} times {self.start_factor!r} along a line to {self.end_factor!r} in "
            f"{self.total_steps} steps"
        )

    @classmethod
    def cases(cls) -> list[Case]:
        third = [1.0, 1.4, 1.8, 2.2, 2.6, 3.0, 3.0]
        down = {"learning_rate": 2.0, "start_factor": 1.0, "end_factor": 0.5, "total_steps": 2, "warmup_steps": 2}
        return [
            Case(shows="a third to the whole in five steps", fields={"learning_rate": 3.0}, x=list(range(7)),
                 expected=third),
            Case(shows="up, and down to a half", fields=down, x=[0, 1, 2, 3, 4, 5],
                 expected=[0.0, 1.0, 2.0, 1.5, 1.0, 1.0]),
        ]  # fmt: skip
