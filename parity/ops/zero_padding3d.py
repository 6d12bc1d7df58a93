"""zero_padding3d: zeros around planes, rows and columns."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.ops.around import Edges3
from parity.ops.padding import ZeroPadding, pad


class ZeroPadding3D(ZeroPadding):
    """y[n, t, u, v, c] = x[n, t - ahead, u - top, v - left, c], 0 where there is no such cell.

    ``padding`` is one number for all, one for each axis or a pair for each, as in Keras; ``nn.ZeroPad3d`` takes one
    number or six, those of the columns first.
    """

    kind: ClassVar[str] = "zero_padding3d"
    places: ClassVar = ("planes", "rows", "columns")
    natives: ClassVar = pad(3)

    padding: Edges3 = Field(
        default=((1, 1), (1, 1), (1, 1)), description="zeros on all sides, one for each axis, or a pair for each"
    )

    @classmethod
    def cases(cls) -> list[Case]:
        x, nought = [[[[[1.0], [2.0]]]]], [0.0]
        return [
            Case(shows="one zero on all sides", fields={}, x=x,
                 expected=[[[[nought] * 4] * 3, [[nought] * 4, [nought, [1.0], [2.0], nought], [nought] * 4],
                            [[nought] * 4] * 3]]),
            Case(shows="of planes, rows and columns", fields={"padding": [1, 0, 0]}, x=x,
                 expected=[[[[nought] * 2], [[[1.0], [2.0]]], [[nought] * 2]]]),
            Case(shows="a pair for each: a plane behind, a row above, a column ahead",
                 fields={"padding": [[0, 1], [1, 0], [1, 0]]}, x=x,
                 expected=[[[[nought] * 3, [nought, [1.0], [2.0]]], [[nought] * 3] * 2]]),
            Case(shows="channels first: around the last axes", x=[[[[[1.0]]], [[[3.0]]]]],
                 fields={"padding": [[0, 0], [0, 0], [0, 1]], "data_format": "channels_first"},
                 expected=[[[[[1.0, 0.0]]], [[[3.0, 0.0]]]]]),
        ]  # fmt: skip
