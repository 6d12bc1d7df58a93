"""add: the sum of what it reads."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.native import Native
from parity.ops.merging import Merging, merge_case


class Add(Merging):
    """y = a + b + ..."""

    kind: ClassVar[str] = "add"
    joins: ClassVar[bool] = True
    doc: ClassVar[str] = "The sum."
    natives: ClassVar = {"keras": Native("keras.layers.Add")}

    def combined(self, names: tuple[str, ...]) -> str:
        return " + ".join(names)

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            merge_case("a sum of three", [[[1.0, -2.0]], [[3.0, 4.0]], [[5.0, -6.0]]],
                       [[9.0, -4.0]]),
            merge_case("an axis of length 1 is stretched", [[[[1.0, 2.0], [3.0, 4.0]]], [[[10.0, 20.0]]]],
                       [[[11.0, 22.0], [13.0, 24.0]]]),
        ]  # fmt: skip
