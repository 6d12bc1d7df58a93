"""depthwise_conv2d: every channel convolved by itself."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.ops.around import Padding2
from parity.ops.depthwise import DepthwiseConvolution, depthwise
from parity.ops.windows import Pair


class DepthwiseConv2D(DepthwiseConvolution):
    """y[n, u, v, i m + q] = activation(sum x[n, u s + k d - pad, v s + l d - pad, i] W[k, l, i, q] + b[i m + q]).

    The sum is over the window only; m = ``depth_multiplier`` outputs of each channel stand side by side. Keras and
    TensorFlow keep W as (rows, columns, in, m). PyTorch has it as a convolution in as many groups as there are
    channels, W being (in m, 1, rows, columns). glorot_uniform takes all channels to feed an output, in Keras.
    """

    kind: ClassVar[str] = "depthwise_conv2d"
    axes: ClassVar = ("rows", "columns")
    natives: ClassVar = depthwise(2)

    kernel_size: Pair = Field(description="rows and columns of the window; one number for both")
    strides: Pair = Field(default=(1, 1), description="steps of the window, the same along both axes")
    dilation_rate: Pair = Field(default=(1, 1), description="distance of two cells of the window")
    padding: Padding2 = Field(
        default="valid",
        description="zeros around the input: valid for none, same, or as many as zero_padding2d is told",
    )

    @classmethod
    def cases(cls) -> list[Case]:
        x, two = [[[[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]]]], {"kernel": [[[[1.0], [0.0]], [[10.0], [1.0]]]]}
        plain = {"kernel_size": [1, 2], "use_bias": False}
        return [
            Case(shows="channels are not summed", fields=plain, x=x, parameters=two,
                 expected=[[[[21.0, 6.0], [32.0, 7.0]]]]),
            Case(shows="two outputs of each channel, side by side", fields={"kernel_size": 1, "depth_multiplier": 2},
                 x=x, parameters={"kernel": [[[[1.0, 2.0], [3.0, 4.0]]]], "bias": [0.5, 0.0, 0.0, 0.0]},
                 expected=[[[[1.5, 2.0, 15.0, 20.0], [2.5, 4.0, 18.0, 24.0], [3.5, 6.0, 21.0, 28.0]]]]),
            Case(shows="same padding with a stride", fields=plain | {"padding": "same", "strides": 2}, x=x,
                 parameters=two, expected=[[[[21.0, 6.0], [3.0, 0.0]]]]),
            Case(shows="dilation skips a cell", fields=plain | {"dilation_rate": [1, 2]}, x=x, parameters=two,
                 expected=[[[[31.0, 7.0]]]]),
            Case(shows="zeros ahead of the columns only", fields=plain | {"padding": [[0, 0], [1, 0]]}, x=x,
                 parameters=two, expected=[[[[10.0, 5.0], [21.0, 6.0], [32.0, 7.0]]]]),
            Case(shows="channels first", fields=plain | {"data_format": "channels_first"},
                 x=[[[[1.0, 2.0, 3.0]], [[5.0, 6.0, 7.0]]]], parameters=two, expected=[[[[21.0, 32.0]], [[6.0, 7.0]]]]),
        ]  # fmt: skip
