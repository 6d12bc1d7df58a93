"""cosine: a rate that falls along half a cosine."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, NonNegativeFloat, PositiveInt

from parity.code import Case
from parity.entries import read_in
from parity.native import Native, same
from parity.schedules import Schedule


class Cosine(Schedule):
    """lr_t = initial_learning_rate ((1 - alpha) (1 + cos(pi t / decay_steps)) / 2 + alpha), t at most decay_steps.

    ``alpha`` is a share of the initial rate, as in Keras; PyTorch's ``CosineAnnealingLR`` takes the rate itself
    (``eta_min``), and goes up again after the end, where Keras stays: the PyTorch program writes the rule out.
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017).
    """

    kind: ClassVar[str] = "cosine"
    source: ClassVar = read_in(keras="optimizers/schedules/learning_rate_schedule", torch="optim/lr_scheduler")

    natives: ClassVar = {
        "keras": Native(
            "keras.optimizers.schedules.CosineDecay",
            same("initial_learning_rate", "decay_steps", "alpha"),
            leading=("initial_learning_rate",), own={"alpha": 0.0},
        ),
    }  # fmt: skip

    initial_learning_rate: NonNegativeFloat = Field(description="rate of the first step")
    decay_steps: PositiveInt = Field(description="steps from the initial rate to the last one")
    alpha: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        default=0.0, description="the last rate, as a share of the initial one"
    )

    def formula(self) -> str:
        fallen = "0.5 * (1.0 + cos(pi * minimum(t / decay_steps, 1.0)))"
        fallen = f"((1.0 - alpha) * {fallen} + alpha)" if self.alpha else fallen
        return f"initial_learning_rate * {fallen}"

    def doc(self) -> str:
        to = f" to {self.alpha!r} of it" if self.alpha else " to 0"
        return f"{self.initial_learning_rate!r} along half a cosine{to} in {self.decay_steps} steps"

    @classmethod
    def cases(cls) -> list[Case]:
        fields = {"initial_learning_rate": 2.0, "decay_steps": 4}
        half = 1 + 0.5**0.5
        return [
            Case(shows="halfway down at half of the steps, 0 at the end and ever after", fields=fields,
                 x=[0, 1, 2, 4, 9], expected=[2.0, half, 1.0, 0.0, 0.0]),
            Case(shows="alpha is a share: a fifth of 2 is left", fields=fields | {"alpha": 0.2},
                 x=[0, 2, 4, 5], expected=[2.0, 1.2, 0.4, 0.4]),
            Case(shows="behind a warm-up of two steps", fields=fields | {"warmup_steps": 2}, x=[0, 1, 2, 3, 4],
                 expected=[0.0, 1.0, 2.0, half, 1.0]),
        ]  # fmt: skip
