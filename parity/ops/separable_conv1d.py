"""separable_conv1d: every channel convolved by itself, then a product over all channels."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, PositiveInt

from parity.code import Case
from parity.ops.around import Padding1
from parity.ops.depthwise import SeparableConvolution, separable


class SeparableConv1D(SeparableConvolution):
    """y = activation(z P + b), z the depthwise convolution of x, P of (in depth_multiplier, filters).

    The same as two layers, depthwise and of kernel size 1, with nothing between them: ``nn`` has the two, Keras and
    ``tf.nn.separable_conv2d`` one. Of Keras's one neither bias nor activation stands between.
    """

    kind: ClassVar[str] = "separable_conv1d"
    axes: ClassVar = ("length",)
    natives: ClassVar = separable(1)

    kernel_size: PositiveInt = Field(description="length of the window")
    strides: PositiveInt = Field(default=1, description="step of the window")
    dilation_rate: PositiveInt = Field(default=1, description="distance of two cells of the window")
    padding: Padding1 = Field(
        default="valid",
        description="zeros around the input: valid for none, same, or as many as zero_padding1d is told",
    )

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]]]
        both = {
            "depthwise_kernel": [[[1.0], [0.0]], [[10.0], [1.0]]],
            "pointwise_kernel": [[[1.0], [100.0]]],
            "bias": [0.5],
        }
        plain = {"filters": 1, "kernel_size": 2}
        return [
            Case(shows="21 and 6 of the channels, summed with 1 and 100", fields=plain, x=x, parameters=both,
                 expected=[[[621.5], [732.5]]]),
            Case(shows="two outputs of each channel",
                 fields={"filters": 1, "kernel_size": 1, "depth_multiplier": 2, "use_bias": False},
                 x=[[[1.0, 5.0]]],
                 parameters={"depthwise_kernel": [[[1.0, 2.0], [3.0, 4.0]]],
                             "pointwise_kernel": [[[1.0], [10.0], [1000.0], [10000.0]]]},
                 expected=[[[1.0 + 20.0 + 3000.0 * 5 + 40000.0 * 5]]]),
            Case(shows="same padding with a stride", fields=plain | {"padding": "same", "strides": 2}, x=x,
                 parameters=both, expected=[[[621.5], [3.5]]]),
            Case(shows="zeros ahead only", fields=plain | {"padding": [1, 0]}, x=x, parameters=both,
                 expected=[[[510.5], [621.5], [732.5]]]),
            Case(shows="channels first", fields=plain | {"data_format": "channels_first"},
                 x=[[[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]]],
                 parameters=both, expected=[[[621.5, 732.5]]]),
        ]  # fmt: skip
