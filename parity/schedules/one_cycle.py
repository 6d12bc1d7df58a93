"""one_cycle: PyTorch's OneCycleLR: up along half a cosine, and far down along another."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from parity.code import Case
from parity.entries import read_in
from parity.schedules import Schedule


class OneCycle(Schedule):
    """From max_rate / div_factor up to max_rate and down to a final_div_factor-th of the first, along half cosines.

    The top is at step pct_start total_steps - 1, which need not be a whole number; the end at total_steps - 1, where
    PyTorch then refuses to go on, and this stays. ``OneCycleLR`` also moves the momentum the other way, 0.95 to 0.85
    and back, unless told ``cycle_momentum=False``: it is left alone here. Keras has no such schedule. Smith and Topin,
    "Super-convergence" (2018).
    """

    kind: ClassVar[str] = "one_cycle"
    source: ClassVar = read_in(torch="optim/lr_scheduler")

    max_rate: PositiveFloat = Field(description="rate at the top")
    total_steps: PositiveInt = Field(gt=2, description="steps to the end")
    pct_start: PositiveFloat = Field(default=0.3, lt=1.0, description="share of the steps on the way up")
    div_factor: PositiveFloat = Field(default=25.0, description="the top over the first rate")
    final_div_factor: PositiveFloat = Field(default=10000.0, description="the first rate over the last")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not 0 < self._top < self.total_steps - 1:
            raise ValueError("pct_start of total_steps is more than 1 step, and less than all")
        return self

    @property
    def _top(self) -> float:
        return self.pct_start * self.total_steps - 1

    def formula(self) -> str:
        first, top, down = self.max_rate / self.div_factor, self._top, self.total_steps - 1 - self._top
        last = first / self.final_div_factor
        up = f"(1.0 - cos(pi * minimum(t / {top!r}, 1.0)))"
        fall = f"(1.0 - cos(pi * maximum(minimum((t - {top!r}) / {down!r}, 1.0), 0.0)))"
        return f"{first!r} + {(self.max_rate - first) / 2!r} * {up} - {(self.max_rate - last) / 2!r} * {fall}"

    def doc(self) -> str:
        return (
            f"{self.max_rate / self.div_factor!r} up to {self.max_rate!r} at step {self._top!r} and down over "
            f"{self.total_steps} steps"
        )

    @classmethod
    def cases(cls) -> list[Case]:
        fields = {"max_rate": 2.0, "total_steps": 6, "pct_start": 0.5, "div_factor": 2.0, "final_div_factor": 4.0}
        return [
            Case(shows="1, halfway up, the top at step 2, a quarter and three quarters of the way down, the end",
                 fields=fields, x=[0, 1, 2, 3, 4, 5, 7],
                 expected=[1.0, 1.5, 2.0, 2 - 1.75 / 4, 2 - 1.75 * 3 / 4, 0.25, 0.25]),
            Case(shows="behind a warm-up", fields=fields | {"warmup_steps": 2}, x=[0, 1, 2, 3],
                 expected=[0.0, 0.5, 1.0, 1.5]),
        ]  # fmt: skip
