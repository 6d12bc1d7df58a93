"""depthwise_conv1d: every channel convolved by itself."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, PositiveInt

from parity.code import Case
from parity.ops.around import Padding1
from parity.ops.depthwise import DepthwiseConvolution, depthwise


class DepthwiseConv1D(DepthwiseConvolution):
    """y[n, t, i m + q] = activation(sum x[n, t s + k d - pad, i] W[k, i, q] + b[i m + q]).

    The sum is over the window only; m = ``depth_multiplier`` outputs of each channel stand side by side. Keras and
    TensorFlow keep W as (kernel_size, in, m). PyTorch has it as a convolution in as many groups as there are
    channels, W being (in m, 1, kernel_size). glorot_uniform takes all channels to feed an output, in Keras.
    """

    kind: ClassVar[str] = "depthwise_conv1d"
    axes: ClassVar = ("length",)
    natives: ClassVar = depthwise(1)

    kernel_size: PositiveInt = Field(description="length of the window")
    strides: PositiveInt = Field(default=1, description="step of the window")
    dilation_rate: PositiveInt = Field(default=1, description="distance of two cells of the window")
    padding: Padding1 = Field(
        default="valid",
        description="zeros around the input: valid for none, same, or as many as zero_padding1d is told",
    )

    @classmethod
    def cases(cls) -> list[Case]:
        x, two = [[[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]]], {"kernel": [[[1.0], [0.0]], [[10.0], [1.0]]]}
        plain = {"kernel_size": 2, "use_bias": False}
        return [
            Case(shows="channels are not summed", fields=plain, x=x, parameters=two,
                 expected=[[[21.0, 6.0], [32.0, 7.0]]]),
            Case(shows="two outputs of each channel, side by side", fields={"kernel_size": 1, "depth_multiplier": 2},
                 x=x, parameters={"kernel": [[[1.0, 2.0], [3.0, 4.0]]], "bias": [0.5, 0.0, 0.0, 0.0]},
                 expected=[[[1.5, 2.0, 15.0, 20.0], [2.5, 4.0, 18.0, 24.0], [3.5, 6.0, 21.0, 28.0]]]),
            Case(shows="same padding with a stride", fields=plain | {"padding": "same", "strides": 2}, x=x,
                 parameters=two, expected=[[[21.0, 6.0], [3.0, 0.0]]]),
            Case(shows="dilation skips a cell", fields=plain | {"dilation_rate": 2}, x=x, parameters=two,
                 expected=[[[31.0, 7.0]]]),
            Case(shows="as many zeros ahead as it takes to see no later cell",
                 fields=plain | {"padding": [1, 0], "strides": 2}, x=x, parameters=two,
                 expected=[[[10.0, 5.0], [32.0, 7.0]]]),
            Case(shows="channels first", fields=plain | {"data_format": "channels_first"},
                 x=[[[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]]], parameters=two, expected=[[[21.0, 32.0], [6.0, 7.0]]]),
        ]  # fmt: skip
