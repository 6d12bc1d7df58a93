"""global_max_pooling3d: y[n, c] = max over t, u, v of x[n, t, u, v, c]."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.ops.global_pooling import GlobalMaxPooling, global_pool


class GlobalMaxPooling3D(GlobalMaxPooling):
    """y[n, c] = max over t, u, v of x[n, t, u, v, c]: one number of every channel.

    ``nn.AdaptiveMaxPool3d(1)`` gives the slope to the first of equal maxima; here, as in Keras and TensorFlow, they
    share it, and the PyTorch program uses ``amax``.
    """

    kind: ClassVar[str] = "global_max_pooling3d"
    places: ClassVar = ("planes", "rows", "columns")
    natives: ClassVar = global_pool(3, "Max")

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[[[1.0, 8.0]], [[3.0, 4.0]]], [[[5.0, 0.0]], [[7.0, 0.0]]]]]
        first = {"data_format": "channels_first"}
        return [
            Case(shows="one number of every channel, the axes gone", fields={}, x=x, expected=[[7.0, 8.0]]),
            Case(shows="the axes kept", fields={"keepdims": True}, x=x, expected=[[[[[7.0, 8.0]]]]]),
            Case(shows="channels first: along the last axes", fields=first, x=x, expected=[[8.0, 7.0]]),
            Case(shows="channels first, the axes kept", fields=first | {"keepdims": True}, x=x,
                 expected=[[[[[8.0]]], [[[7.0]]]]]),
        ]  # fmt: skip
