"""average_pooling2d: y[n, u, v, c] = mean_kl x[n, u s + k - pad, v s + l - pad, c], over the cells that there are."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.ops.around import Padding2
from parity.ops.pooling import AveragePooling, pool
from parity.ops.windows import Pair


class AveragePooling2D(AveragePooling):
    """y[n, u, v, c] = mean_k mean_l x[n, u s + k - pad, v s + l - pad, c] over a window of ``pool_size``.

    ``same`` puts cells around the input so that rows' = ceil(rows / s), the odd row after the end. Keras and TensorFlow
    leave them out of the count; ``nn.AvgPool2d`` divides by the whole window unless told ``count_include_pad=False``:
    with the same shape, its edges are smaller, its corners most.
    """

    kind: ClassVar[str] = "average_pooling2d"
    axes: ClassVar = ("rows", "columns")
    natives: ClassVar = pool(2, "Average")

    pool_size: Pair = Field(default=(2, 2), description="rows and columns of the window; one number for both")
    strides: Pair | None = Field(default=None, description="steps of the window; pool_size if not said")
    padding: Padding2 = Field(
        default="valid", description="cells around it: valid for none, same, or as many as zero_padding2d is told"
    )

    @classmethod
    def cases(cls) -> list[Case]:
        square = [[[[1.0], [3.0]], [[5.0], [7.0]]]]
        return [
            Case(shows="one mean of rows and columns", fields={"pool_size": 2}, x=square, expected=[[[[4.0]]]]),
            Case(shows="strides are of rows, then of columns", fields={"pool_size": 1, "strides": [2, 1]}, x=square,
                 expected=[[[[1.0], [3.0]]]]),
            Case(shows="a corner is the mean of what is there", fields={"padding": "same", "strides": 1}, x=square,
                 expected=[[[[4.0], [5.0]], [[6.0], [7.0]]]]),
            Case(shows="counted, what is around the corner leaves a quarter of 7", x=square,
                 fields={"padding": "same", "strides": 1, "count_include_pad": True},
                 expected=[[[[4.0], [2.5]], [[3.0], [1.75]]]]),
            Case(shows="an odd window has as much before as after, counted", x=square,
                 fields={"pool_size": 3, "strides": 1, "padding": "same", "count_include_pad": True},
                 expected=[[[[16 / 9]] * 2] * 2]),
            Case(shows="not counted, it sees all four everywhere", x=square,
                 fields={"pool_size": 3, "strides": 1, "padding": "same"}, expected=[[[[4.0]] * 2] * 2]),
            Case(shows="a row above only, not counted", x=square, fields={"padding": [[1, 0], [0, 0]], "strides": 1},
                 expected=[[[[2.0]], [[4.0]]]]),
            Case(shows="a row above only, counted", x=square, expected=[[[[1.0]], [[4.0]]]],
                 fields={"padding": [[1, 0], [0, 0]], "strides": 1, "count_include_pad": True}),
            Case(shows="no cell around it in numbers", x=square, fields={"padding": 0}, expected=[[[[4.0]]]]),
            Case(shows="channels first: columns of two planes", fields={"pool_size": [1, 2],
                 "data_format": "channels_first"}, x=[[[[1.0, 3.0]], [[5.0, 9.0]]]], expected=[[[[2.0]], [[7.0]]]]),
        ]  # fmt: skip
