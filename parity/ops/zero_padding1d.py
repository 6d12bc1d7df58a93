"""zero_padding1d: zeros before and after the length."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.ops.around import Edges1
from parity.ops.padding import ZeroPadding, pad


class ZeroPadding1D(ZeroPadding):
    """y[n, t, c] = x[n, t - before, c], 0 where there is no such cell.

    ``padding`` is one number for both ends, or [before, after], in Keras and ``nn.ZeroPad1d``. [k - 1, 0] ahead of a
    convolution makes it causal.
    """

    kind: ClassVar[str] = "zero_padding1d"
    places: ClassVar = ("length",)
    natives: ClassVar = pad(1)

    padding: Edges1 = Field(default=((1, 1),), description="zeros at both ends, or [before, after]")

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[1.0, 2.0], [3.0, 4.0]]]
        return [
            Case(shows="one zero at each end of the length, none at the channels", fields={}, x=x,
                 expected=[[[0.0, 0.0], [1.0, 2.0], [3.0, 4.0], [0.0, 0.0]]]),
            Case(shows="before, then after", fields={"padding": [2, 0]}, x=x,
                 expected=[[[0.0, 0.0], [0.0, 0.0], [1.0, 2.0], [3.0, 4.0]]]),
            Case(shows="channels first: the length is the last axis",
                 fields={"padding": [0, 1], "data_format": "channels_first"}, x=x,
                 expected=[[[1.0, 2.0, 0.0], [3.0, 4.0, 0.0]]]),
        ]  # fmt: skip
