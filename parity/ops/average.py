"""average: the mean of what it reads."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.native import Native
from parity.ops.merging import Merging, merge_case


class Average(Merging):
    """y = (a + b + ...) / n."""

    kind: ClassVar[str] = "average"
    doc: ClassVar[str] = "The mean."
    natives: ClassVar = {"keras": Native("keras.layers.Average")}

    def combined(self, names: tuple[str, ...]) -> str:
        return f"({' + '.join(names)}) / {float(len(names))}"

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            merge_case("over how many there are: three", [[[1.0, -2.0]], [[3.0, 4.0]], [[5.0, -6.0]]],
                       [[3.0, -4 / 3]]),
        ]  # fmt: skip
