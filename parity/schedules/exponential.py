"""exponential: a rate that is multiplied by the same number in every so many steps."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from parity.code import Case
from parity.entries import read_in
from parity.native import Native, same
from parity.schedules import Schedule


class Exponential(Schedule):
    """lr_t = initial_learning_rate decay_rate^(t / decay_steps), t / decay_steps rounded down if ``staircase``.

    ``ExponentialLR`` of PyTorch is this with ``decay_steps`` 1, where the scheduler is stepped in every step; stepped
    once an epoch, as in most programs, it is this with the steps of an epoch and ``staircase``.
    """

    kind: ClassVar[str] = "exponential"
    source: ClassVar = read_in(keras="optimizers/schedules/learning_rate_schedule", torch="optim/lr_scheduler")
    natives: ClassVar = {
        "keras": Native(
            "keras.optimizers.schedules.ExponentialDecay",
            same("initial_learning_rate", "decay_steps", "decay_rate", "staircase"),
            leading=("initial_learning_rate",), own={"staircase": False},
        ),
    }  # fmt: skip

    initial_learning_rate: NonNegativeFloat = Field(description="rate of the first step")
    decay_steps: PositiveInt = Field(description="steps in which the rate is multiplied once")
    decay_rate: PositiveFloat = Field(description="what it is multiplied by")
    staircase: bool = Field(default=False, description="hold the rate for decay_steps at a time")

    def formula(self) -> str:
        passed = "t" if self.decay_steps == 1 else "t / decay_steps"
        passed = f"floor({passed})" if self.staircase and self.decay_steps > 1 else passed
        return f"initial_learning_rate * decay_rate ** ({passed})"

    def doc(self) -> str:
        how = ", all at once" if self.staircase else ""
        return f"{self.initial_learning_rate!r} times {self.decay_rate!r} every {self.decay_steps} steps{how}"

    @classmethod
    def cases(cls) -> list[Case]:
        fields = {"initial_learning_rate": 2.0, "decay_steps": 2, "decay_rate": 0.25}
        return [
            Case(shows="counted by two, ahead of the optimizer", fields={"initial_learning_rate": 2.0, "decay_steps": 1,
                 "decay_rate": 0.5, "per": 2, "counted": "before_update"}, x=[0, 1, 2], expected=[1.0, 1.0, 0.5]),
            Case(shows="a quarter in two steps, a half in one", fields=fields, x=[0, 1, 2, 4],
                 expected=[2.0, 1.0, 0.5, 0.125]),
            Case(shows="on a staircase", fields=fields | {"staircase": True}, x=[0, 1, 2, 3, 4],
                 expected=[2.0, 2.0, 0.5, 0.5, 0.125]),
            Case(shows="in every step, as ExponentialLR", fields=fields | {"decay_steps": 1}, x=[0, 1, 2],
                 expected=[2.0, 0.5, 0.125]),
        ]  # fmt: skip
