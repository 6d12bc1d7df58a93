"""rounded_inputs: whole numbers that float32 cannot tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation
from parity.lazy import np

EXACT = 2.0**24
"""Whole numbers up to this are exact in float32."""


class RoundedInputs(Rule):
    """float32 has 24 bits: above 2^24 it holds every second whole number, above 2^25 every fourth.

    Times in seconds and numbers of customers lie there. Free runs are float32, and so are the programs elsewhere: what
    tells two rows apart is gone before the first layer.
    """

    kind: ClassVar[str] = "rounded_inputs"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where different inputs become the same in float32."""
        if at.data is None:
            return
        x = at.data.x.reshape(len(at.data.x), -1)
        large = (np.abs(x) > EXACT).any(axis=0)
        for column in np.flatnonzero(large):
            values = np.unique(x[:, column])
            if not (values == np.rint(values)).all():
                continue
            with np.errstate(over="ignore"):
                left = len(np.unique(values.astype(np.float32)))
            if left < len(values):
                yield Advice(
                    rule=self.kind,
                    path="data",
                    what=f"value {column} of a row holds whole numbers up to {np.abs(values).max():.0f}, and float32 "
                    "is exact up to 16777216",
                    why=f"of its {len(values)} different values {left} are left when the programs read them",
                    fix="set data.standardize: true, which is done in float64; or take an offset away",
                    changes={"data.standardize": True},
                )
                return
