"""global_average_pooling3d: y[n, c] = mean over t, u, v of x[n, t, u, v, c]."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.ops.global_pooling import GlobalAveragePooling, global_pool


class GlobalAveragePooling3D(GlobalAveragePooling):
    """y[n, c] = mean over t, u, v of x[n, t, u, v, c]: one number of every channel.

    ``nn.AdaptiveAvgPool3d(1)`` leaves the axes of the places, each of length 1; Keras drops them unless told
    ``keepdims``.
    """

    kind: ClassVar[str] = "global_average_pooling3d"
    places: ClassVar = ("planes", "rows", "columns")
    natives: ClassVar = global_pool(3, "Average")

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[[[1.0, 8.0]], [[3.0, 4.0]]], [[[5.0, 0.0]], [[7.0, 0.0]]]]]
        first = {"data_format": "channels_first"}
        return [
            Case(shows="one number of every channel, the axes gone", fields={}, x=x, expected=[[4.0, 3.0]]),
            Case(shows="the axes kept", fields={"keepdims": True}, x=x, expected=[[[[[4.0, 3.0]]]]]),
            Case(shows="channels first: along the last axes", fields=first, x=x, expected=[[4.0, 3.0]]),
            Case(shows="channels first, the axes kept", fields=first | {"keepdims": True}, x=x,
                 expected=[[[[[4.0]]], [[[3.0]]]]]),
        ]  # fmt: skip
