"""max_pooling3d: the largest of a window of planes, rows and columns."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.ops.around import Padding3
from parity.ops.pooling import MaxPooling, pool
from parity.ops.pooling3d import InTwo
from parity.ops.windows import Triple


class MaxPooling3D(InTwo, MaxPooling):
    """y[n, t, u, v, c] = max x[n, t s + j - pad, u s + k - pad, v s + l - pad, c] over a window of ``pool_size``.

    Input (N, planes, rows, columns, channels), as of a video or a volume; the rest as in max_pooling2d.
    TensorFlow has no kernel of it for float64, so that Keras's layer fails there: both are written out as two poolings.
    """

    kind: ClassVar[str] = "max_pooling3d"
    axes: ClassVar = ("planes", "rows", "columns")
    natives: ClassVar = pool(3, "Max")

    pool_size: Triple = Field(default=(2, 2, 2), description="planes, rows and columns of the window; one for all")
    strides: Triple | None = Field(default=None, description="steps of the window; pool_size if not said")
    padding: Padding3 = Field(
        default="valid", description="cells around it, never the largest: valid for none, same, or how many"
    )

    @classmethod
    def cases(cls) -> list[Case]:
        cube = [[[[[-9.0], [-2.0]], [[-3.0], [-4.0]]], [[[-5.0], [-6.0]], [[-1.0], [-8.0]]]]]
        return [
            Case(shows="one of planes, rows and columns", fields={}, x=cube, expected=[[[[[-1.0]]]]]),
            Case(shows="the window is of planes, then rows, then columns", fields={"pool_size": [2, 1, 1]}, x=cube,
                 expected=[[[[[-5.0], [-2.0]], [[-1.0], [-4.0]]]]]),
            Case(shows="same reaches over the ends, and pads with what is never the largest",
                 fields={"padding": "same", "strides": 1}, x=cube,
                 expected=[[[[[-1.0], [-2.0]], [[-1.0], [-4.0]]], [[[-1.0], [-6.0]], [[-1.0], [-8.0]]]]]),
            Case(shows="channels first", fields={"pool_size": [1, 1, 2], "data_format": "channels_first"},
                 x=[[[[[-9.0, -2.0]]], [[[-4.0, -5.0]]]]], expected=[[[[[-2.0]]], [[[-4.0]]]]]),
            Case(shows="a plane ahead only", fields={"padding": [[1, 0], [0, 0], [0, 0]]}, x=cube,
                 expected=[[[[[-2.0]]]]]),
        ]  # fmt: skip
