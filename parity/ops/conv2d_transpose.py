"""conv2d_transpose: every cell of the input lays a window of the output, windows that overlap are added."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.ops.around import Padding2
from parity.ops.transposed import Transposed, transposed
from parity.ops.windows import Pair


class Conv2DTranspose(Transposed):
    """y[n, u s + k - cut, v s + l - cut, o] = activation(sum x[n, u, v, i] W[k, l, o, i] + b[o]), over all that meet.

    The gradient of conv2d with respect to its input. ``valid`` keeps all, (rows - 1) s + k of them, and never fewer
    than rows s; ``same`` has rows s, of what is over half cut off ahead, the odd one after the end. Kernels are (rows,
    columns, filters, in) in Keras and TensorFlow. PyTorch's weight is (in, filters, rows, columns), its ``padding``
    cuts as many at both ends: with a window of 3 and a stride of 2, ``padding=1, output_padding=1`` has the shape of
    Keras's ``same``, and every value shifted.
    """

    kind: ClassVar[str] = "conv2d_transpose"
    axes: ClassVar = ("rows", "columns")
    natives: ClassVar = transposed(2)

    kernel_size: Pair = Field(description="rows and columns of the window; one number for both")
    strides: Pair = Field(default=(1, 1), description="distances of two windows in the output")
    padding: Padding2 = Field(
        default="valid",
        description="valid keeps all; same cuts off what is over at the ends, so that it is strides times as long; or "
        "how many cells are cut off, before and after each axis",
    )

    @classmethod
    def cases(cls) -> list[Case]:
        digits = {"kernel": [[[[1.0]], [[10.0]]], [[[100.0]], [[1000.0]]]]}
        plain, row = {"filters": 1, "kernel_size": 2, "use_bias": False}, [[[[1.0], [2.0]]]]
        three = {"kernel": [[[[1.0]], [[10.0]], [[100.0]]]]}
        return [
            Case(shows="windows overlap", fields=plain, x=row, parameters=digits,
                 expected=[[[[1.0], [12.0], [20.0]], [[100.0], [1200.0], [2000.0]]]]),
            Case(shows="same cuts off the last row and column", fields=plain | {"padding": "same"}, x=row,
                 parameters=digits, expected=[[[[1.0], [12.0]]]]),
            Case(shows="strides are of rows, then of columns: rows with a gap below", parameters=three, x=row,
                 fields={"filters": 1, "kernel_size": [1, 3], "strides": [2, 1], "use_bias": False},
                 expected=[[[[1.0], [12.0], [120.0], [200.0]], [[0.0]] * 4]]),
            Case(shows="same with a stride of 2: the end is cut", parameters=three | {"bias": [0.5]}, x=row,
                 fields={"filters": 1, "kernel_size": [1, 3], "strides": [1, 2], "padding": "same"},
                 expected=[[[[1.5], [10.5], [102.5], [20.5]]]]),
            Case(shows="a cell less at the begin: PyTorch's padding=1, output_padding=1 of three cells", x=row,
                 parameters=three | {"bias": [0.5]},
                 fields={"filters": 1, "kernel_size": [1, 3], "strides": [1, 2], "padding": [[0, 0], [1, 0]]},
                 expected=[[[[10.5], [102.5], [20.5], [200.5]]]]),
            Case(shows="more is cut ahead than a stride", x=row, parameters=three,
                 fields={"filters": 1, "kernel_size": [1, 3], "use_bias": False, "padding": [[0, 0], [2, 1]]},
                 expected=[[[[120.0]]]]),
            Case(shows="channels first: two channels of one cell", x=[[[[1.0]], [[2.0]]]],
                 fields=plain | {"data_format": "channels_first", "kernel_size": 1},
                 parameters={"kernel": [[[[1.0, 10.0]]]]}, expected=[[[[21.0]]]]),
        ]  # fmt: skip
