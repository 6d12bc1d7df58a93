"""conv3d: a convolution along planes, rows and columns."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.ops.around import Padding3
from parity.ops.convolution import Convolution, conv
from parity.ops.windows import Triple


class Conv3D(Convolution):
    """y[n, t, u, v, o] = activation(sum x[n, t s + j d - pad, ..., i] W[j, k, l, i, o] + b[o]).

    The sum is over j, k, l, i. Input (N, planes, rows, columns, in), as of a video or a volume; the rest as in conv2d.
    ``tf.nn.conv3d`` takes five strides, those of rows and channels being 1; its ``SAME`` reads other cells where a
    stride steps over the end, so that zeros are put there by hand.
    """

    kind: ClassVar[str] = "conv3d"
    axes: ClassVar = ("planes", "rows", "columns")
    natives: ClassVar = conv(3)

    kernel_size: Triple = Field(description="planes, rows and columns of the window; one number for all")
    strides: Triple = Field(default=(1, 1, 1), description="steps of the window")
    dilation_rate: Triple = Field(default=(1, 1, 1), description="distance of two cells of the window")
    padding: Padding3 = Field(
        default="valid",
        description="zeros around the input: valid for none, same, or as many as zero_padding3d is told",
    )

    @classmethod
    def cases(cls) -> list[Case]:
        two = [[[[[1.0], [2.0]]], [[[3.0], [4.0]]]]]
        tens = {"kernel": [[[[[1.0]], [[10.0]]]], [[[[100.0]], [[1000.0]]]]], "bias": [0.5]}
        return [
            Case(shows="planes come before columns", fields={"filters": 1, "kernel_size": [2, 1, 2]}, x=two,
                 parameters=tens, expected=[[[[[4321.5]]]]]),
            Case(shows="same with a stride: after the end only",
                 fields={"filters": 1, "kernel_size": [2, 1, 2], "padding": "same", "strides": 2}, x=two,
                 parameters=tens, expected=[[[[[4321.5]]]]]),
            Case(shows="an odd length with a stride of 2 has a plane before",
                 fields={"filters": 1, "kernel_size": [2, 1, 1], "padding": "same", "strides": [2, 1, 1],
                         "use_bias": False}, x=[[[[[1.0]]], [[[2.0]]], [[[3.0]]]]],
                 parameters={"kernel": [[[[[1.0]]]], [[[[10.0]]]]]}, expected=[[[[[21.0]]], [[[3.0]]]]]),
            Case(shows="a stride that steps over the end: same begins with the first cell",
                 fields={"filters": 1, "kernel_size": 1, "padding": "same", "strides": [1, 1, 3], "use_bias": False},
                 x=[[[[[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]]]]], parameters={"kernel": [[[[[1.0]]]]]},
                 expected=[[[[[1.0], [4.0]]]]]),
            Case(shows="dilation skips a column", x=[[[[[1.0], [2.0], [3.0]]]]],
                 fields={"filters": 1, "kernel_size": [1, 1, 2], "dilation_rate": [1, 1, 2], "use_bias": False},
                 parameters={"kernel": [[[[[1.0]], [[10.0]]]]]}, expected=[[[[[31.0]]]]]),
            Case(shows="a plane of zeros ahead only", x=[[[[[1.0]]], [[[2.0]]]]],
                 parameters={"kernel": [[[[[1.0]]]], [[[[10.0]]]]]}, expected=[[[[[10.0]]], [[[21.0]]]]],
                 fields={"filters": 1, "kernel_size": [2, 1, 1], "padding": [[1, 0], [0, 0], [0, 0]],
                         "use_bias": False}),
        ]  # fmt: skip
