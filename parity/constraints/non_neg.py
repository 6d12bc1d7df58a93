"""non_neg: no weight below 0."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.constraints import Constraint
from parity.entries import read_in
from parity.native import Native


class NonNeg(Constraint):
    """w = max(w, 0) after every update. Moments that an optimizer keeps go on as if it had not been."""

    kind: ClassVar[str] = "non_neg"
    source: ClassVar = read_in(keras="constraints/constraints")

    natives: ClassVar = {"keras": Native("keras.constraints.NonNeg")}

    def formula(self) -> str:
        return "maximum(w, 0.0)"

    def says(self) -> str:
        return "Set what is below 0 to 0"

    @classmethod
    def cases(cls) -> list[Case]:
        return [Case(shows="cuts at zero", fields={}, x=[[-2.0, 0.0, 3.0]], expected=[[0.0, 0.0, 3.0]])]
