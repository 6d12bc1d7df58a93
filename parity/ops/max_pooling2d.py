"""max_pooling2d: y[n, u, v, c] = max_k max_l x[n, u s + k - pad, v s + l - pad, c]."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.ops.around import Padding2
from parity.ops.pooling import MaxPooling, pool
from parity.ops.windows import Pair


class MaxPooling2D(MaxPooling):
    """y[n, u, v, c] = max_k max_l x[n, u s + k - pad, v s + l - pad, c] over a window of ``pool_size``.

    ``same`` pads with -inf so that rows' = ceil(rows / s), the odd row after the end; padding with zeros (``F.pad``
    unless told) makes every negative edge 0, and ``nn.MaxPool2d(padding=...)`` pads both sides alike, which shifts the
    windows. Of equal maxima the first, row by row, has the gradient, in every framework. Strides that are not said are
    ``pool_size``, in Keras and PyTorch.
    """

    kind: ClassVar[str] = "max_pooling2d"
    axes: ClassVar = ("rows", "columns")
    natives: ClassVar = pool(2, "Max")

    pool_size: Pair = Field(default=(2, 2), description="rows and columns of the window; one number for both")
    strides: Pair | None = Field(default=None, description="steps of the window; pool_size if not said")
    padding: Padding2 = Field(
        default="valid",
        description="cells around it, never the largest: valid for none, same, or as many as zero_padding2d is told",
    )

    @classmethod
    def cases(cls) -> list[Case]:
        square = [[[[-9.0], [-2.0], [-3.0]], [[-4.0], [-5.0], [-6.0]], [[-1.0], [-8.0], [-7.0]]]]
        return [
            Case(shows="what does not fill a window is cut off", fields={"pool_size": 2}, x=square,
                 expected=[[[[-2.0]]]]),
            Case(shows="same lets the last windows reach over the end; padding with zeros would give 0 there",
                 fields={"pool_size": 2, "padding": "same"}, x=square, expected=[[[[-2.0], [-3.0]], [[-1.0], [-7.0]]]]),
            Case(shows="a window of one row and three columns goes along each row",
                 fields={"pool_size": [1, 3]}, x=square, expected=[[[[-2.0]], [[-4.0]], [[-1.0]]]]),
            Case(shows="strides are of rows, then of columns", fields={"pool_size": 2, "strides": [2, 1]}, x=square,
                 expected=[[[[-2.0], [-2.0]]]]),
            Case(shows="same pads an odd window on both sides",
                 fields={"pool_size": 3, "strides": 2, "padding": "same"}, x=square,
                 expected=[[[[-2.0], [-2.0]], [[-1.0], [-5.0]]]]),
            Case(shows="channels first: the columns of two planes, not of two channels",
                 fields={"pool_size": [1, 2], "data_format": "channels_first"},
                 x=[[[[-9.0, -2.0, -3.0]], [[-4.0, -5.0, -6.0]]]], expected=[[[[-2.0]], [[-4.0]]]]),
            Case(shows="a row above only", fields={"pool_size": 2, "padding": [[1, 0], [0, 0]]}, x=square,
                 expected=[[[[-2.0]], [[-1.0]]]]),
        ]  # fmt: skip
