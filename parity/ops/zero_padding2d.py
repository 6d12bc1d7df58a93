"""zero_padding2d: zeros around rows and columns."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.ops.around import Edges2
from parity.ops.padding import ZeroPadding, pad


class ZeroPadding2D(ZeroPadding):
    """y[n, u, v, c] = x[n, u - top, v - left, c], 0 where there is no such cell.

    ``padding`` is one number for all, [rows, columns] or [[top, bottom], [left, right]], as in Keras; ``nn.ZeroPad2d``
    takes one number or (left, right, top, bottom), the last axis first. Ahead of a convolution that pads nothing it is
    PyTorch's ``padding=1``, in Keras's ResNet, too: with a stride of 2 that is another one than Keras's ``same``.
    """

    kind: ClassVar[str] = "zero_padding2d"
    places: ClassVar = ("rows", "columns")
    natives: ClassVar = pad(2)

    padding: Edges2 = Field(
        default=((1, 1), (1, 1)), description="zeros on all sides, [rows, columns] or [[top, bottom], [left, right]]"
    )

    @classmethod
    def cases(cls) -> list[Case]:
        x, nought = [[[[1.0], [2.0]]]], [0.0]
        return [
            Case(shows="one zero on all sides", fields={}, x=x,
                 expected=[[[nought] * 4, [nought, [1.0], [2.0], nought], [nought] * 4]]),
            Case(shows="of rows, then of columns", fields={"padding": [1, 0]}, x=x,
                 expected=[[[nought] * 2, [[1.0], [2.0]], [nought] * 2]]),
            Case(shows="top, bottom, left, right", fields={"padding": [[0, 1], [2, 0]]}, x=x,
                 expected=[[[nought, nought, [1.0], [2.0]], [nought] * 4]]),
            Case(shows="channels first: around the last axes",
                 fields={"padding": [[0, 0], [0, 1]], "data_format": "channels_first"},
                 x=[[[[1.0, 2.0]], [[3.0, 4.0]]]], expected=[[[[1.0, 2.0, 0.0]], [[3.0, 4.0, 0.0]]]]),
        ]  # fmt: skip
