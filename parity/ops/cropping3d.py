"""cropping3d: planes, rows and columns without their edges."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.ops.around import Edges3
from parity.ops.padding import Cropping, crop


class Cropping3D(Cropping):
    """y[n, t, u, v, c] = x[n, t + ahead, u + top, v + left, c].

    ``cropping`` is one number for all, one for each axis or a pair for each, as in Keras, whose layer takes one of each
    unless told. In PyTorch ``nn.ZeroPad3d`` takes cells where it is told fewer than 0, the last axis first.
    """

    kind: ClassVar[str] = "cropping3d"
    places: ClassVar = ("planes", "rows", "columns")
    native: ClassVar = {"keras": {"cropping": [[1, 1], [1, 1], [1, 1]]}}
    natives: ClassVar = crop(3)

    cropping: Edges3 = Field(
        default=((0, 0), (0, 0), (0, 0)), description="cells taken on all sides, one for each axis, or a pair for each"
    )

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[[[1.0], [2.0]], [[3.0], [4.0]]], [[[5.0], [6.0]], [[7.0], [8.0]]], [[[9.0], [0.0]], [[1.0], [2.0]]]]]
        return [
            Case(shows="nothing unless told", fields={}, x=x, expected=x),
            Case(shows="of planes, rows and columns", fields={"cropping": [1, 0, 0]}, x=x,
                 expected=[[[[[5.0], [6.0]], [[7.0], [8.0]]]]]),
            Case(shows="a pair for each", fields={"cropping": [[2, 0], [0, 1], [1, 0]]}, x=x, expected=[[[[[0.0]]]]]),
            Case(shows="channels first: of the last axes", x=[[[[[1.0, 2.0]]], [[[3.0, 4.0]]]]],
                 fields={"cropping": [[0, 0], [0, 0], [1, 0]], "data_format": "channels_first"},
                 expected=[[[[[2.0]]], [[[4.0]]]]]),
        ]  # fmt: skip
