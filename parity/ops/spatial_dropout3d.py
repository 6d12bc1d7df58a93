"""spatial_dropout3d: in training, zeroes a share of the channels as a whole and scales the rest up."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.ops.channel_dropout import SpatialDropout, spatial


class SpatialDropout3D(SpatialDropout):
    """Training: y = x m / (1 - rate), m = 0 with probability ``rate`` and the same at all places of a channel of a row.

    Evaluation: y = x. ``nn.Dropout3d`` takes axis 1 for the channels; given a tensor with its channels last it drops
    planes instead, with the same shape. ``tf.nn.dropout`` has it by its ``noise_shape``.
    """

    kind: ClassVar[str] = "spatial_dropout3d"
    places: ClassVar = ("planes", "rows", "columns")
    natives: ClassVar = spatial(3)

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[[[1.0, 2.0, 4.0]], [[3.0, 4.0, 8.0]]]]]
        return [
            Case(shows="a channel is dropped at all places, the rest is doubled", fields={"rate": 0.5}, x=x,
                 mask=[[[[[True, False, True]]]]], expected=[[[[[2.0, 0.0, 8.0]], [[6.0, 0.0, 16.0]]]]]),
            Case(shows="channels first", fields={"rate": 0.5, "data_format": "channels_first"},
                 x=[[[[[1.0, 3.0]]], [[[2.0, 4.0]]]]], mask=[[[[[False]]], [[[True]]]]],
                 expected=[[[[[0.0, 0.0]]], [[[4.0, 8.0]]]]]),
            Case(shows="evaluation leaves the input alone", fields={"rate": 0.5}, x=x, expected=x),
        ]  # fmt: skip
