"""up_sampling1d: every place of the length several times."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveInt

from parity.code import Case, Site
from parity.entries import Shape, read_in
from parity.lazy import differentiable as np
from parity.native import Native, same
from parity.ops.single import Spatial
from parity.ops.windows import channels_of, from_channels_last, lengths_of, shape_of, to_channels_last

if TYPE_CHECKING:
    from parity.code import Arrays


class UpSampling1D(Spatial):
    """y[n, t, c] = x[n, t // size, c].

    The same in Keras, ``tf.repeat`` and ``nn.Upsample``, whose ``mode`` is ``nearest`` unless told.
    """

    kind: ClassVar[str] = "up_sampling1d"
    short: ClassVar[str | None] = "size"
    keeps_sign: ClassVar[bool] = True
    source: ClassVar = read_in(keras="layers/reshaping/up_sampling1d", torch="nn/modules/upsampling")
    places: ClassVar = ("length",)
    natives: ClassVar = {
        "keras": Native("keras.layers.UpSampling1D", same("size"), leading=("size",)),
        "torch": Native("nn.Upsample", {"scale_factor": "size"}),
    }

    size: PositiveInt = Field(default=2, description="how often every place is repeated")

    def output_shape(self, shape: Shape) -> Shape:
        (length,) = lengths_of(self.checked(shape), self.data_format)
        return shape_of((length * self.size,), channels_of(shape, self.data_format), self.data_format)

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        x = to_channels_last(x, self.data_format)
        return from_channels_last(np.repeat(x, self.size, axis=1), self.data_format)

    def expression(self, site: Site) -> str:
        return f"tf.repeat(x, {self.size}, axis=1)"

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[1.0, 2.0], [3.0, 4.0]]]
        return [
            Case(shows="each place, not the row as a whole", fields={}, x=x,
                 expected=[[[1.0, 2.0], [1.0, 2.0], [3.0, 4.0], [3.0, 4.0]]]),
            Case(shows="channels first: along the last axis", fields={"size": 3, "data_format": "channels_first"},
                 x=[[[1.0, 2.0]]], expected=[[[1.0, 1.0, 1.0, 2.0, 2.0, 2.0]]]),
        ]  # fmt: skip
