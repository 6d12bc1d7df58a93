"""adaptive_average_pooling2d: as many means of rows and columns as are asked for."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.ops.adaptive import AdaptiveAveragePooling, adaptive
from parity.ops.windows import Pair


class AdaptiveAveragePooling2D(AdaptiveAveragePooling):
    """y[n, i, j, c] = mean of x[n, u, v, c], u from floor(i rows / size) to ceil((i + 1) rows / size), v alike.

    As ahead of the dense layers of torchvision's VGG, (7, 7) of whatever comes. The same in Keras and PyTorch, whose
    windows overlap where the size does not divide; TensorFlow has none. ``average_pooling2d`` with a stride of
    rows // size is it only where it divides.
    """

    kind: ClassVar[str] = "adaptive_average_pooling2d"
    places: ClassVar = ("rows", "columns")
    natives: ClassVar = adaptive(2)

    output_size: Pair = Field(description="rows and columns wanted; one number for both")

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]]]
        return [
            Case(shows="rows, then columns: the middle one is in both", fields={"output_size": [1, 2]}, x=x,
                 expected=[[[[3.0], [4.0]]]]),
            Case(shows="one number for both", fields={"output_size": 2}, x=x,
                 expected=[[[[1.5], [2.5]], [[4.5], [5.5]]]]),
            Case(shows="more rows than there are", fields={"output_size": [3, 1]}, x=x,
                 expected=[[[[2.0]], [[3.5]], [[5.0]]]]),
            Case(shows="channels first", fields={"output_size": 1, "data_format": "channels_first"},
                 x=[[[[1.0, 3.0]], [[5.0, 9.0]]]], expected=[[[[2.0]], [[7.0]]]]),
        ]  # fmt: skip
