"""cropping2d: rows and columns without their edges."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.ops.around import Edges2
from parity.ops.padding import Cropping, crop


class Cropping2D(Cropping):
    """y[n, u, v, c] = x[n, u + top, v + left, c].

    ``cropping`` is one number for all, [rows, columns] or [[top, bottom], [left, right]], as in Keras, which takes
    nothing unless told, and of a row of one axis one cell at each end. PyTorch has no such module, but
    ``nn.ZeroPad2d`` takes cells where it is told fewer than 0, the last axis first.
    """

    kind: ClassVar[str] = "cropping2d"
    places: ClassVar = ("rows", "columns")
    natives: ClassVar = crop(2)

    cropping: Edges2 = Field(
        default=((0, 0), (0, 0)),
        description="cells taken on all sides, [rows, columns] or [[top, bottom], [left, right]]",
    )

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]], [[7.0], [8.0], [9.0]]]]
        return [
            Case(shows="nothing unless told", fields={}, x=x, expected=x),
            Case(shows="one cell on all sides", fields={"cropping": 1}, x=x, expected=[[[[5.0]]]]),
            Case(shows="of rows, then of columns", fields={"cropping": [0, 1]}, x=x,
                 expected=[[[[2.0]], [[5.0]], [[8.0]]]]),
            Case(shows="top, bottom, left, right", fields={"cropping": [[2, 0], [0, 1]]}, x=x,
                 expected=[[[[7.0], [8.0]]]]),
            Case(shows="channels first: of the last axes", x=[[[[1.0, 2.0]], [[3.0, 4.0]]]],
                 fields={"cropping": [[0, 0], [1, 0]], "data_format": "channels_first"},
                 expected=[[[[2.0]], [[4.0]]]]),
        ]  # fmt: skip
