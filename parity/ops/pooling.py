"""What pooling layers share, whatever the number of axes that their window moves along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from parity.code import KerasCode, Site, TensorFlowCode, TorchCode, call
from parity.entries import Shape, read_in
from parity.lazy import differentiable as np
from parity.native import Native, Turned, one_for_all, same
from parity.ops.windowed import Windowed
from parity.ops.windows import (
    DataFormat,
    channels_of,
    from_channels_last,
    laid_first,
    laid_last,
    lengths_of,
    one_window,
    padded_length,
    same_padding,
    size_source,
    to_channels_last,
    torch_pads,
)

if TYPE_CHECKING:
    from parity.code import Arrays


def max_pool(rank: int) -> dict[str, Native]:
    """Return the frameworks' own poolings over so many axes."""
    size = Turned("pool_size", one_for_all)
    return {
        "keras": Native(f"keras.layers.MaxPooling{rank}D", {"pool_size": size, **same("strides", "padding")},
                        leading=("pool_size",), own={"padding": "valid"}),
        "torch": Native(f"nn.MaxPool{rank}d", {"kernel_size": size, "stride": "strides", "padding": ""},
                        leading=("kernel_size",)),
    }  # fmt: skip


class MaxPooling(Windowed):
    """Base of the max poolings: an entry says its axes and the fields that are one number for each of them."""

    source: ClassVar = read_in(keras="layers/pooling/base_pooling", tensorflow="ops/nn_ops", torch="nn/modules/pooling")

    # One number for each axis; here for their place among the fields.
    pool_size: Any = Field(default=2, description="size of the window")
    strides: Any = Field(default=None, description="step of the window; pool_size if not said")
    padding: Literal["valid", "same"] = Field(
        default="valid", description="same: the last window may reach over the end; valid: what is over is cut off"
    )
    data_format: DataFormat = Field(default="channels_last", description="where the channels stand, before and after")

    def steps(self) -> tuple[int, ...]:
        return self.sizes("pool_size" if self.strides is None else "strides")

    @property
    def windows(self) -> tuple[int, ...]:
        return self.sizes("pool_size")

    def output_shape(self, shape: Shape) -> Shape:
        """Return the number of positions along each axis, and the channels as they are."""
        return self._moved_over(shape, channels_of(shape, self.data_format))

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        x = to_channels_last(x, self.data_format)
        lengths = x.shape[1:-1]
        padded = np.pad(x, ((0, 0), *self.pads(lengths), (0, 0)), "constant", constant_values=-np.inf)
        places = self._places(self.windows, lengths)
        values = np.concatenate([np.expand_dims(np.cut(padded, place), 0) for place in places])
        return from_channels_last(np.largest(values), self.data_format)

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when ``padding`` pads and cuts nothing, and when ``strides`` says what is so unsaid or goes nowhere."""
        size, strides = self.windows, self.steps()
        if field == "strides" and (other is None or other == self.pool_size) and size == strides:
            return "strides that are not said are those of pool_size"
        lengths = lengths_of(shape, self.data_format)
        if field == "strides" and self.padding == "valid":
            given = self.pool_size if other is None else other
            return one_window(lengths, size, strides, given if isinstance(given, tuple) else (given,))
        axes = list(zip(lengths, size, strides, strict=True))
        whole = all(padded_length(*axis, "same") == padded_length(*axis, "valid") for axis in axes)
        if field == "padding" and whole and not any(any(same_padding(*axis)) for axis in axes):
            return f"windows of {size_source(size)} fill {size_source(lengths)} either way"
        return ""

    def _stride_source(self) -> str | None:
        """Return the strides as source, None where they are the window's size."""
        return None if self.steps() == self.windows else size_source(self.steps())

    def keras(self, site: Site) -> KerasCode:
        lies = laid_last(self.data_format)
        return KerasCode(layer=self.keras_layer(site, strides=self._stride_source()), reads=lies, writes=lies)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        size = self.windows
        pooled = call(f"tf.nn.max_pool{len(self.axes)}d", "x", size_source(size), size_source(self.steps()),
                      repr(self.padding.upper()))  # fmt: skip
        doc = f"Largest of {'every ' + str(size[0]) if len(size) == 1 else ' x '.join(map(str, size))}."
        lies = laid_last(self.data_format)
        return TensorFlowCode(body=(f"return {pooled}",), doc=doc, reads=lies, writes=lies)

    def torch(self, site: Site) -> TorchCode:
        x, comment, around = "x", "", self.pads(lengths_of(site.input_shape, self.data_format))
        alike = all(before == after for before, after in around)
        if not alike:
            x = f'F.pad(x, {torch_pads(around)}, value=float("-inf"))'
            comment = "padded by hand: PyTorch pads both sides alike; with -inf, which is never the largest"
        pool = self.natives["torch"].source(
            self,
            stride=self._stride_source(),
            padding=size_source([before for before, _ in around]) if alike and any(map(any, around)) else None,
        )
        return TorchCode(
            modules={site.name: pool},
            forward=f"self.{site.name}({x})",
            reads=laid_first(self.data_format),
            writes=laid_first(self.data_format),
            output=site.name,
            comment=comment,
        )
