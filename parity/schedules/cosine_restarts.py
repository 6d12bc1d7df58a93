"""cosine_restarts: half a cosine after another, each longer than the last."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from parity.code import Case
from parity.entries import read_in
from parity.native import Native, same
from parity.schedules import Schedule

TOLD = {"t_mul": 2.0, "m_mul": 1.0, "alpha": 0.0}


class CosineRestarts(Schedule):
    """lr_t = initial_learning_rate ((1 - alpha) m_mul^i (1 + cos(pi f)) / 2 + alpha), i restarts, f into the period.

    The first period has ``first_decay_steps``, each other one ``t_mul`` times as many; f counts from 0, so that the
    lowest rate itself is never taken: the step in which f would be 1 is the restart. ``CosineAnnealingWarmRestarts`` of
    PyTorch takes ``T_mult`` 1 if nothing is said, where Keras doubles, whole numbers only, and the last rate itself
    (``eta_min``) where Keras takes a share. Where periods grow, Keras counts restarts by a logarithm, which in float32
    may be a step late. Loshchilov and Hutter, "SGDR" (2017).
    """

    kind: ClassVar[str] = "cosine_restarts"
    native: ClassVar = {"torch": {"t_mul": 1.0}}
    source: ClassVar = read_in(keras="optimizers/schedules/learning_rate_schedule", torch="optim/lr_scheduler")
    natives: ClassVar = {
        "keras": Native("keras.optimizers.schedules.CosineDecayRestarts",
                        same("initial_learning_rate", "first_decay_steps", *TOLD), leading=("initial_learning_rate",),
                        own=TOLD),
    }  # fmt: skip

    initial_learning_rate: NonNegativeFloat = Field(description="rate of the first step")
    first_decay_steps: PositiveInt = Field(description="steps of the first period")
    t_mul: Annotated[float, Field(ge=1.0)] = Field(default=2.0, description="how much longer each period is")
    m_mul: PositiveFloat = Field(default=1.0, description="what the rate of a period's start is multiplied by")
    alpha: Annotated[float, Field(ge=0.0, le=1.0)] = Field(default=0.0, description="last rate, as a share")

    def formula(self) -> str:
        passed = "t / first_decay_steps"
        restarts, into = f"floor({passed})", f"{passed} - floor({passed})"
        if self.t_mul > 1:
            restarts = f"floor(log(1.0 + {passed} * {self.t_mul - 1!r}) / {math.log(self.t_mul)!r})"
            into = f"({passed} - (t_mul ** {restarts} - 1.0) / {self.t_mul - 1!r}) / t_mul ** {restarts}"
        high = "" if self.m_mul == 1 else f" * m_mul ** {restarts}"
        fallen = f"0.5{high} * (1.0 + cos(pi * ({into})))"
        return f"initial_learning_rate * {f'((1.0 - alpha) * {fallen} + alpha)' if self.alpha else fallen}"

    def doc(self) -> str:
        return (
            f"{self.initial_learning_rate!r} along half cosines, of {self.first_decay_steps} steps and {self.t_mul!r} "
            f"times as many each time, which start {self.m_mul!r} times as high"
        )

    @classmethod
    def cases(cls) -> list[Case]:
        fields = {"initial_learning_rate": 2.0, "first_decay_steps": 2}
        half = 0.5**0.5
        return [
            Case(shows="two steps, then four, then eight, each from the top", fields=fields, x=[0, 1, 2, 3, 4, 5, 6],
                 expected=[2.0, 1.0, 2.0, 1 + half, 1.0, 1 - half, 2.0]),
            Case(shows="periods alike, each half as high, and a quarter at the end",
                 fields=fields | {"t_mul": 1.0, "m_mul": 0.5, "alpha": 0.25}, x=[0, 1, 2, 3, 4],
                 expected=[2.0, 1.25, 1.25, 0.875, 0.875]),
            Case(shows="all of it", fields=fields | {"m_mul": 0.5, "alpha": 0.25}, x=[0, 2, 4, 6],
                 expected=[2.0, 1.25, 0.875, 0.875]),
        ]  # fmt: skip
