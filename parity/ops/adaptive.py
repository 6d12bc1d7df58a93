"""What adaptive average poolings share: as many windows as are asked for, whatever the input's length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from parity.code import Helper, KerasCode, Site, TensorFlowCode
from parity.entries import Shape, read_in
from parity.lazy import differentiable as np
from parity.native import Native, Turned, one_for_all
from parity.ops.single import Spatial
from parity.ops.windows import (
    channels_of,
    from_channels_last,
    lengths_of,
    shape_of,
    size_source,
    to_channels_last,
)

if TYPE_CHECKING:
    from parity.code import Arrays

SHARES = Helper(
    name="window_shares",
    source='''
def window_shares(length, size):
    """Return the share of each of length places in each of size windows, from floor to ceil."""
    at, place = np.arange(size)[:, None], np.arange(length)
    inside = (place >= at * length // size) & (place < -(-(at + 1) * length // size))
    return inside / inside.sum(axis=1, keepdims=True)
''',
)


KERAS = '''
class Shared{name}(keras.layers.{name}):
    """{name} by shares: Keras's own fails on TensorFlow for some sizes."""

    def call(self, inputs):
        for axis, size in enumerate(self.output_size, 1):
            shares = keras.ops.convert_to_tensor(window_shares(inputs.shape[axis], size), inputs.dtype)
            inputs = keras.ops.moveaxis(keras.ops.tensordot(shares, inputs, axes=[[1], [axis]]), 0, axis)
        return inputs
'''


def adaptive(rank: int) -> dict[str, Native]:
    """Return the frameworks' own adaptive average poolings along so many axes."""
    size = Turned("output_size", one_for_all)
    return {
        "keras": Native(f"keras.layers.AdaptiveAveragePooling{rank}D", {"output_size": size}, ("output_size",)),
        "torch": Native(f"nn.AdaptiveAvgPool{rank}d", {"output_size": size}, ("output_size",)),
    }


class AdaptiveAveragePooling(Spatial):
    """Base of them: an entry says what its places are called, and how many are wanted."""

    short: ClassVar[str | None] = "output_size"
    source: ClassVar = read_in(keras="layers/pooling/base_adaptive_pooling", torch="nn/modules/pooling")

    output_size: Any = Field(description="places wanted along each axis")

    def sizes(self) -> tuple[int, ...]:
        """Return the places wanted along each axis."""
        return self.output_size if isinstance(self.output_size, tuple) else (self.output_size,)

    def output_shape(self, shape: Shape) -> Shape:
        return shape_of(self.sizes(), channels_of(self.checked(shape), self.data_format), self.data_format)

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        x = to_channels_last(x, self.data_format)
        for axis, size in enumerate(self.sizes(), 1):
            at, place = np.arange(size)[:, None], np.arange(x.shape[axis])
            inside = (place >= at * len(place) // size) & (place < -(-(at + 1) * len(place) // size))
            shares = inside / inside.sum(axis=1, keepdims=True)
            x = np.moveaxis(np.tensordot(shares, x, ((1,), (axis,))), 0, axis)
        return from_channels_last(x, self.data_format)

    def keras(self, site: Site) -> KerasCode:
        plain, title = super().keras(site), self.natives["keras"].title
        lengths = lengths_of(site.input_shape, self.data_format)
        if all(1 < size <= length for length, size in zip(lengths, self.sizes(), strict=True)):
            return plain
        helper = Helper(name=f"Shared{title}", source=KERAS.format(name=title))
        layer = self.keras_layer(site, helper.name)
        return KerasCode(layer=layer, helpers=(SHARES, helper), reads=plain.reads, writes=plain.writes)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        lies, lengths = self.lies("tensorflow"), lengths_of(site.input_shape, self.data_format)
        taken, body = "trc"[: len(lengths)], []
        for axis, (length, size) in enumerate(zip(lengths, self.sizes(), strict=True)):
            body.append(f"shares = tf.constant(window_shares({length}, {size}), x.dtype)")
            given = taken.replace(taken[axis], "i")
            body.append(f'x = tf.einsum("{taken[axis]}i,n{given}k->n{taken}k", shares, x)')
        return TensorFlowCode(
            body=(*body, "return x"), doc=f"Means of {size_source(self.sizes())} windows along each axis.",
            helpers=(SHARES,), reads=lies, writes=lies,
        )  # fmt: skip
