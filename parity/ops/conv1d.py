"""conv1d: y[n, t, o] = activation(sum_k sum_i x[n, t s + k d - pad, i] W[k, i, o] + b[o])."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, PositiveInt

from parity.code import Case
from parity.ops.around import Padding1
from parity.ops.convolution import Convolution, conv


class Conv1D(Convolution):
    """y[n, t, o] = activation(sum_k sum_i x[n, t s + k d - pad, i] W[k, i, o] + b[o]).

    Input (N, length, in), kernel W (kernel_size, in, filters), output (N, length', filters). ``same`` pads with
    zeros so that length' = ceil(length / s), the odd cell after the end. Keras and TensorFlow convolve channels
    last; PyTorch's ``nn.Conv1d`` channels first, with its weight as (filters, in, kernel_size), and refuses
    ``padding="same"`` with a stride: there the template pads by hand, since ``padding=k // 2`` has the same
    output shape with every value shifted.
    """

    kind: ClassVar[str] = "conv1d"
    axes: ClassVar = ("length",)
    natives: ClassVar = conv(1)

    kernel_size: PositiveInt = Field(description="length of the window")
    strides: PositiveInt = Field(default=1, description="step of the window")
    dilation_rate: PositiveInt = Field(default=1, description="distance of two taps of the window")
    padding: Padding1 = Field(
        default="valid",
        description="zeros around the input: valid for none, same, or as many as zero_padding1d is told",
    )

    @classmethod
    def cases(cls) -> list[Case]:
        ramp = [[[1.0], [2.0], [3.0], [4.0]]]
        two = {"kernel": [[[1.0]], [[10.0]]], "bias": [0.0]}
        three = {"kernel": [[[1.0]], [[10.0]], [[100.0]]], "bias": [0.5]}
        return [
            Case(shows="the window is not flipped: a convolution would give 12, 23, 34",
                 fields={"filters": 1, "kernel_size": 2}, x=ramp, parameters=two,
                 expected=[[[21.0], [32.0], [43.0]]]),
            Case(shows="same padding of an even window adds its cell after the end",
                 fields={"filters": 1, "kernel_size": 2, "padding": "same"}, x=ramp, parameters=two,
                 expected=[[[21.0], [32.0], [43.0], [4.0]]]),
            Case(shows="same padding with stride 2 and even length pads after the end only; k//2 gives 210.5, 432.5",
                 fields={"filters": 1, "kernel_size": 3, "padding": "same", "strides": 2}, x=ramp,
                 parameters=three, expected=[[[321.5], [43.5]]]),
            Case(shows="dilation skips a cell", fields={"filters": 1, "kernel_size": 2, "dilation_rate": 2},
                 x=ramp, parameters=two, expected=[[[31.0], [42.0]]]),
            Case(shows="channels are summed, filters are apart, relu cuts",
                 fields={"filters": 2, "kernel_size": 1, "activation": "relu", "use_bias": False},
                 x=[[[1.0, 2.0], [3.0, 4.0]]], parameters={"kernel": [[[1.0, -1.0], [10.0, 0.0]]]},
                 expected=[[[21.0, 0.0], [43.0, 0.0]]]),
            Case(shows="one zero on both sides and a stride of 2, as PyTorch's padding=1: same gives 321.5, 43.5",
                 fields={"filters": 1, "kernel_size": 3, "padding": 1, "strides": 2}, x=ramp, parameters=three,
                 expected=[[[210.5], [432.5]]]),
            Case(shows="as many ahead as it takes to see no later cell", x=ramp, parameters=two,
                 fields={"filters": 1, "kernel_size": 2, "padding": [1, 0]},
                 expected=[[[10.0], [21.0], [32.0], [43.0]]]),
            Case(shows="in groups, each filter sees half of the channels",
                 fields={"filters": 2, "kernel_size": 1, "groups": 2, "use_bias": False}, x=[[[1.0, 2.0, 3.0, 4.0]]],
                 parameters={"kernel": [[[1.0, 1.0], [10.0, 10.0]]]}, expected=[[[21.0, 43.0]]]),
            Case(shows="channels first: same padding goes along the length, the last axis",
                 fields={"filters": 1, "kernel_size": 2, "padding": "same", "data_format": "channels_first"},
                 x=[[[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]]],
                 parameters={"kernel": [[[1.0], [0.0]], [[10.0], [0.0]]], "bias": [0.5]},
                 expected=[[[21.5, 32.5, 3.5]]]),
        ]  # fmt: skip
