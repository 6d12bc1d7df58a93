"""What transposed convolutions share, whatever the number of axes that their window moves along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PositiveInt

from parity.code import Helper, KerasCode, Parameter, Site, TensorFlowCode, TorchCode, call
from parity.entries import Shape, read_in
from parity.lazy import differentiable as np
from parity.native import Native, Turned, one_for_all, same
from parity.ops import HELD, ShapeError, check_constraints, kernel_and_bias, wrapped
from parity.ops.weighted import Weighted
from parity.ops.windowed import Windowed
from parity.ops.windows import (
    DataFormat,
    cells,
    channels_of,
    from_channels_last,
    laid_first,
    laid_last,
    lengths_of,
    shape_of,
    size_source,
    to_channels_last,
    torch_pads,
    wanted_axes,
)

if TYPE_CHECKING:
    from parity.code import Arrays

CUT = '''
class Cut{name}(keras.layers.{name}):
    """{name} of same padding, whose gradient is wrong where a stride is longer."""

    def call(self, inputs):
        lengths = [n * step for n, step in zip(inputs.shape[1:-1], self.strides)]
        starts = [max(size - step, 0) // 2 for size, step in zip(self.kernel_size, self.strides)]
        t, u, v = (slice(start, start + n) for start, n in zip(starts, lengths))
        return super().call(inputs)[:, t, u, v]

    def compute_output_shape(self, input_shape):
        batch, *lengths, _ = input_shape
        return (batch, *(n * step for n, step in zip(lengths, self.strides)), self.filters)
'''

CROPPED = '''
class Cropped{name}(keras.layers.{name}):
    """{name} that cuts so many cells off the ends of what it gives."""

    def __init__(self, *args, cut, **kwargs):
        super().__init__(*args, **kwargs)
        self.cut = cut

    def call(self, inputs):
        whole = super().call(inputs)
        ends = [slice(first, n - last) for (first, last), n in zip(self.cut, whole.shape[1:-1])]
        return whole[(slice(None), *ends)]

    def compute_output_shape(self, input_shape):
        batch, *lengths, channels = super().compute_output_shape(input_shape)
        return (batch, *(n if n is None else n - sum(ends) for n, ends in zip(lengths, self.cut)), channels)
'''


def transposed(rank: int) -> dict[str, Native]:
    """Return the frameworks' own transposed convolutions over so many axes."""
    size, strides = Turned("kernel_size", one_for_all), Turned("strides", one_for_all)
    return {
        "keras": Native(f"keras.layers.Conv{rank}DTranspose",
                        {"filters": "filters", "kernel_size": size, "strides": strides, "padding": "padding",
                         **same("activation", "use_bias", *HELD)},
                        leading=("filters", "kernel_size"), own={"strides": 1, "padding": "valid", "use_bias": True}),
        "torch": Native(f"nn.ConvTranspose{rank}d",
                        {"in_channels": "", "out_channels": "filters", "kernel_size": size, "stride": strides,
                         "padding": "", "output_padding": "", "bias": "use_bias"},
                        leading=("in_channels", "out_channels", "kernel_size"), own={"stride": 1, "bias": True},
                        weights={"kernel": ("weight", (rank + 1, rank, *range(rank))), "bias": ("bias", None)}),
    }  # fmt: skip


class Transposed(Weighted, Windowed):
    """Base of them: an entry says its axes and the fields that are one number for each of them."""

    width_field: ClassVar[str] = "filters"
    source: ClassVar = read_in(keras="layers/convolutional/base_conv_transpose", tensorflow="ops/nn_ops",
                               torch="nn/modules/conv")  # fmt: skip

    filters: PositiveInt = Field(description="size of the output's last axis")
    # One number for each axis; here for their place among the fields.
    kernel_size: Any = Field(description="size of the window")
    strides: Any = Field(default=1, description="distance of two windows in the output")
    padding: Any = Field(default="valid", description="what is cut off at the ends")
    data_format: DataFormat = Field(default="channels_last", description="where the channels stand, before and after")

    @property
    def windows(self) -> tuple[int, ...]:
        return self.sizes("kernel_size")

    def cut(self) -> list[tuple[int, int]]:
        """Return, for each axis, how many cells are cut off ahead and at the end of what ``valid`` keeps."""
        if not isinstance(self.padding, str):
            return list(self.padding)
        over = [max(window - stride, 0) for window, stride in zip(self.windows, self.steps(), strict=True)]
        return [(one // 2, one - one // 2) if self.padding == "same" else (0, 0) for one in over]

    def _ends(self) -> list[tuple[int, int]]:
        """Return, for each axis, how many cells are cut off ahead, and how many are there beyond the last window."""
        axes = zip(self.windows, self.steps(), strict=True)
        longer = [max(stride - window, 0) for window, stride in axes]
        return [(first, more - last) for more, (first, last) in zip(longer, self.cut(), strict=True)]

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when ``padding`` cuts off the same."""
        alike = field == "padding" and self.cut() == self.replace(padding=other).cut()
        return "the same cells are cut off either way" if alike else ""

    def lengths(self, lengths: Shape) -> Shape:
        """Return how long the output is along each axis."""
        axes = zip(lengths, self.windows, self.steps(), self._ends(), strict=True)
        return tuple((n - 1) * stride + window - cut + more for n, window, stride, (cut, more) in axes)

    def output_shape(self, shape: Shape) -> Shape:
        """Return the positions that the windows cover, and the filters in the place of the channels."""
        if len(shape) != len(self.axes) + 1:
            wanted = wanted_axes(self.axes, self.data_format)
            raise ShapeError(f"{self.kind} reads ({wanted}), it is given {shape}")
        check_constraints(self, shape)
        found = self.lengths(lengths_of(shape, self.data_format))
        if min(found) < 1:
            raise ShapeError(f"{self.kind} cuts off all of what it makes of {shape}; cut off less")
        return shape_of(found, self.filters, self.data_format)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return kernel (*kernel_size, filters, in), the axes as Keras has them, and, with a bias, bias (filters,)."""
        channels = channels_of(shape, self.data_format)
        found = kernel_and_bias((*self.windows, self.filters, channels), self)
        if "bias" in found:
            size = self.filters
            kept = found["bias"]
            found["bias"] = Parameter(
                shape=(size,), initializer=kept.initializer, fan_in=size, fan_out=size, feeds=kept.feeds,
                regularizer=kept.regularizer, constraint=kept.constraint,
            )  # fmt: skip
        return found

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        x = to_channels_last(x, self.data_format)
        given, wanted, rank = x.shape[1:-1], self.lengths(x.shape[1:-1]), len(self.axes)
        for axis, stride in enumerate(self.steps(), 1):  # zeros between the cells
            between = np.zeros((*x.shape[: axis + 1], stride - 1, *x.shape[axis + 1 :]))
            x = np.concatenate([np.expand_dims(x, axis + 1), between], axis=axis + 1)
            x = x.reshape(*x.shape[:axis], -1, *x.shape[axis + 2 :])
        ends = [(window - 1, window - 1) for window in self.windows]
        padded = np.pad(x, ((0, 0), *ends, (0, 0)), "constant")
        full = tuple(
            n * stride + window - 1 for n, stride, window in zip(given, self.steps(), self.windows, strict=True)
        )
        places = list(cells(self.windows, (1,) * rank, (1,) * rank, full))
        flat = p["kernel"].reshape(-1, *p["kernel"].shape[-2:])
        z = sum(
            np.tensordot(np.cut(padded, place), flat[-1 - number], ((-1,), (1,))) for number, place in enumerate(places)
        )
        beyond = [max(cut + n - length, 0) for (cut, _), n, length in zip(self._ends(), wanted, full, strict=True)]
        z = np.pad(z, ((0, 0), *((0, more) for more in beyond), (0, 0)), "constant")
        kept = (slice(cut, cut + n) for (cut, _), n in zip(self._ends(), wanted, strict=True))
        z = np.cut(z, (slice(None), *kept))
        return from_channels_last(self.activation.forward(z + p["bias"] if self.use_bias else z), self.data_format)

    def _whole(self) -> bool:
        """Return whether TensorFlow is to give all cells, which are cut off then: see :class:`Conv3DTranspose`."""
        return not isinstance(self.padding, str)

    def keras(self, site: Site) -> KerasCode:
        lies, activation = laid_last(self.data_format), self.keras_activation(site)
        if not self._whole():
            return KerasCode(layer=self.keras_layer(site, activation=activation), reads=lies, writes=lies)
        title = self.natives["keras"].title
        name, source, more = ("Cut", CUT, {}) if isinstance(self.padding, str) else (
            "Cropped", CROPPED, {"cut": str([list(one) for one in self.padding])})  # fmt: skip
        layer = self.keras_layer(site, f"{name}{title}", activation=activation, padding=None, **more)
        helper = Helper(name=f"{name}{title}", source=source.format(name=title))
        return KerasCode(layer=layer, helpers=(helper,), reads=lies, writes=lies)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        given, lies = lengths_of(site.input_shape, self.data_format), laid_last(self.data_format)
        wanted = lengths = self.lengths(given)
        padding, kept = self.padding, ""
        if self._whole():
            cuts = [cut for cut, _ in self._ends()]
            lengths, padding = self.replace(padding="valid").lengths(given), "valid"
            kept = f"[:, {', '.join(f'{cut}:{cut + n}' for cut, n in zip(cuts, wanted, strict=True))}]"
        made = call(f"tf.nn.conv{len(self.axes)}d_transpose", "x", f"self.{site.name}_kernel", "shape",
                    size_source(self.steps()), repr(padding.upper()))  # fmt: skip
        made = f"{made}{kept}" + (f" + self.{site.name}_bias" if self.use_bias else "")
        return TensorFlowCode(
            body=(f"shape = [tf.shape(x)[0], {', '.join(map(str, lengths))}, {self.filters}]",
                  f"return {self.tensorflow_activation(site, made)}"),
            doc=f"To {' x '.join(map(str, wanted))} places, {self.filters} filters.", reads=lies, writes=lies,
        )  # fmt: skip

    def torch(self, site: Site) -> TorchCode:
        own, ends, channels = self.natives["torch"], self._ends(), channels_of(site.input_shape, self.data_format)
        # What is cut off at both ends, and what is then wanting at the last or, where less than nothing, over there.
        wanting = [cut + more for cut, more in ends]
        padding, more = ([cut for cut, _ in ends], [max(one, 0) for one in wanting])
        crops = [(0, min(one, 0)) for one in wanting]
        if any(one >= step for one, step in zip(more, self.steps(), strict=True)):  # Which PyTorch refuses.
            padding, more = [0] * len(ends), [max(one, 0) for _, one in ends]
            crops = [(-cut, min(one, 0)) for cut, one in ends]
        made = own.source(
            self, in_channels=str(channels), padding=size_source(padding) if any(padding) else None,
            output_padding=size_source(more) if any(more) else None,
        )  # fmt: skip
        modules = {site.name: made}
        cropped = any(map(any, crops))
        comment = "PyTorch's padding cuts off as many at both ends"
        if self.padding == "same":
            comment = "same cuts off one cell more at the end, PyTorch's padding as many at both"
        if cropped:
            modules[f"{site.name}_crop"] = f"nn.ZeroPad{len(self.axes)}d({torch_pads(crops)})"
        modules |= self.torch_activation(site, 1)
        return TorchCode(
            modules=modules,
            forward=wrapped("x", modules),
            reads=laid_first(self.data_format),
            writes=laid_first(self.data_format),
            weights=own.kept_at(site.name, self.parameters(site.input_shape)),
            output=next(reversed(modules)),
            comment=comment if cropped else "",
        )
