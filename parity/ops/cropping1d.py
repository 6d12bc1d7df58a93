"""cropping1d: the length without its ends."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.ops.around import Edges1
from parity.ops.padding import Cropping, crop


class Cropping1D(Cropping):
    """y[n, t, c] = x[n, t + before, c].

    ``cropping`` is one number for both ends, or [before, after], as in Keras, whose layer reads channels last only;
    PyTorch has no such module, but ``nn.ZeroPad1d`` takes cells where it is told fewer than 0.
    """

    kind: ClassVar[str] = "cropping1d"
    places: ClassVar = ("length",)
    natives: ClassVar = crop(1)

    cropping: Edges1 = Field(default=((1, 1),), description="cells taken at both ends, or [before, after]")

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]]]
        return [
            Case(shows="one cell at each end", fields={}, x=x, expected=[[[2.0, 6.0]]]),
            Case(shows="before, then after", fields={"cropping": [0, 1]}, x=x, expected=[[[1.0, 5.0], [2.0, 6.0]]]),
            Case(shows="channels first: of the last axis", fields={"cropping": [1, 0], "data_format": "channels_first"},
                 x=x, expected=[[[5.0], [6.0], [7.0]]]),
        ]  # fmt: skip
