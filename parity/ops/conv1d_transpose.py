"""conv1d_transpose: every cell of the input lays a window of the output, windows that overlap are added."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, PositiveInt

from parity.code import Case
from parity.ops.around import Padding1
from parity.ops.transposed import Transposed, transposed


class Conv1DTranspose(Transposed):
    """y[n, t s + k - cut, o] = activation(sum x[n, t, i] W[k, o, i] + b[o]), over all t, k, i that meet there.

    The gradient of conv1d with respect to its input. ``valid`` keeps all, (length - 1) s + kernel_size places, and
    never fewer than length s; ``same`` has length s, of what is over half cut off ahead, the odd cell after the end.
    Kernels are (kernel_size, filters, in) in Keras and TensorFlow: glorot_uniform is the same, he_normal is not, for
    which Keras takes the filters for what feeds. PyTorch's weight is (in, filters, kernel_size), its ``padding`` cuts
    as many at both ends.
    """

    kind: ClassVar[str] = "conv1d_transpose"
    axes: ClassVar = ("length",)
    natives: ClassVar = transposed(1)

    kernel_size: PositiveInt = Field(description="length of the window")
    strides: PositiveInt = Field(default=1, description="distance of two windows in the output")
    padding: Padding1 = Field(
        default="valid",
        description="valid keeps all; same cuts off what is over at the ends, so that it is strides times as long; or "
        "how many cells are cut off, before and after each axis",
    )

    @classmethod
    def cases(cls) -> list[Case]:
        x, three = [[[1.0], [2.0]]], {"kernel": [[[1.0]], [[10.0]], [[100.0]]]}
        plain = {"filters": 1, "kernel_size": 3, "use_bias": False}
        return [
            Case(shows="windows overlap", fields=plain, x=x, parameters=three,
                 expected=[[[1.0], [12.0], [120.0], [200.0]]]),
            Case(shows="with a stride of 2 in one place", fields=plain | {"strides": 2}, x=x, parameters=three,
                 expected=[[[1.0], [10.0], [102.0], [20.0], [200.0]]]),
            Case(shows="same cuts off the end; PyTorch's padding=1, output_padding=1 the begin", x=x, parameters=three,
                 fields=plain | {"strides": 2, "padding": "same"}, expected=[[[1.0], [10.0], [102.0], [20.0]]]),
            Case(shows="same cuts off both ends alike", fields=plain | {"padding": "same"}, x=x, parameters=three,
                 expected=[[[12.0], [120.0]]]),
            Case(shows="a stride beyond the window leaves gaps, at the end, too; there the bias stands alone",
                 fields={"filters": 1, "kernel_size": 1, "strides": 2}, x=x,
                 parameters={"kernel": [[[3.0]]], "bias": [0.5]}, expected=[[[3.5], [0.5], [6.5], [0.5]]]),
            Case(shows="nothing beyond the last window, as PyTorch has it",
                 fields={"filters": 1, "kernel_size": 1, "strides": 2, "padding": [0, 1]}, x=x,
                 parameters={"kernel": [[[3.0]]], "bias": [0.5]}, expected=[[[3.5], [0.5], [6.5]]]),
            Case(shows="a cell less at the begin, and all beyond the last window",
                 fields={"filters": 1, "kernel_size": 1, "strides": 3, "padding": [1, 0]}, x=x,
                 parameters={"kernel": [[[3.0]]], "bias": [0.5]}, expected=[[[0.5], [0.5], [6.5], [0.5], [0.5]]]),
            Case(shows="channels are summed, filters come before them", x=[[[1.0, 2.0]]],
                 fields={"filters": 1, "kernel_size": 2, "use_bias": False},
                 parameters={"kernel": [[[1.0, 10.0]], [[100.0, 1000.0]]]}, expected=[[[21.0], [2100.0]]]),
            Case(shows="channels first, and relu", x=[[[1.0, -2.0]]], parameters=three,
                 fields=plain | {"data_format": "channels_first", "activation": "relu"},
                 expected=[[[1.0, 8.0, 80.0, 0.0]]]),
        ]  # fmt: skip
