"""average_pooling3d: the mean of a window of planes, rows and columns, over the cells that there are."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from parity.code import Case
from parity.ops.around import Padding3
from parity.ops.pooling import AveragePooling, pool
from parity.ops.pooling3d import InTwo
from parity.ops.windows import Triple


class AveragePooling3D(InTwo, AveragePooling):
    """y[n, t, u, v, c] = mean x[n, t s + j - pad, u s + k - pad, v s + l - pad, c] over a window of ``pool_size``.

    Input (N, planes, rows, columns, channels), as of a video or a volume; what is around it is counted or not as in
    average_pooling2d. TensorFlow has no kernel of it for float64 on a CPU, so that Keras's layer fails there: both
    are written out as two poolings.
    """

    kind: ClassVar[str] = "average_pooling3d"
    axes: ClassVar = ("planes", "rows", "columns")
    natives: ClassVar = pool(3, "Average")

    pool_size: Triple = Field(default=(2, 2, 2), description="planes, rows and columns of the window; one for all")
    strides: Triple | None = Field(default=None, description="steps of the window; pool_size if not said")
    padding: Padding3 = Field(default="valid", description="cells around it: valid for none, same, or how many")

    @model_validator(mode="after")
    def _counted_in_numbers(self) -> Self:
        if not isinstance(self.padding, str) and any(map(any, self.padding)) and not self.count_include_pad:
            raise ValueError(
                "padding in numbers that is not counted is not there yet along three axes: say count_include_pad: true"
            )
        return self

    @classmethod
    def cases(cls) -> list[Case]:
        cube = [[[[[1.0], [3.0]], [[5.0], [7.0]]], [[[2.0], [4.0]], [[6.0], [8.0]]]]]
        ends = {"padding": "same", "strides": 1, "pool_size": [2, 1, 1]}
        return [
            Case(shows="one mean of planes, rows and columns", fields={}, x=cube, expected=[[[[[4.5]]]]]),
            Case(shows="the window is of planes, then rows, then columns", fields={"pool_size": [1, 2, 1]}, x=cube,
                 expected=[[[[[3.0], [5.0]]], [[[4.0], [6.0]]]]]),
            Case(shows="the last plane is the mean of what is there", fields=ends, x=cube,
                 expected=[[[[[1.5], [3.5]], [[5.5], [7.5]]], [[[2.0], [4.0]], [[6.0], [8.0]]]]]),
            Case(shows="counted, what is behind it leaves half", fields=ends | {"count_include_pad": True}, x=cube,
                 expected=[[[[[1.5], [3.5]], [[5.5], [7.5]]], [[[1.0], [2.0]], [[3.0], [4.0]]]]]),
            Case(shows="a window longer than the rows", fields={"pool_size": [1, 3, 1], "padding": "same"}, x=cube,
                 expected=[[[[[3.0], [5.0]]], [[[4.0], [6.0]]]]]),
            Case(shows="and longer than one row, on both sides", fields={"pool_size": [1, 3, 1], "padding": "same"},
                 x=[[[[[1.0], [3.0]]]]], expected=[[[[[1.0], [3.0]]]]]),
            Case(shows="a plane ahead, counted", x=cube, expected=[[[[[2.0]]]]],
                 fields={"padding": [[1, 0], [0, 0], [0, 0]], "count_include_pad": True}),
            Case(shows="channels first", fields={"pool_size": [1, 1, 2], "data_format": "channels_first"},
                 x=[[[[[1.0, 3.0]]], [[[5.0, 9.0]]]]], expected=[[[[[2.0]]], [[[7.0]]]]]),
        ]  # fmt: skip
