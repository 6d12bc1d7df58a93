"""unit_norm: every norm along the axes is 1."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.constraints.norms import ALONG, AXIS, Axes, NormConstraint
from parity.entries import read_in
from parity.native import Native


class UnitNorm(NormConstraint):
    """w = w / (1e-7 + n) after every update, n = sqrt(sum w^2) along ``axis``.

    So that the norm that results is 1 - 1e-7 / n, and 0 stays 0. ``torch.nn.functional.normalize`` and
    ``tf.math.l2_normalize`` guard with a maximum, and leave what is long enough at exactly 1.
    """

    kind: ClassVar[str] = "unit_norm"
    short: ClassVar[str | None] = "axis"
    source: ClassVar = read_in(keras="constraints/constraints")

    natives: ClassVar = {"keras": Native("keras.constraints.UnitNorm", {"axis": AXIS}, own={"axis": 0})}

    axis: Axes = Field(default=(0,), description=ALONG)

    def formula(self) -> str:
        return """
            norms = sqrt(sum(square(w), axis=axis, keepdims=True))
            w / (1e-07 + norms)
        """

    def says(self) -> str:
        return "Scale w to norms of 1 along the axis; 1e-7 is Keras's guard"

    @classmethod
    def cases(cls) -> list[Case]:
        w = [[3.0, 0.0], [4.0, 0.0]]
        return [
            Case(shows="a column of norm 5 is scaled to 1 less 2e-8; a column of zeros stays", fields={}, x=w,
                 expected=[[3 / (5 + 1e-7), 0.0], [4 / (5 + 1e-7), 0.0]]),
            Case(shows="rows of 3 and 4", fields={"axis": 1}, x=w,
                 expected=[[3 / (3 + 1e-7), 0.0], [4 / (4 + 1e-7), 0.0]]),
        ]  # fmt: skip
