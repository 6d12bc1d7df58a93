"""up_sampling2d: an image with more rows and columns, each repeated or between its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from parity.code import Case, Helper, KerasCode, Site, TensorFlowCode
from parity.entries import Shape, read_in
from parity.lazy import differentiable as np
from parity.native import Native, Turned, one_for_all
from parity.ops.single import Spatial
from parity.ops.windows import (
    Pair,
    channels_of,
    from_channels_last,
    lengths_of,
    shape_of,
    size_source,
    to_channels_last,
)

if TYPE_CHECKING:
    from parity.code import Arrays

SHARES = '''
def shares(length, size):
    """Return the share of each place in each of size times as many, between two neighbours."""
    at = {at}
    return np.maximum(1.0 - np.abs(at[:, None] - np.arange(length)), 0.0)
'''
HALF = "np.clip((np.arange(length * size) + 0.5) / size - 0.5, 0, length - 1)"
CORNERS = "np.linspace(0, length - 1, length * size)"

KERAS = '''
class {name}(keras.layers.UpSampling2D):
    """UpSampling2D between neighbours{how}; tf.image.resize is float32."""

    def call(self, inputs):
        rows, columns = (
            keras.ops.convert_to_tensor({call}(inputs.shape[axis], self.size[axis - 1]), inputs.dtype)
            for axis in (1, 2)
        )
        return keras.ops.einsum("ur,vc,nrci->nuvi", rows, columns, inputs)
'''


class UpSampling2D(Spatial):
    """nearest: y[n, u, v, c] = x[n, u // size, v // size, c]. bilinear: between the two neighbours along each axis.

    bilinear takes an output u to stand at (u + 1/2) / size - 1/2 of the input, within its ends, as Keras and
    ``nn.Upsample`` do unless told; with ``align_corners`` the first and the last places of both coincide, u stands at
    u (rows - 1) / (rows size - 1), as in ``nn.UpsamplingBilinear2d`` and TensorFlow 1. Keras has no word for that.
    ``tf.image.resize`` computes in float32 whatever it is given, so both are written out there, as two products.
    """

    kind: ClassVar[str] = "up_sampling2d"
    short: ClassVar[str | None] = "size"
    source: ClassVar = read_in(keras="layers/reshaping/up_sampling2d", tensorflow="ops/image_ops_impl",
                               torch="nn/modules/upsampling")  # fmt: skip
    places: ClassVar = ("rows", "columns")
    natives: ClassVar = {
        "keras": Native("keras.layers.UpSampling2D", {"size": Turned("size", one_for_all),
                        "interpolation": "interpolation"}, ("size",), {"interpolation": "nearest"},
                        when={"align_corners": False}),
        "torch": Native("nn.Upsample", {"scale_factor": Turned("size", one_for_all), "mode": "interpolation",
                        "align_corners": "align_corners"}, own={"mode": "nearest", "align_corners": False}),
    }  # fmt: skip

    size: Pair = Field(default=(2, 2), description="how many for each row and column; one number for both")
    interpolation: Literal["nearest", "bilinear"] = Field(default="nearest", description="what stands between")
    align_corners: bool = Field(default=False, description="bilinear: first and last places coincide with the input's")

    def output_shape(self, shape: Shape) -> Shape:
        lengths = zip(lengths_of(self.checked(shape), self.data_format), self.size, strict=True)
        channels = channels_of(shape, self.data_format)
        return shape_of(tuple(length * size for length, size in lengths), channels, self.data_format)

    def _shares(self, length: int, size: int) -> np.ndarray:
        if self.interpolation == "nearest":
            return np.repeat(np.eye(length), size, axis=0)
        at = np.linspace(0, length - 1, length * size)
        if not self.align_corners:
            at = np.clip((np.arange(length * size) + 0.5) / size - 0.5, 0, length - 1)
        return np.maximum(1.0 - np.abs(at[:, None] - np.arange(length)), 0.0)

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        x = to_channels_last(x, self.data_format)
        rows, columns = (self._shares(*axis) for axis in zip(x.shape[1:3], self.size, strict=True))
        return from_channels_last(np.einsum("ur,vc,nrci->nuvi", rows, columns, x), self.data_format)

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when corners are aligned of what is repeated."""
        return "nearest aligns nothing" if field == "align_corners" and self.interpolation == "nearest" else ""

    def _helper(self) -> Helper:
        name = "aligned_shares" if self.align_corners else "shares"
        made = SHARES.format(at=CORNERS if self.align_corners else HALF)
        return Helper(name=name, source=made.replace("def shares", f"def {name}"))

    def keras(self, site: Site) -> KerasCode:
        plain, shares = super().keras(site), self._helper()
        if self.interpolation == "nearest":
            return plain
        name = "AlignedUpSampling2D" if self.align_corners else "BilinearUpSampling2D"
        how = ", corner on corner" if self.align_corners else ""
        own = Helper(name=name, source=KERAS.format(name=name, how=how, call=shares.name))
        layer = self.keras_layer(site, name, interpolation=None)
        return KerasCode(layer=layer, helpers=(shares, own), reads=plain.reads, writes=plain.writes)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        lies, shares = self.lies("tensorflow"), self._helper()
        if self.interpolation == "nearest":
            repeated = "x"
            for axis, size in enumerate(self.size, 1):
                repeated = f"tf.repeat({repeated}, {size}, axis={axis})" if size > 1 else repeated
            return TensorFlowCode(body=(f"return {repeated}",), doc=self.said(site), reads=lies, writes=lies)
        lengths = zip(lengths_of(site.input_shape, self.data_format), self.size, strict=True)
        body = tuple(
            f"{name} = tf.constant({shares.name}({length}, {size}), x.dtype)"
            for name, (length, size) in zip(("rows", "columns"), lengths, strict=True)
        )
        return TensorFlowCode(
            body=(*body, 'return tf.einsum("ur,nrci,vc->nuvi", rows, x, columns)  # tf.image.resize gives float32'),
            doc=self.said(site), helpers=(shares,), reads=lies, writes=lies,
        )  # fmt: skip

    def modules(self, site: Site) -> dict[str, str]:
        corners = "True" if self.align_corners and self.interpolation == "bilinear" else None
        own = self.natives["torch"]
        return {"": own.source(self, scale_factor=size_source(self.size), align_corners=corners)}

    @classmethod
    def cases(cls) -> list[Case]:
        x, two = [[[[0.0], [4.0]]]], {"size": [1, 2]}
        return [
            Case(shows="rows and columns repeated", fields={}, x=x, expected=[[[[0.0], [0.0], [4.0], [4.0]]] * 2]),
            Case(shows="rows, then columns", fields={"size": [1, 3]}, x=[[[[1.0]], [[2.0]]]],
                 expected=[[[[1.0]] * 3, [[2.0]] * 3]]),
            Case(shows="bilinear by the middles of places: 1/4 of the way, and not beyond the ends",
                 fields=two | {"interpolation": "bilinear"}, x=x, expected=[[[[0.0], [1.0], [3.0], [4.0]]]]),
            Case(shows="corners aligned: thirds of the way",
                 fields=two | {"interpolation": "bilinear", "align_corners": True}, x=x,
                 expected=[[[[0.0], [4 / 3], [8 / 3], [4.0]]]]),
            Case(shows="channels first", x=[[[[0.0, 4.0]], [[8.0, 0.0]]]],
                 fields=two | {"interpolation": "bilinear", "data_format": "channels_first"},
                 expected=[[[[0.0, 1.0, 3.0, 4.0]], [[8.0, 6.0, 2.0, 0.0]]]]),
        ]  # fmt: skip
