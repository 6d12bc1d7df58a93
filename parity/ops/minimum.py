"""minimum: the smaller at each place."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.native import Native
from parity.ops.maximum import Maximum
from parity.ops.merging import merge_case


class Minimum(Maximum):
    """y = min(a, b, ...), one after another; where two are the same, the first takes the gradient, see ``maximum``."""

    kind: ClassVar[str] = "minimum"
    joins: ClassVar[bool] = True
    doc: ClassVar[str] = "The smaller at each place."
    natives: ClassVar = {"keras": Native("keras.layers.Minimum")}
    at_least: ClassVar[str] = "<="

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            merge_case("the smallest of three", [[[1.0, -2.0]], [[3.0, 4.0]], [[5.0, -6.0]]], [[1.0, -6.0]]),
            merge_case("two that are the same", [[[1.0, -2.0]], [[1.0, -2.0]]], [[1.0, -2.0]]),
        ]
