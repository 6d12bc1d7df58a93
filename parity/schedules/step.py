"""step: PyTorch's StepLR: a rate that falls by a factor in every so many steps."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from parity.code import Case
from parity.entries import read_in
from parity.native import Native
from parity.schedules import Schedule


class StepDecay(Schedule):
    """lr_t = initial_learning_rate gamma^floor(t / step_size).

    ``exponential`` on a staircase by PyTorch's names, and what the Keras program uses. ``StepLR`` counts the calls of
    ``scheduler.step()``, which most programs make once an epoch: ``step_size`` is in updates, or, with ``per: epoch``,
    in epochs.
    """

    kind: ClassVar[str] = "step"
    source: ClassVar = read_in(keras="optimizers/schedules/learning_rate_schedule", torch="optim/lr_scheduler")
    natives: ClassVar = {
        "keras": Native(
            "keras.optimizers.schedules.ExponentialDecay",
            {"initial_learning_rate": "initial_learning_rate", "decay_steps": "step_size", "decay_rate": "gamma"},
            leading=("initial_learning_rate",),
        ),
    }  # fmt: skip

    initial_learning_rate: NonNegativeFloat = Field(description="rate of the first step")
    step_size: PositiveInt = Field(description="updates with one rate")
    gamma: PositiveFloat = Field(default=0.1, description="what the rate is multiplied by after them")

    def formula(self) -> str:
        return "initial_learning_rate * gamma ** floor(t / step_size)"

    def made(self, framework: str) -> str:
        own = self._own(framework)
        return super().made(framework) if own is None else own.source(self, staircase="True")

    def doc(self) -> str:
        return f"{self.initial_learning_rate!r} times {self.gamma!r} after every {self.step_size} steps"

    @classmethod
    def cases(cls) -> list[Case]:
        fields = {"initial_learning_rate": 2.0, "step_size": 2, "gamma": 0.5}
        return [
            Case(shows="two updates with each rate", fields=fields, x=[0, 1, 2, 3, 4],
                 expected=[2.0, 2.0, 1.0, 1.0, 0.5]),
            Case(shows="counted by three updates: six with each rate", x=[0, 5, 6, 11, 12], fields=fields | {"per": 3},
                 expected=[2.0, 2.0, 1.0, 1.0, 0.5]),
            Case(shows="a scheduler that goes ahead of the optimizer leaves one out", x=[0, 1, 2, 3],
                 fields=fields | {"counted": "before_update"}, expected=[2.0, 1.0, 1.0, 0.5]),
            Case(shows="behind a warm-up of two epochs of two updates", x=[0, 1, 2, 3, 4, 7, 8],
                 fields=fields | {"warmup_steps": 2, "per": 2}, expected=[0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 1.0]),
            Case(shows="behind a warm-up: a half, one and a half, and then from the beginning",
                 fields=fields | {"warmup_steps": 3, "warmup_from": 0.5}, x=[0, 1, 2, 3, 4, 5],
                 expected=[0.5, 1.0, 1.5, 2.0, 2.0, 1.0]),
        ]  # fmt: skip
