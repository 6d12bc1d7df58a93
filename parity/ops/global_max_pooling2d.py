"""global_max_pooling2d: y[n, c] = max over u, v of x[n, u, v, c]."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.ops.global_pooling import GlobalMaxPooling, global_pool


class GlobalMaxPooling2D(GlobalMaxPooling):
    """y[n, c] = max over u, v of x[n, u, v, c]: one number of every channel.

    Of equal maxima each has its share of the gradient in Keras, ``tf.reduce_max`` and ``Tensor.amax``;
    ``nn.AdaptiveMaxPool2d(1)`` gives it all to one of them, the first: there the program takes ``amax``.
    """

    kind: ClassVar[str] = "global_max_pooling2d"
    places: ClassVar = ("rows", "columns")
    natives: ClassVar = global_pool(2, "Max")

    @classmethod
    def cases(cls) -> list[Case]:
        x, first = [[[[1.0, 8.0], [3.0, 4.0]], [[5.0, 0.0], [7.0, 0.0]]]], {"data_format": "channels_first"}
        return [
            Case(shows="one number of every channel, the axes gone", fields={}, x=x, expected=[[7.0, 8.0]]),
            Case(shows="the axes kept", fields={"keepdims": True}, x=x, expected=[[[[7.0, 8.0]]]]),
            Case(shows="channels first: along the last axes", fields=first, x=x, expected=[[8.0, 7.0]]),
            Case(shows="channels first, the axes kept", fields=first | {"keepdims": True}, x=x,
                 expected=[[[[8.0]], [[7.0]]]]),
            Case(shows="equal maxima, which share the slope", fields={},
                 x=[[[[2.0], [2.0]], [[1.0], [2.0]]]], expected=[[2.0]]),
        ]  # fmt: skip
