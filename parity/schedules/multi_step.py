"""multi_step: PyTorch's MultiStepLR: a rate that falls by a factor at given steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from parity.code import Case, call
from parity.entries import read_in
from parity.schedules import Schedule

if TYPE_CHECKING:
    from parity.code import Helper


class MultiStep(Schedule):
    """lr_t = initial_learning_rate gamma^(number of milestones that are at most t).

    The update that is counted as a milestone, from 0, is the first with the new rate; Keras's
    ``PiecewiseConstantDecay``, which the Keras program uses, still has the old one at its boundary: boundaries are the
    milestones less 1. A milestone said twice counts twice.
    """

    kind: ClassVar[str] = "multi_step"
    source: ClassVar = read_in(keras="optimizers/schedules/learning_rate_schedule", torch="optim/lr_scheduler")

    initial_learning_rate: NonNegativeFloat = Field(description="rate of the first step")
    milestones: tuple[PositiveInt, ...] = Field(min_length=1, description="updates at which the rate falls, from 0")
    gamma: PositiveFloat = Field(default=0.1, description="what the rate is multiplied by there")

    def _edges(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        edges = tuple(one - 1 for one in sorted(self.milestones))
        return edges, tuple(self.initial_learning_rate * self.gamma**count for count in range(len(edges) + 1))

    def formula(self) -> str:
        edges, rates = self._edges()
        return f"piece(t, {tuple(map(float, edges))!r}, {rates!r})"

    def made(self, framework: str) -> str:
        if not self._from_the_first():
            return super().made(framework)
        edges, rates = self._edges()
        return call("keras.optimizers.schedules.PiecewiseConstantDecay", list(edges), list(rates))

    def helpers(self, framework: str) -> tuple[Helper, ...]:
        return () if self._from_the_first() else super().helpers(framework)

    def doc(self) -> str:
        return f"{self.initial_learning_rate!r} times {self.gamma!r} at steps {list(self.milestones)}"

    @classmethod
    def cases(cls) -> list[Case]:
        fields = {"initial_learning_rate": 2.0, "milestones": (2, 3), "gamma": 0.5}
        return [
            Case(shows="the milestone itself has the new rate", fields=fields, x=[0, 1, 2, 3, 4],
                 expected=[2.0, 2.0, 1.0, 0.5, 0.5]),
            Case(shows="two updates are one step", fields=fields | {"per": 2}, x=[0, 1, 2, 3, 4, 5, 6],
                 expected=[2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 0.5]),
            Case(shows="counted ahead of the update, the first rate has a step less",
                 fields=fields | {"counted": "before_update"}, x=[0, 1, 2], expected=[2.0, 1.0, 0.5]),
            Case(shows="behind a warm-up", fields=fields | {"warmup_steps": 2}, x=[0, 1, 2, 3, 4, 5],
                 expected=[0.0, 1.0, 2.0, 2.0, 1.0, 0.5]),
        ]  # fmt: skip
