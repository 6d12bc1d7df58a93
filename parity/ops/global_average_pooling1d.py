"""global_average_pooling1d: y[n, c] = mean over t of x[n, t, c]."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.ops.global_pooling import GlobalAveragePooling, global_pool


class GlobalAveragePooling1D(GlobalAveragePooling):
    """y[n, c] = mean over t of x[n, t, c]: one number of every channel.

    ``nn.AdaptiveAvgPool1d(1)`` leaves the axes of the places, each of length 1; Keras drops them unless told
    ``keepdims``. With the channels first and no word of it, the mean is over another axis, and may fit all the same.
    """

    kind: ClassVar[str] = "global_average_pooling1d"
    places: ClassVar = ("length",)
    natives: ClassVar = global_pool(1, "Average")

    @classmethod
    def cases(cls) -> list[Case]:
        x, first = [[[1.0, 8.0], [3.0, 4.0]]], {"data_format": "channels_first"}
        return [
            Case(shows="one number of every channel, the axes gone", fields={}, x=x, expected=[[2.0, 6.0]]),
            Case(shows="the axes kept", fields={"keepdims": True}, x=x, expected=[[[2.0, 6.0]]]),
            Case(shows="channels first: along the last axis", fields=first, x=x, expected=[[4.5, 3.5]]),
            Case(shows="channels first, the axes kept", fields=first | {"keepdims": True}, x=x,
                 expected=[[[4.5], [3.5]]]),
        ]  # fmt: skip
