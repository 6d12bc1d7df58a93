"""adaptive_average_pooling1d: as many means along the length as are asked for."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, PositiveInt

from parity.code import Case
from parity.ops.adaptive import AdaptiveAveragePooling, adaptive


class AdaptiveAveragePooling1D(AdaptiveAveragePooling):
    """y[n, i, c] = mean of x[n, t, c], t from floor(i length / size) to ceil((i + 1) length / size), of size windows.

    Where size does not divide the length, windows overlap and differ in length; with more places than there are, each
    stands several times. The same in Keras and PyTorch; TensorFlow has none. On it, Keras's own fails where one place
    is wanted, or more than there are: the program computes these by shares.
    """

    kind: ClassVar[str] = "adaptive_average_pooling1d"
    places: ClassVar = ("length",)
    natives: ClassVar = adaptive(1)

    output_size: PositiveInt = Field(description="places wanted")

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[1.0], [2.0], [4.0], [8.0], [16.0]]]
        return [
            Case(shows="two of five: the third is in both", fields={"output_size": 2}, x=x,
                 expected=[[[7 / 3], [28 / 3]]]),
            Case(shows="three of five: two, three and two", fields={"output_size": 3}, x=x,
                 expected=[[[1.5], [14 / 3], [12.0]]]),
            Case(shows="more than there are", fields={"output_size": 4}, x=[[[1.0], [3.0]]],
                 expected=[[[1.0], [1.0], [3.0], [3.0]]]),
            Case(shows="channels first", fields={"output_size": 1, "data_format": "channels_first"},
                 x=[[[1.0, 3.0], [5.0, 9.0]]], expected=[[[2.0], [7.0]]]),
        ]  # fmt: skip
