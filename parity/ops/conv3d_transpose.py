"""conv3d_transpose: every cell of the input lays a window of the output, windows that overlap are added."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.ops.around import Padding3
from parity.ops.transposed import Transposed, transposed
from parity.ops.windows import Triple


class Conv3DTranspose(Transposed):
    """y[n, t s + j - cut, ..., o] = activation(sum x[n, t, u, v, i] W[j, k, l, o, i] + b[o]), over all that meet.

    The gradient of conv3d with respect to its input; the rest as in conv2d_transpose. Kernels are (planes, rows,
    columns, filters, in) in Keras and TensorFlow, (in, filters, planes, rows, columns) in PyTorch.
    The gradient of TensorFlow's ``SAME`` is wrong where a stride is longer than the window, since its conv3d is: there
    all is laid, and cut.
    """

    kind: ClassVar[str] = "conv3d_transpose"
    axes: ClassVar = ("planes", "rows", "columns")
    natives: ClassVar = transposed(3)

    kernel_size: Triple = Field(description="planes, rows and columns of the window; one number for all")
    strides: Triple = Field(default=(1, 1, 1), description="distances of two windows in the output")
    padding: Padding3 = Field(
        default="valid",
        description="valid keeps all; same cuts off what is over at the ends, so that it is strides times as long; or "
        "how many cells are cut off, before and after each axis",
    )

    def _whole(self) -> bool:
        longer = any(stride > window for stride, window in zip(self.strides, self.windows, strict=True))
        return super()._whole() or (self.padding == "same" and longer)

    @classmethod
    def cases(cls) -> list[Case]:
        plain, two = {"filters": 1, "kernel_size": [2, 1, 2], "use_bias": False}, [[[[[1.0], [2.0]]]]]
        tens = {"kernel": [[[[[1.0]], [[10.0]]]], [[[[100.0]], [[1000.0]]]]]}
        return [
            Case(shows="windows overlap along the columns, the second plane is a hundred times the first", fields=plain,
                 x=two, parameters=tens,
                 expected=[[[[[1.0], [12.0], [20.0]]], [[[100.0], [1200.0], [2000.0]]]]]),
            Case(shows="same cuts off the last plane and column", fields=plain | {"padding": "same"}, x=two,
                 parameters=tens, expected=[[[[[1.0], [12.0]]]]]),
            Case(shows="the first column alone is cut off", fields=plain | {"padding": [[0, 0], [0, 0], [1, 0]]}, x=two,
                 parameters=tens, expected=[[[[[12.0], [20.0]]], [[[1200.0], [2000.0]]]]]),
            Case(shows="a stride of planes leaves one between, and a bias is everywhere", x=[[[[[1.0]]], [[[2.0]]]]],
                 fields={"filters": 1, "kernel_size": 1, "strides": [2, 1, 1]},
                 parameters={"kernel": [[[[[3.0]]]]], "bias": [0.5]},
                 expected=[[[[[3.5]]], [[[0.5]]], [[[6.5]]], [[[0.5]]]]]),
            Case(shows="same, of strides longer than the window along one axis and shorter along another",
                 fields={"filters": 1, "kernel_size": [1, 1, 2], "strides": [3, 1, 1], "padding": "same",
                         "use_bias": False}, x=[[[[[1.0], [2.0]]], [[[3.0], [4.0]]]]],
                 parameters={"kernel": [[[[[1.0]], [[10.0]]]]]},
                 expected=[[[[[1.0], [12.0]]], [[[0.0], [0.0]]], [[[0.0], [0.0]]], [[[3.0], [34.0]]],
                            [[[0.0], [0.0]]], [[[0.0], [0.0]]]]]),
            Case(shows="channels first: two channels of one cell", x=[[[[[1.0]]], [[[2.0]]]]],
                 fields=plain | {"data_format": "channels_first", "kernel_size": 1},
                 parameters={"kernel": [[[[[1.0, 10.0]]]]]}, expected=[[[[[21.0]]]]]),
        ]  # fmt: skip
