"""piecewise: one rate after another."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, model_validator

from parity.code import Case
from parity.entries import read_in
from parity.native import Native, Turned
from parity.schedules import Schedule

PIECES = {name: Turned(name, to=list, back=tuple) for name in ("boundaries", "values")}


class Piecewise(Schedule):
    """lr_t = the value whose number is the count of boundaries below t.

    The update whose number is a boundary, from 0, still has the old rate, as in Keras; at a milestone of PyTorch's
    ``MultiStepLR`` it has the new one already. PyTorch has no class that takes the rates themselves.
    """

    kind: ClassVar[str] = "piecewise"
    source: ClassVar = read_in(keras="optimizers/schedules/learning_rate_schedule", torch="optim/lr_scheduler")
    natives: ClassVar = {
        "keras": Native("keras.optimizers.schedules.PiecewiseConstantDecay", PIECES, leading=tuple(PIECES)),
    }

    boundaries: tuple[NonNegativeInt, ...] = Field(min_length=1, description="last update with each rate, from 0")
    values: tuple[NonNegativeFloat, ...] = Field(description="rates, one more than boundaries")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.values) != len(self.boundaries) + 1 or list(self.boundaries) != sorted(set(self.boundaries)):
            raise ValueError("boundaries that rise, and one value more than there are boundaries")
        return self

    def formula(self) -> str:
        return f"piece(t, {tuple(map(float, self.boundaries))!r}, values)"

    def doc(self) -> str:
        return f"{list(self.values)}, one after another, to the steps {list(self.boundaries)}"

    @classmethod
    def cases(cls) -> list[Case]:
        fields = {"boundaries": (1, 3), "values": (2.0, 0.5, 1.0)}
        return [
            Case(shows="the boundary itself has the old rate", fields=fields, x=[0, 1, 2, 3, 4, 9],
                 expected=[2.0, 2.0, 0.5, 0.5, 1.0, 1.0]),
            Case(shows="behind a warm-up", fields=fields | {"warmup_steps": 2}, x=[0, 1, 2, 3, 4],
                 expected=[0.0, 1.0, 2.0, 2.0, 0.5]),
        ]  # fmt: skip
