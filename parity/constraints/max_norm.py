"""max_norm: no norm along the axes above a limit."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat

from parity.code import Case
from parity.constraints.norms import ALONG, AXIS, Axes, NormConstraint
from parity.entries import read_in
from parity.native import Native


class MaxNorm(NormConstraint):
    """w = w min(n, max_value) / (1e-7 + n) after every update, n = sqrt(sum w^2) along ``axis``.

    The guard shrinks what is below the limit, too, by 1e-7 / n in every step, as in Keras; ``torch.renorm`` and
    ``tf.clip_by_norm`` leave that alone.
    """

    kind: ClassVar[str] = "max_norm"
    short: ClassVar[str | None] = "max_value"
    source: ClassVar = read_in(keras="constraints/constraints")

    natives: ClassVar = {
        "keras": Native("keras.constraints.MaxNorm", {"max_value": "max_value", "axis": AXIS}, leading=("max_value",),
                        own={"axis": 0}),
    }  # fmt: skip

    max_value: NonNegativeFloat = Field(default=2.0, description="what no norm is above")
    axis: Axes = Field(default=(0,), description=ALONG)

    def formula(self) -> str:
        return """
            norms = sqrt(sum(square(w), axis=axis, keepdims=True))
            w * (minimum(norms, max_value) / (1e-07 + norms))
        """

    def says(self) -> str:
        return "Scale w down to norms of at most max_value along the axis; 1e-7 is Keras's guard"

    @classmethod
    def cases(cls) -> list[Case]:
        w = [[3.0, 0.3], [4.0, 0.4]]
        return [
            Case(shows="the column of norm 5 is scaled to 2; that of 0.5 shrinks by the guard alone", fields={}, x=w,
                 expected=[[3 * 2 / (5 + 1e-7), 0.3 * 0.5 / (0.5 + 1e-7)],
                           [4 * 2 / (5 + 1e-7), 0.4 * 0.5 / (0.5 + 1e-7)]]),
            Case(shows="along both axes there is one norm, of 5.02", fields={"max_value": 1.0, "axis": [0, 1]}, x=w,
                 expected=[[3 / (25.25**0.5 + 1e-7), 0.3 / (25.25**0.5 + 1e-7)],
                           [4 / (25.25**0.5 + 1e-7), 0.4 / (25.25**0.5 + 1e-7)]]),
        ]  # fmt: skip
