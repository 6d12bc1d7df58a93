"""subtract: the first less the second."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.native import Native
from parity.ops.merging import Merging, merge_case


class Subtract(Merging):
    """y = a - b, of two tensors and no more, as in Keras."""

    kind: ClassVar[str] = "subtract"
    doc: ClassVar[str] = "The first less the second."
    ports: ClassVar[tuple[str, ...]] = ("a", "b")
    natives: ClassVar = {"keras": Native("keras.layers.Subtract")}

    def combined(self, names: tuple[str, ...]) -> str:
        return " - ".join(names)

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            merge_case("the second from the first", [[[1.0, -2.0]], [[3.0, 4.0]]],
                       [[-2.0, -6.0]]),
        ]  # fmt: skip
