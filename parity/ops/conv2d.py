"""conv2d: y[n, u, v, o] = activation(sum_kli x[n, u s + k d - pad, v s + l d - pad, i] W[k, l, i, o] + b[o])."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.ops.around import Padding2
from parity.ops.convolution import Convolution, conv
from parity.ops.windows import Pair


class Conv2D(Convolution):
    """y[n, u, v, o] = activation(sum_k sum_l sum_i x[n, u s + k d - pad, v s + l d - pad, i] W[k, l, i, o] + b[o]).

    Input (N, rows, columns, in), kernel W (rows, columns, in, filters) of the window, output (N, rows', columns',
    filters). ``same`` pads with zeros so that rows' = ceil(rows / s), the odd cell after the end: for a window of 3, a
    stride of 2 and an even length that is nothing before and one cell after, where ``nn.Conv2d(padding=1)`` has one
    before. Keras and TensorFlow convolve channels last; PyTorch's ``nn.Conv2d`` channels first, with its weight as
    (filters, in, rows, columns), and refuses ``padding="same"`` with a stride: there the template pads by hand.

    With data_format ``channels_first`` input and output are (N, channels, rows, columns), the kernel stays as it is, as
    in Keras. TensorFlow has no such convolution on a CPU: there the program moves the channels last, once, and back
    where a layer needs them in the spec's order.
    """

    kind: ClassVar[str] = "conv2d"
    axes: ClassVar = ("rows", "columns")
    natives: ClassVar = conv(2)

    kernel_size: Pair = Field(description="rows and columns of the window; one number for both")
    strides: Pair = Field(default=(1, 1), description="steps of the window")
    dilation_rate: Pair = Field(default=(1, 1), description="distance of two cells of the window")
    padding: Padding2 = Field(
        default="valid",
        description="zeros around the input: valid for none, same, or as many as zero_padding2d is told",
    )

    @classmethod
    def cases(cls) -> list[Case]:
        square = [[[[1.0], [2.0]], [[3.0], [4.0]]]]
        digits = {"kernel": [[[[1.0]], [[10.0]]], [[[100.0]], [[1000.0]]]], "bias": [0.0]}
        ramp = [[[[float(4 * row + column)] for column in range(4)] for row in range(4)]]
        ones = {"kernel": [[[[1.0]]] * 3] * 3, "bias": [0.5]}
        return [
            Case(shows="the window is not flipped, rows come before columns: transposed it would give 4231",
                 fields={"filters": 1, "kernel_size": 2}, x=square, parameters=digits, expected=[[[[4321.0]]]]),
            Case(shows="same padding of an even window adds its row and column after the end",
                 fields={"filters": 1, "kernel_size": 2, "padding": "same"}, x=square, parameters=digits,
                 expected=[[[[4321.0], [402.0]], [[43.0], [4.0]]]]),
            Case(shows="same padding with stride 2 and even length starts at the edge; padding=1 gives 10.5 first",
                 fields={"filters": 1, "kernel_size": 3, "padding": "same", "strides": 2}, x=ramp, parameters=ones,
                 expected=[[[[45.5], [39.5]], [[66.5], [50.5]]]]),
            Case(shows="strides are of rows, then of columns",
                 fields={"filters": 1, "kernel_size": 1, "strides": [2, 3], "use_bias": False}, x=ramp,
                 parameters={"kernel": [[[[1.0]]]]}, expected=[[[[0.0], [3.0]], [[8.0], [11.0]]]]),
            Case(shows="dilation skips a column", fields={"filters": 1, "kernel_size": [1, 2], "dilation_rate": [1, 2]},
                 x=[[[[1.0], [2.0], [3.0], [4.0]]]], parameters={"kernel": [[[[1.0]], [[10.0]]]], "bias": [0.0]},
                 expected=[[[[31.0], [42.0]]]]),
            Case(shows="channels are summed, filters are apart, relu cuts",
                 fields={"filters": 2, "kernel_size": 1, "activation": "relu", "use_bias": False},
                 x=[[[[1.0, 2.0], [3.0, 4.0]]]], parameters={"kernel": [[[[1.0, -1.0], [10.0, 0.0]]]]},
                 expected=[[[[21.0, 0.0], [43.0, 0.0]]]]),
            Case(shows="one zero all around and a stride of 2, as PyTorch's padding=1: same gives 45.5 first",
                 fields={"filters": 1, "kernel_size": 3, "padding": 1, "strides": 2}, x=ramp, parameters=ones,
                 expected=[[[[10.5], [24.5]], [[51.5], [90.5]]]]),
            Case(shows="zeros above and to the left only", fields={"filters": 1, "kernel_size": 2, "strides": 2,
                 "padding": [[1, 0], [1, 0]]}, x=square, parameters=digits, expected=[[[[1000.0]]]]),
            Case(shows="in groups, each filter sees half of the channels",
                 fields={"filters": 2, "kernel_size": 1, "groups": 2, "use_bias": False}, x=[[[[1.0, 2.0, 3.0, 4.0]]]],
                 parameters={"kernel": [[[[1.0, 1.0], [10.0, 10.0]]]]}, expected=[[[[21.0, 43.0]]]]),
            Case(shows="channels first: two planes of one row; the kernel is that of channels last",
                 fields={"filters": 3, "kernel_size": 1, "use_bias": False, "data_format": "channels_first"},
                 x=[[[[1.0, 3.0]], [[2.0, 4.0]]]], parameters={"kernel": [[[[1.0, -1.0, 0.0], [10.0, 0.0, 1.0]]]]},
                 expected=[[[[21.0, 43.0]], [[-1.0, -3.0]], [[2.0, 4.0]]]]),
        ]  # fmt: skip
