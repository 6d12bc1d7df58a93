"""What poolings over all places share, whatever the number of axes of these."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from parity.code import Site, call
from parity.entries import Shape, read_in
from parity.lazy import differentiable as np
from parity.native import Native, same
from parity.ops.single import Spatial, module
from parity.ops.windows import channels_of, from_channels_last, shape_of, to_channels_last

if TYPE_CHECKING:
    from parity.code import Arrays, Helper


def global_pool(rank: int, kind: str) -> dict[str, Native]:
    """Return the frameworks' own poolings over all of so many axes, ``Max`` or ``Average``."""
    first = "gives the slope to the first of equal maxima"
    torch = {
        "Average": Native(f"nn.AdaptiveAvgPool{rank}d"),
        "Max": Native(f"nn.AdaptiveMaxPool{rank}d", never=first),
    }
    keras = Native(f"keras.layers.Global{kind}Pooling{rank}D", same("keepdims"), own={"keepdims": False})
    return {"keras": keras, "torch": torch[kind]}


class GlobalPooling(Spatial):
    """Base of them: an entry says what its places are called."""

    source: ClassVar = read_in(keras="layers/pooling/base_global_pooling", torch="nn/modules/pooling")

    keepdims: bool = Field(default=False, description="leave the axes of the places, of length 1")

    def output_shape(self, shape: Shape) -> Shape:
        """Return the channels, behind or ahead of axes of length 1 where these are kept."""
        channels = channels_of(self.checked(shape), self.data_format)
        return shape_of((1,) * len(self.places), channels, self.data_format) if self.keepdims else (channels,)

    def _taken(self, x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        raise TypeError(f"{type(self).__name__} takes nothing")

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        x = to_channels_last(x, self.data_format)
        found = self._taken(x, tuple(range(1, x.ndim - 1)))
        return (
            from_channels_last(found, self.data_format) if self.keepdims else found[(slice(None), *(0,) * (x.ndim - 2))]
        )

    def _axes(self, first: int) -> str:
        axes = list(range(first, first + len(self.places)))
        return str(axes if len(axes) > 1 else axes[0])

    def _reduced(self, function: str) -> str:
        return call(function, "x", axis=self._axes(1), keepdims="True" if self.keepdims else None)

    def said(self, site: Site) -> str:
        """Return what it takes of every channel."""
        return f"{self.word} of every channel."

    word: ClassVar[str]
    """What it takes, as a sentence begins."""


class GlobalAveragePooling(GlobalPooling):
    """Base of the means over all places."""

    word: ClassVar[str] = "Mean"

    def _taken(self, x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        return np.mean(x, axis=axes, keepdims=True)

    def expression(self, site: Site) -> str:
        return self._reduced("tf.reduce_mean")

    def modules(self, site: Site) -> dict[str, str]:
        return {"": f"{self.natives['torch'].name}(1)"} | ({} if self.keepdims else {"flatten": "nn.Flatten()"})


class GlobalMaxPooling(GlobalPooling):
    """Base of the maxima over all places: equal ones share the slope, as in Keras and TensorFlow."""

    word: ClassVar[str] = "Largest"
    keeps_sign: ClassVar[bool] = True
    helpers: ClassVar[tuple[Helper, ...]] = (
        module("GlobalMaxPool", "The largest value of every channel; equal ones share the gradient.", "keepdim=False",
               "x.amax(tuple(range(2, x.dim())), self.keepdim)"),
    )  # fmt: skip

    def _taken(self, x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        return np.max(x, axis=axes, keepdims=True)

    def expression(self, site: Site) -> str:
        return self._reduced("tf.reduce_max")

    def modules(self, site: Site) -> dict[str, str]:
        return {"": "GlobalMaxPool(keepdim=True)" if self.keepdims else "GlobalMaxPool()"}
