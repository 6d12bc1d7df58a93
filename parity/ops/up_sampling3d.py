"""up_sampling3d: every plane, row and column several times."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from parity.code import Case, Site
from parity.entries import Shape, read_in
from parity.lazy import differentiable as np
from parity.native import Native, Turned, one_for_all
from parity.ops.single import Spatial
from parity.ops.windows import (
    Triple,
    channels_of,
    from_channels_last,
    lengths_of,
    shape_of,
    size_source,
    to_channels_last,
)

if TYPE_CHECKING:
    from parity.code import Arrays


class UpSampling3D(Spatial):
    """y[n, t, u, v, c] = x[n, t // size, u // size, v // size, c].

    The same in Keras and ``nn.Upsample``, whose ``mode`` is ``nearest`` unless told; in TensorFlow three ``tf.repeat``.
    """

    kind: ClassVar[str] = "up_sampling3d"
    short: ClassVar[str | None] = "size"
    keeps_sign: ClassVar[bool] = True
    source: ClassVar = read_in(keras="layers/reshaping/up_sampling3d", torch="nn/modules/upsampling")
    places: ClassVar = ("planes", "rows", "columns")
    natives: ClassVar = {
        "keras": Native("keras.layers.UpSampling3D", {"size": Turned("size", one_for_all)}, ("size",)),
        "torch": Native("nn.Upsample", {"scale_factor": Turned("size", one_for_all)}),
    }

    size: Triple = Field(default=(2, 2, 2), description="how many for each plane, row and column; one for all")

    def output_shape(self, shape: Shape) -> Shape:
        lengths = zip(lengths_of(self.checked(shape), self.data_format), self.size, strict=True)
        channels = channels_of(shape, self.data_format)
        return shape_of(tuple(length * size for length, size in lengths), channels, self.data_format)

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        x = to_channels_last(x, self.data_format)
        for axis, size in enumerate(self.size, 1):
            x = np.repeat(x, size, axis=axis)
        return from_channels_last(x, self.data_format)

    def expression(self, site: Site) -> str:
        repeated = "x"
        for axis, size in enumerate(self.size, 1):
            repeated = f"tf.repeat({repeated}, {size}, axis={axis})" if size > 1 else repeated
        return repeated

    def modules(self, site: Site) -> dict[str, str]:
        return {"": self.natives["torch"].source(self, scale_factor=size_source(self.size))}

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="planes, then rows, then columns", fields={"size": [2, 1, 3]}, x=[[[[[1.0]], [[2.0]]]]],
                 expected=[[[[[1.0]] * 3, [[2.0]] * 3]] * 2]),
            Case(shows="two of each unless told", fields={}, x=[[[[[5.0]]]]], expected=[[[[[5.0]] * 2] * 2] * 2]),
            Case(shows="channels first", fields={"size": [1, 1, 2], "data_format": "channels_first"},
                 x=[[[[[1.0]]], [[[2.0]]]]], expected=[[[[[1.0, 1.0]]], [[[2.0, 2.0]]]]]),
        ]  # fmt: skip
