"""inverse_time: a rate that falls as one over the steps taken."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat, PositiveInt

from parity.code import Case
from parity.entries import read_in
from parity.native import Native, same
from parity.schedules import Schedule


class InverseTime(Schedule):
    """lr_t = initial_learning_rate / (1 + decay_rate t / decay_steps), t / decay_steps rounded down if ``staircase``.

    The ``decay`` of Keras 2's optimizers is this with ``decay_steps`` 1. PyTorch has no class for it.
    """

    kind: ClassVar[str] = "inverse_time"
    source: ClassVar = read_in(keras="optimizers/schedules/learning_rate_schedule")

    natives: ClassVar = {
        "keras": Native(
            "keras.optimizers.schedules.InverseTimeDecay",
            same("initial_learning_rate", "decay_steps", "decay_rate", "staircase"),
            leading=("initial_learning_rate",), own={"staircase": False},
        ),
    }  # fmt: skip

    initial_learning_rate: NonNegativeFloat = Field(description="rate of the first step")
    decay_steps: PositiveInt = Field(description="steps after which the divisor has grown by decay_rate")
    decay_rate: NonNegativeFloat = Field(description="what the divisor grows by in decay_steps")
    staircase: bool = Field(default=False, description="hold the rate for decay_steps at a time")

    def formula(self) -> str:
        passed = "t" if self.decay_steps == 1 else "t / decay_steps"
        passed = f"floor({passed})" if self.staircase and self.decay_steps > 1 else passed
        return f"initial_learning_rate / (1.0 + decay_rate * {passed})"

    def doc(self) -> str:
        passed = "t" if self.decay_steps == 1 else f"t / {self.decay_steps}"
        passed = f"floor({passed})" if self.staircase and self.decay_steps > 1 else passed
        return f"{self.initial_learning_rate!r} / (1 + {self.decay_rate!r} {passed})"

    @classmethod
    def cases(cls) -> list[Case]:
        fields = {"initial_learning_rate": 1.0, "decay_steps": 2, "decay_rate": 0.5}
        return [
            Case(shows="the first step has the whole rate; a half more divides it every 2 steps", fields=fields,
                 x=[0, 1, 2, 4], expected=[1.0, 0.8, 1 / 1.5, 0.5]),
            Case(shows="on a staircase it waits for 2 steps to pass", fields=fields | {"staircase": True},
                 x=[0, 1, 2, 3, 4], expected=[1.0, 1.0, 1 / 1.5, 1 / 1.5, 0.5]),
        ]  # fmt: skip
