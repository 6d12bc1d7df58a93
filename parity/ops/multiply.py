"""multiply: the product of what it reads."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.native import Native
from parity.ops.merging import Merging, merge_case


class Multiply(Merging):
    """y = a b ..., element by element; with axes of length 1, a gate on whole channels."""

    kind: ClassVar[str] = "multiply"
    joins: ClassVar[bool] = True
    doc: ClassVar[str] = "The product."
    natives: ClassVar = {"keras": Native("keras.layers.Multiply")}

    def combined(self, names: tuple[str, ...]) -> str:
        return " * ".join(names)

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            merge_case("a product of three", [[[1.0, -2.0]], [[3.0, 4.0]], [[5.0, -6.0]]],
                       [[15.0, 48.0]]),
            merge_case("one gate for each channel", [[[[1.0, 2.0], [3.0, 4.0]]], [[[10.0, 0.5]]]],
                       [[[10.0, 1.0], [30.0, 2.0]]]),
        ]  # fmt: skip
