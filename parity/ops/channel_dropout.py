"""What dropouts of whole channels share, whatever the number of axes of their places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from parity.code import Site, TensorFlowCode
from parity.entries import Shape, read_in
from parity.native import Native
from parity.ops.single import Spatial
from parity.ops.windows import channels_of, shape_of

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays


def spatial(rank: int) -> dict[str, Native]:
    """Return the frameworks' own dropouts of channels with so many axes of places."""
    return {
        "keras": Native(f"keras.layers.SpatialDropout{rank}D", {"rate": "rate"}, leading=("rate",)),
        "torch": Native(f"nn.Dropout{rank}d", {"p": "rate"}, leading=("p",)),
    }


class SpatialDropout(Spatial):
    """Base of them: an entry says what its places are called."""

    keeps_sign: ClassVar[bool] = True
    passes_mask: ClassVar[bool] = True
    short: ClassVar[str | None] = "rate"
    draws: ClassVar[bool] = True
    source: ClassVar = read_in(keras="layers/regularization/spatial_dropout", tensorflow="ops/nn_ops",
                               torch="nn/modules/dropout")  # fmt: skip

    rate: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(description="share of the channels that is dropped")

    def passes_on(self) -> bool:
        return self.rate == 0.0

    def output_shape(self, shape: Shape) -> Shape:
        return self.checked(shape)

    def mask_shape(self, shape: Shape) -> Shape:
        return shape_of((1,) * len(self.places), channels_of(shape, self.data_format), self.data_format)

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return x if mask is None else x * mask * (1.0 / (1.0 - self.rate))

    def tensorflow(self, site: Site) -> TensorFlowCode:
        lies, channels = self.lies("tensorflow"), channels_of(site.input_shape, self.data_format)
        shape = f"[tf.shape(x)[0], {', '.join('1' for _ in self.places)}, {channels}]"
        return TensorFlowCode(
            body=(f"return tf.nn.dropout(x, rate={self.rate!r}, noise_shape={shape}) if training else x",),
            doc=f"Drops {self.rate:g} of the channels.",
            training=True,
            reads=lies,
            writes=lies,
        )
