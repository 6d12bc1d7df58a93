"""What pooling layers share, whatever the number of axes that their window moves along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from parity.code import KerasCode, Site, TensorFlowCode, TorchCode, call
from parity.entries import Shape
from parity.lazy import differentiable as np
from parity.ops import Op, ShapeError
from parity.ops.windows import (
    DataFormat,
    cells,
    channels_of,
    extent,
    from_channels_last,
    laid_first,
    laid_last,
    lengths_of,
    one_window,
    padded_length,
    pads,
    same_padding,
    shape_of,
    size_source,
    to_channels_last,
    torch_pads,
    wanted_axes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from parity.code import Arrays


class MaxPooling(Op):
    """Base of the max poolings: an entry says its axes and the fields that are one number for each of them."""

    axes: ClassVar[tuple[str, ...]] = ()
    """What the axes are called that the window moves along."""
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/layers/pooling/base_pooling.py",
        "tensorflow": "tensorflow/python/ops/nn_ops.py",
        "torch": "torch/nn/modules/pooling.py",
    }

    # One number for each axis; here for their place among the fields.
    pool_size: Any = Field(default=2, description="size of the window")
    strides: Any = Field(default=None, description="step of the window; pool_size if not said")
    padding: Literal["valid", "same"] = Field(
        default="valid", description="same: the last window may reach over the end; valid: what is over is cut off"
    )
    data_format: DataFormat = Field(default="channels_last", description="where the channels stand, before and after")

    def _sizes(self, field: str) -> tuple[int, ...]:
        """Return a field as one number for each axis."""
        value = getattr(self, field)
        return value if isinstance(value, tuple) else (value,)

    @property
    def _strides(self) -> tuple[int, ...]:
        return self._sizes("pool_size" if self.strides is None else "strides")

    def steps(self) -> tuple[int, ...]:
        return self._strides

    def output_shape(self, shape: Shape) -> Shape:
        """Return the number of positions along each axis, and the channels as they are."""
        size = self._sizes("pool_size")
        if len(shape) != len(self.axes) + 1:
            wanted = wanted_axes(self.axes, self.data_format)
            raise ShapeError(f"{self.kind} reads ({wanted}), it is given {shape}")
        lengths, channels = lengths_of(shape, self.data_format), channels_of(shape, self.data_format)
        if self.padding == "valid" and any(length < one for length, one in zip(lengths, size, strict=True)):
            least = f"{self.kind} with a window of {size_source(size)} reads at least that {extent(self.axes)}"
            raise ShapeError(f"{least}, it is given {shape}")
        return shape_of(self._steps(lengths), channels, self.data_format)

    def _steps(self, lengths: Shape) -> tuple[int, ...]:
        sizes = zip(lengths, self._sizes("pool_size"), self._strides, strict=True)
        return tuple(padded_length(*axis, self.padding) for axis in sizes)

    def _pads(self, lengths: Shape) -> list[tuple[int, int]]:
        return pads(lengths, self._sizes("pool_size"), self._strides, self.padding)

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        x = to_channels_last(x, self.data_format)
        size, lengths = self._sizes("pool_size"), x.shape[1:-1]
        padded = np.pad(x, ((0, 0), *self._pads(lengths), (0, 0)), "constant", constant_values=-np.inf)
        places = cells(size, self._strides, (1,) * len(size), self._steps(lengths))
        values = np.concatenate([np.expand_dims(np.cut(padded, place), 0) for place in places])
        return from_channels_last(np.largest(values), self.data_format)

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when ``padding`` pads and cuts nothing, and when ``strides`` says what is so unsaid or goes nowhere."""
        size, strides = self._sizes("pool_size"), self._strides
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
        return None if self._strides == self._sizes("pool_size") else size_source(self._strides)

    def keras(self, site: Site) -> KerasCode:
        layer = call(
            f"keras.layers.MaxPooling{len(self.axes)}D",
            size_source(self._sizes("pool_size")),
            strides=self._stride_source(),
            padding=repr(self.padding) if self.padding != "valid" else None,
            name=repr(site.name),
        )
        lies = laid_last(self.data_format)
        return KerasCode(layer=layer, reads=lies, writes=lies)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        size = self._sizes("pool_size")
        pooled = call(f"tf.nn.max_pool{len(self.axes)}d", "x", size_source(size), size_source(self._strides),
                      repr(self.padding.upper()))  # fmt: skip
        doc = f"Largest of {'every ' + str(size[0]) if len(size) == 1 else ' x '.join(map(str, size))}."
        lies = laid_last(self.data_format)
        return TensorFlowCode(body=(f"return {pooled}",), doc=doc, reads=lies, writes=lies)

    def torch(self, site: Site) -> TorchCode:
        x, comment, around = "x", "", self._pads(lengths_of(site.input_shape, self.data_format))
        alike = all(before == after for before, after in around)
        if not alike:
            x = f'F.pad(x, {torch_pads(around)}, value=float("-inf"))'
            comment = "padded by hand: PyTorch pads both sides alike; with -inf, which is never the largest"
        pool = call(
            f"nn.MaxPool{len(self.axes)}d",
            size_source(self._sizes("pool_size")),
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
