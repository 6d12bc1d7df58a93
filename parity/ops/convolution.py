"""What convolutions share, whatever the number of axes that their window moves along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, PositiveInt, model_validator

from parity.code import Helper, KerasCode, Parameter, Site, TensorFlowCode, TorchCode, TorchWeight, call
from parity.entries import Shape, read_in
from parity.lazy import differentiable as np
from parity.native import Native, Turned, one_for_all, same
from parity.ops import HELD, ActivatedOp, ShapeError, check_constraints, kernel_and_bias, wrapped
from parity.ops.weighted import Weighted
from parity.ops.windowed import PADDED, Windowed
from parity.ops.windows import (
    DataFormat,
    channels_of,
    from_channels_last,
    laid_first,
    laid_last,
    lengths_of,
    one_window,
    same_padding,
    size_source,
    tf_pads,
    to_channels_last,
    torch_pads,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from parity.code import Arrays


GROUPED = '''
class Grouped{name}(keras.layers.{name}):
    """{name} that convolves its groups one by one: on CPU TensorFlow needs XLA for all at once."""

    def call(self, inputs):
        told = dict(strides=self.strides, padding=self.padding, dilation_rate=self.dilation_rate)
        parts, kernels = (keras.ops.split(one, self.groups, axis=-1) for one in (inputs, self.kernel))
        convolved = [keras.ops.conv(*pair, **told) for pair in zip(parts, kernels)]
        outputs = keras.ops.concatenate(convolved, axis=-1)
        return self.activation(outputs + self.bias if self.use_bias else outputs)
'''


def told(*names: str) -> dict[str, Turned]:
    """Return arguments that are one number where they are the same along every axis."""
    return {name: Turned(name, one_for_all) for name in names}


def conv(rank: int) -> dict[str, Native]:
    """Return the frameworks' own convolutions over so many axes."""
    size, strides, apart = (Turned(name, one_for_all) for name in ("kernel_size", "strides", "dilation_rate"))
    return {
        "keras": Native(f"keras.layers.Conv{rank}D",
                        {"filters": "filters", **told("kernel_size", "strides"), "padding": "padding",
                         **told("dilation_rate"), **same("groups", "activation", "use_bias", *HELD)},
                        leading=("filters", "kernel_size"),
                        own={"strides": 1, "padding": "valid", "dilation_rate": 1, "groups": 1, "use_bias": True}),
        "torch": Native(f"nn.Conv{rank}d",
                        {"in_channels": "", "out_channels": "filters", "kernel_size": size, "stride": strides,
                         "padding": "", "dilation": apart, "groups": "groups", "bias": "use_bias"},
                        leading=("in_channels", "out_channels", "kernel_size"),
                        own={"stride": 1, "dilation": 1, "groups": 1, "bias": True},
                        weights={"kernel": ("weight", (rank + 1, rank, *range(rank))), "bias": ("bias", None)}),
    }  # fmt: skip


class Convolving(Windowed, ActivatedOp):
    """Base of the layers whose kernel moves along axes: an entry says its axes and what is one number for each."""

    # One number for each axis; here for their place among the fields.
    kernel_size: Any = Field(description="size of the window")
    strides: Any = Field(default=1, description="step of the window")
    padding: Any = Field(default="valid", description="zeros around the input")
    dilation_rate: Any = Field(default=1, description="distance of two cells of the window")
    data_format: DataFormat = Field(default="channels_last", description="where the channels stand, before and after")

    @model_validator(mode="after")
    def _keras_can(self) -> Self:
        if max(self.sizes("strides")) > 1 and max(self.sizes("dilation_rate")) > 1:
            raise ValueError("strides > 1 with dilation_rate > 1, which Keras and TensorFlow refuse; set one to 1")
        if self.data_format == "channels_first" and not self.activation.elementwise:
            raise ValueError(
                f"data_format channels_first with activation {self.activation.kind}, which goes along the last axis: "
                "there that is no axis of channels; make it a layer of its own, or set data_format to channels_last"
            )
        return self

    def apart(self) -> tuple[int, ...]:
        return self.sizes("dilation_rate")

    @property
    def windows(self) -> tuple[int, ...]:
        """Lengths that the window spans, (kernel_size - 1) dilation_rate + 1."""
        sizes = zip(self.sizes("kernel_size"), self.apart(), strict=True)
        return tuple((size - 1) * apart + 1 for size, apart in sizes)

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when ``padding`` pads nothing, when there is one window only, and when it has nothing to be spread."""
        strides, sizes, lengths = (
            self.sizes("strides"),
            self.sizes("kernel_size"),
            lengths_of(shape, self.data_format),
        )
        axes = zip(lengths, self.windows, strides, strict=True)
        if field == "dilation_rate" and max(sizes) == 1:
            return "there is nothing to spread in a window of 1"
        if field == "strides" and self.padding == "valid":
            return one_window(lengths, self.windows, strides, other if isinstance(other, tuple) else (other,))
        if field == "padding" and self.same_ends(lengths, other):
            return "the same zeros either way"
        if (
            field == "padding"
            and "same" in (self.padding, other)
            and not any(any(same_padding(*axis)) for axis in axes)
        ):
            return f"with kernel_size {size_source(sizes)} and strides {size_source(strides)}, 'same' pads nothing"
        return ""

    def _changed(self, field: str) -> str | None:
        """Return the source of a field that is one number for each axis, None where all are 1."""
        sizes = self.sizes(field)
        return size_source(sizes) if max(sizes) > 1 else None

    def keras(self, site: Site) -> KerasCode:
        lies, name, helpers, around = laid_last(self.data_format), self.natives["keras"].title, self._in_groups(), None
        name = helpers[-1].name if helpers else name
        by_hand = self._by_hand(lengths_of(site.input_shape, self.data_format))
        if by_hand is not None:
            base = "" if helpers else "keras.layers."
            padded = PADDED.format(name=name, base=base, cells="zeros", value="")
            helpers.append(Helper(name=f"Padded{name}", source=padded))
            around = tf_pads(by_hand)
        more = {"padding": None, "around": around} if around else {}
        activation = self.keras_activation(site)
        layer = self.keras_layer(site, helpers[-1].name if helpers else "", activation=activation, **more)
        return KerasCode(layer=layer, helpers=tuple(helpers), reads=lies, writes=lies)

    def _in_groups(self) -> list[Helper]:
        """Return what Keras's layer is made of where its own does not convolve groups of channels."""
        return []

    def _by_hand(self, lengths: Shape) -> list[tuple[int, int]] | None:
        """Return what is put around the input by hand; None where TensorFlow's own padding says it.

        Of three axes its ``SAME`` takes cells off where a stride steps over the end: docs/findings.md.
        """
        if not isinstance(self.padding, str):
            return list(self.padding)
        axes = zip(lengths, self.windows, self.steps(), strict=True)
        over = any((-(-n // stride) - 1) * stride + window < n for n, window, stride in axes)
        return self.pads(lengths) if over and self.padding == "same" and len(self.axes) > 2 else None

    def _extent(self) -> str:
        """Return the window's size in words."""
        sizes = self.sizes("kernel_size")
        return f"length {sizes[0]}" if len(sizes) == 1 else " x ".join(map(str, sizes))

    def padded(self, site: Site) -> tuple[str, str, str | None]:
        """Return what PyTorch's part reads, what is said of that, and the padding of its own if any."""
        around = self.pads(lengths_of(site.input_shape, self.data_format))
        if not any(map(any, around)):
            return "x", "", None
        if self.padding == "same" and max(self.sizes("strides")) == 1:
            return "x", "", '"same"'
        if all(before == after for before, after in around):
            return "x", "", size_source([before for before, _ in around])
        comment = "padded by hand: PyTorch refuses same padding with a stride; padding=k//2 shifts the values"
        comment = comment if self.padding == "same" else "padded by hand: PyTorch pads both sides alike"
        return f"F.pad(x, {torch_pads(around)})", comment, None

    def first(self, site: Site, modules: Mapping[str, str], x: str, weights: Mapping[str, TorchWeight],
              comment: str = "", helpers: tuple[Helper, ...] = ()) -> TorchCode:  # fmt: skip
        """Return PyTorch's modules, channels first, and the activation behind them."""
        every = {**modules, **self.torch_activation(site, 1)}
        return TorchCode(
            modules=every,
            forward=wrapped(x, every),
            reads=laid_first(self.data_format),
            writes=laid_first(self.data_format),
            weights=weights,
            output=next(reversed(every)),
            comment=comment,
            helpers=helpers,
        )


class Convolution(Weighted, Convolving):
    """Base of the convolutions: an entry says its axes and the fields that are one number for each of them."""

    width_field: ClassVar[str] = "filters"
    source: ClassVar = read_in(keras="layers/convolutional/base_conv", tensorflow="ops/nn_ops", torch="nn/modules/conv")

    filters: PositiveInt = Field(description="size of the output's last axis")
    groups: PositiveInt = Field(default=1, description="groups of channels, each with filters of its own")

    def output_shape(self, shape: Shape) -> Shape:
        """Return the number of positions along each axis, and the filters in the place of the channels."""
        found, channels = self._moved_over(shape, self.filters), channels_of(shape, self.data_format)
        if channels % self.groups or self.filters % self.groups:
            raise ShapeError(
                f"{self.kind} in {self.groups} groups, and there are {channels} channels and {self.filters} filters"
            )
        check_constraints(self, shape)
        return found

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return kernel (*kernel_size, in / groups, filters) and, with a bias, bias (filters,)."""
        channels = channels_of(shape, self.data_format) // self.groups
        return kernel_and_bias((*self.sizes("kernel_size"), channels, self.filters), self)

    def _affine(self, x: np.ndarray, p: Arrays) -> np.ndarray:
        lengths = x.shape[1:-1]
        padded = np.pad(x, ((0, 0), *self.pads(lengths), (0, 0)), "constant")
        # One product of all cells of the window, side by side, is several times as fast as a sum of theirs.
        places = list(self._places(self.sizes("kernel_size"), lengths))
        found, channels, filters = [], x.shape[-1] // self.groups, self.filters // self.groups
        for group in range(self.groups):
            read = (slice(group * channels, (group + 1) * channels),)
            columns = np.concatenate([np.cut(padded, (*place, *read)) for place in places], axis=-1)
            written = (slice(None), slice(group * filters, (group + 1) * filters))
            found.append(np.tensordot(columns, np.cut(p["kernel"].reshape(-1, self.filters), written), 1))
        z = np.concatenate(found, axis=-1)
        return z + p["bias"] if self.use_bias else z

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        z = self._affine(to_channels_last(x, self.data_format), p)
        return from_channels_last(self.activation.forward(z), self.data_format)

    def _in_groups(self) -> list[Helper]:
        name = self.natives["keras"].title
        return [Helper(name=f"Grouped{name}", source=GROUPED.format(name=name))] if self.groups > 1 else []

    def tensorflow(self, site: Site) -> TensorFlowCode:
        rank, dilated, own = len(self.axes), self._changed("dilation_rate"), f"tf.nn.conv{len(self.axes)}d"
        stride = "stride" if rank == 1 else "strides"
        kernel, steps = f"self.{site.name}_kernel", self.sizes("strides")
        by_hand = self._by_hand(lengths_of(site.input_shape, self.data_format))
        named = by_hand is None
        x = f"tf.pad(x, {tf_pads(by_hand)})" if by_hand is not None else "x"
        moved = {stride: str([1, *steps, 1]) if rank > 2 else size_source(steps)}
        convolved = call(
            "tf.nn.convolution" if dilated else own,
            *((x, kernel) if self.groups == 1 else ("part", "kernel")),
            **({} if dilated else moved),
            padding=repr(self.padding.upper() if named else "VALID"),
            dilations=dilated,
        )
        before = [f"# {own} has no gradient on CPU where it is dilated"] if dilated else []
        if self.groups > 1:
            before = [
                "# in groups, a convolution has no gradient on CPU",
                f"parts, kernels = (tf.split(one, {self.groups}, axis=-1) for one in ({x}, {kernel}))",
            ]
            convolved = f"tf.concat([{convolved} for part, kernel in zip(parts, kernels)], axis=-1)"
        if self.use_bias:
            convolved = f"{convolved} + self.{site.name}_bias"
        return TensorFlowCode(
            body=(*before, f"return {self.tensorflow_activation(site, convolved)}"),
            doc=f"{self.filters} filters of {self._extent()}.",
            reads=laid_last(self.data_format),
            writes=laid_last(self.data_format),
        )

    def torch(self, site: Site) -> TorchCode:
        x, comment, padding = self.padded(site)
        own = self.natives["torch"]
        channels = channels_of(site.input_shape, self.data_format)
        convolution = own.source(self, in_channels=str(channels), padding=padding)
        weights = own.kept_at(site.name, self.parameters(site.input_shape))
        return self.first(site, {site.name: convolution}, x, weights, comment)
