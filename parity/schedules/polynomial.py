"""polynomial: a rate that falls along a power of what is left, to an end, once or again and again."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from parity.code import Case
from parity.entries import read_in
from parity.native import Native, same
from parity.schedules import Schedule

TOLD = {"end_learning_rate": 0.0001, "power": 1.0, "cycle": False}


class Polynomial(Schedule):
    """lr_t = (initial_learning_rate - end_learning_rate) (1 - t / decay_steps)^power + end_learning_rate.

    After ``decay_steps`` it stays; with ``cycle`` it goes on with the next multiple of them that is not below t, from
    which it falls again: a jump, from the end up to what is left of the longer way. ``PolynomialLR`` of PyTorch ends at
    0 and has no cycle; Keras ends at 0.0001 if nothing is said.
    """

    kind: ClassVar[str] = "polynomial"
    source: ClassVar = read_in(keras="optimizers/schedules/learning_rate_schedule", torch="optim/lr_scheduler")
    natives: ClassVar = {
        "keras": Native("keras.optimizers.schedules.PolynomialDecay",
                        same("initial_learning_rate", "decay_steps", *TOLD), leading=("initial_learning_rate",),
                        own=TOLD),
    }  # fmt: skip

    initial_learning_rate: NonNegativeFloat = Field(description="rate of the first step")
    decay_steps: PositiveInt = Field(description="steps to the end")
    end_learning_rate: NonNegativeFloat = Field(default=0.0001, description="rate at the end")
    power: PositiveFloat = Field(default=1.0, description="of what is left; 1 falls along a line")
    cycle: bool = Field(default=False, description="go on after the end, from what is left of a longer way")

    def formula(self) -> str:
        left = "1.0 - minimum(t / decay_steps, 1.0)"
        if self.cycle:
            left = "1.0 - t / (decay_steps * maximum(ceil(t / decay_steps), 1.0))"
        return f"(initial_learning_rate - end_learning_rate) * ({left}) ** power + end_learning_rate"

    def doc(self) -> str:
        how = ", and again from what is left of twice as many, and so on" if self.cycle else ""
        power = "a line" if self.power == 1 else f"(1 - t / {self.decay_steps})^{self.power!r}"
        return (
            f"{self.initial_learning_rate!r} along {power} to {self.end_learning_rate!r} in {self.decay_steps} "
            f"steps{how}"
        )

    @classmethod
    def cases(cls) -> list[Case]:
        fields = {"initial_learning_rate": 2.0, "decay_steps": 2, "end_learning_rate": 1.0}
        return [
            Case(shows="along a line, and then the end", fields=fields, x=[0, 1, 2, 3], expected=[2.0, 1.5, 1.0, 1.0]),
            Case(shows="squared, a quarter is left halfway", fields=fields | {"power": 2.0}, x=[0, 1, 2],
                 expected=[2.0, 1.25, 1.0]),
            Case(shows="the end is reached, and then a quarter of four steps is left", x=[0, 1, 2, 3, 4, 5],
                 fields=fields | {"cycle": True}, expected=[2.0, 1.5, 1.0, 1.25, 1.0, 7 / 6]),
        ]  # fmt: skip
