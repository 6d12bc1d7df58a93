"""separable_conv2d: every channel convolved by itself, then a product over all channels."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.ops.around import Padding2
from parity.ops.depthwise import SeparableConvolution, separable
from parity.ops.windows import Pair


class SeparableConv2D(SeparableConvolution):
    """y = activation(z P + b), z the depthwise convolution of x, P of (in depth_multiplier, filters).

    The same as two layers, depthwise and of kernel size 1, with nothing between them: ``nn`` has the two, Keras and
    ``tf.nn.separable_conv2d`` one. Of Keras's one neither bias nor activation stands between.
    """

    kind: ClassVar[str] = "separable_conv2d"
    axes: ClassVar = ("rows", "columns")
    natives: ClassVar = separable(2)

    kernel_size: Pair = Field(description="rows and columns of the window; one number for both")
    strides: Pair = Field(default=(1, 1), description="steps of the window, the same along both axes")
    dilation_rate: Pair = Field(default=(1, 1), description="distance of two cells of the window")
    padding: Padding2 = Field(
        default="valid",
        description="zeros around the input: valid for none, same, or as many as zero_padding2d is told",
    )

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]]]]
        both = {
            "depthwise_kernel": [[[[1.0], [0.0]], [[10.0], [1.0]]]],
            "pointwise_kernel": [[[[1.0], [100.0]]]],
            "bias": [0.5],
        }
        plain = {"filters": 1, "kernel_size": [1, 2]}
        return [
            Case(shows="21 and 6 of the channels, summed with 1 and 100", fields=plain, x=x, parameters=both,
                 expected=[[[[621.5], [732.5]]]]),
            Case(shows="two outputs of each channel",
                 fields={"filters": 1, "kernel_size": 1, "depth_multiplier": 2, "use_bias": False},
                 x=[[[[1.0, 5.0]]]],
                 parameters={"depthwise_kernel": [[[[1.0, 2.0], [3.0, 4.0]]]],
                             "pointwise_kernel": [[[[1.0], [10.0], [1000.0], [10000.0]]]]},
                 expected=[[[[1.0 + 20.0 + 3000.0 * 5 + 40000.0 * 5]]]]),
            Case(shows="same padding with a stride", fields=plain | {"padding": "same", "strides": 2}, x=x,
                 parameters=both, expected=[[[[621.5], [3.5]]]]),
            Case(shows="zeros ahead of the columns only", fields=plain | {"padding": [[0, 0], [1, 0]]}, x=x,
                 parameters=both, expected=[[[[510.5], [621.5], [732.5]]]]),
            Case(shows="channels first", fields=plain | {"data_format": "channels_first"},
                 x=[[[[1.0, 2.0, 3.0]], [[5.0, 6.0, 7.0]]]],
                 parameters=both, expected=[[[[621.5, 732.5]]]]),
        ]  # fmt: skip
