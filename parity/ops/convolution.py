"""What convolutions share, whatever the number of axes that their window moves along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from parity.code import KerasCode, Parameter, Site, TensorFlowCode, TorchCode, TorchWeight, call
from parity.constraints import AnyConstraint
from parity.entries import Shape
from parity.initializers import AnyInitializer
from parity.initializers.glorot_uniform import GlorotUniform
from parity.initializers.zeros import Zeros
from parity.lazy import differentiable as np
from parity.ops import (
    ActivatedOp,
    ShapeError,
    check_constraints,
    keras_parameters,
    kernel_and_bias,
    wrapped,
)
from parity.ops.windows import (
    DataFormat,
    Place,
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
from parity.regularizers import AnyRegularizer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from parity.code import Arrays


class Convolution(ActivatedOp):
    """Base of the convolutions: an entry says its axes and the fields that are one number for each of them."""

    axes: ClassVar[tuple[str, ...]] = ()
    """What the axes are called that the window moves along."""
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "torch": {"kernel_initializer": "fan_in_uniform", "bias_initializer": "fan_in_uniform"}
    }
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/layers/convolutional/base_conv.py",
        "tensorflow": "tensorflow/python/ops/nn_ops.py",
        "torch": "torch/nn/modules/conv.py",
    }

    filters: PositiveInt = Field(description="size of the output's last axis")
    # One number for each axis; here for their place among the fields.
    kernel_size: Any = Field(description="size of the window")
    strides: Any = Field(default=1, description="step of the window")
    padding: Literal["valid", "same"] = Field(default="valid", description="zeros around the input")
    dilation_rate: Any = Field(default=1, description="distance of two cells of the window")
    data_format: DataFormat = Field(default="channels_last", description="where the channels stand, before and after")
    use_bias: bool = Field(default=True, description="add b")
    kernel_initializer: AnyInitializer = Field(default=GlorotUniform(), description="how W starts")
    bias_initializer: AnyInitializer = Field(default=Zeros(), description="how b starts")
    kernel_regularizer: AnyRegularizer | None = Field(default=None, description="what W adds to the loss")
    bias_regularizer: AnyRegularizer | None = Field(default=None, description="what b adds to the loss")
    kernel_constraint: AnyConstraint | None = Field(default=None, description="what W is held to")
    bias_constraint: AnyConstraint | None = Field(default=None, description="what b is held to")

    @model_validator(mode="after")
    def _keras_can(self) -> Self:
        if max(self._sizes("strides")) > 1 and max(self._sizes("dilation_rate")) > 1:
            raise ValueError("strides > 1 with dilation_rate > 1, which Keras and TensorFlow refuse; set one to 1")
        if self.data_format == "channels_first" and not self.activation.elementwise:
            raise ValueError(
                f"data_format channels_first with activation {self.activation.kind}, which goes along the last axis: "
                "there that is no axis of channels; make it a layer of its own, or set data_format to channels_last"
            )
        return self

    def _sizes(self, field: str) -> tuple[int, ...]:
        """Return a field as one number for each axis."""
        value = getattr(self, field)
        return value if isinstance(value, tuple) else (value,)

    def steps(self) -> tuple[int, ...]:
        return self._sizes("strides")

    @property
    def windows(self) -> tuple[int, ...]:
        """Lengths the window spans, (kernel_size - 1) dilation_rate + 1."""
        sizes = zip(self._sizes("kernel_size"), self._sizes("dilation_rate"), strict=True)
        return tuple((size - 1) * apart + 1 for size, apart in sizes)

    def output_shape(self, shape: Shape) -> Shape:
        """Return the number of positions along each axis, and the filters in the place of the channels."""
        if len(shape) != len(self.axes) + 1:
            wanted = wanted_axes(self.axes, self.data_format)
            raise ShapeError(f"{self.kind} reads ({wanted}), it is given {shape}")
        lengths, channels = lengths_of(shape, self.data_format), channels_of(shape, self.data_format)
        short = any(length < window for length, window in zip(lengths, self.windows, strict=True))
        if self.padding == "valid" and short:
            window = size_source(self.windows)
            turned = len(self.axes) == 1 and channels >= self.windows[0]
            raise ShapeError(
                f"{self.kind} with a window of {window} reads at least that {extent(self.axes)}, it is given {shape}"
                + (f": is {channels} the length and {lengths[0]} the channels?" if turned else "")
            )
        check_constraints(self, shape)
        return shape_of(self._steps(lengths), self.filters, self.data_format)

    def _steps(self, lengths: Shape) -> tuple[int, ...]:
        sizes = zip(lengths, self.windows, self._sizes("strides"), strict=True)
        return tuple(padded_length(*axis, self.padding) for axis in sizes)

    def _pads(self, lengths: Shape) -> list[tuple[int, int]]:
        return pads(lengths, self.windows, self._sizes("strides"), self.padding)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return kernel (*kernel_size, in, filters) and, with a bias, bias (filters,)."""
        channels = channels_of(shape, self.data_format)
        return kernel_and_bias((*self._sizes("kernel_size"), channels, self.filters), self)

    def _cells(self, lengths: Shape) -> Iterator[Place]:
        size, strides, dilation = (self._sizes(name) for name in ("kernel_size", "strides", "dilation_rate"))
        return cells(size, strides, dilation, self._steps(lengths))

    def _padded(self, x: np.ndarray) -> np.ndarray:
        return np.pad(x, ((0, 0), *self._pads(x.shape[1:-1]), (0, 0)), "constant")

    def _affine(self, x: np.ndarray, p: Arrays) -> np.ndarray:
        padded, lengths = self._padded(x), x.shape[1:-1]
        # One product of all cells of the window, side by side, is several times as fast as a sum of theirs.
        columns = np.concatenate([np.cut(padded, place) for place in self._cells(lengths)], axis=-1)
        z = np.tensordot(columns, p["kernel"].reshape(-1, self.filters), 1)
        return z + p["bias"] if self.use_bias else z

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        z = self._affine(to_channels_last(x, self.data_format), p)
        return from_channels_last(self.activation.forward(z), self.data_format)

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when ``padding`` pads nothing, when there is one window only, and when it has nothing to be spread."""
        strides, sizes, lengths = (
            self._sizes("strides"),
            self._sizes("kernel_size"),
            lengths_of(shape, self.data_format),
        )
        axes = zip(lengths, self.windows, strides, strict=True)
        if field == "dilation_rate" and max(sizes) == 1:
            return "there is nothing to spread in a window of 1"
        if field == "strides" and self.padding == "valid":
            return one_window(lengths, self.windows, strides, other if isinstance(other, tuple) else (other,))
        if field == "padding" and not any(any(same_padding(*axis)) for axis in axes):
            return f"with kernel_size {size_source(sizes)} and strides {size_source(strides)}, 'same' pads nothing"
        return ""

    def _changed(self, field: str) -> str | None:
        """Return the source of a field that is one number for each axis, None where all are 1."""
        sizes = self._sizes(field)
        return size_source(sizes) if max(sizes) > 1 else None

    def keras(self, site: Site) -> KerasCode:
        layer = call(
            f"keras.layers.Conv{len(self.axes)}D",
            self.filters,
            size_source(self._sizes("kernel_size")),
            strides=self._changed("strides"),
            padding=repr(self.padding) if self.padding != "valid" else None,
            dilation_rate=self._changed("dilation_rate"),
            activation=self.keras_activation(site),
            use_bias=None if self.use_bias else False,
            **keras_parameters(self.parameters(site.input_shape), {"kernel": "glorot_uniform", "bias": "zeros"}),
            name=repr(site.name),
        )
        lies = laid_last(self.data_format)
        return KerasCode(layer=layer, reads=lies, writes=lies)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        dilated, own = self._changed("dilation_rate"), f"tf.nn.conv{len(self.axes)}d"
        stride = "stride" if len(self.axes) == 1 else "strides"
        convolved = call(
            "tf.nn.convolution" if dilated else own,
            "x",
            f"self.{site.name}_kernel",
            **({} if dilated else {stride: size_source(self._sizes("strides"))}),
            padding=repr(self.padding.upper()),
            dilations=dilated,
        )
        if self.use_bias:
            convolved = f"{convolved} + self.{site.name}_bias"
        why = (f"# {own} has no gradient on CPU where it is dilated",) if dilated else ()
        return TensorFlowCode(
            body=(*why, f"return {self.tensorflow_activation(site, convolved)}"),
            doc=f"{self.filters} filters of {self._extent()}.",
            reads=laid_last(self.data_format),
            writes=laid_last(self.data_format),
        )

    def _extent(self) -> str:
        """Return the window's size in words."""
        sizes = self._sizes("kernel_size")
        return f"length {sizes[0]}" if len(sizes) == 1 else " x ".join(map(str, sizes))

    def torch(self, site: Site) -> TorchCode:
        x, comment, padding, rank = "x", "", None, len(self.axes)
        around = self._pads(lengths_of(site.input_shape, self.data_format))
        if not any(map(any, around)):
            pass
        elif max(self._sizes("strides")) == 1:
            padding = '"same"'
        elif all(before == after for before, after in around):
            padding = size_source([before for before, _ in around])
        else:
            x = f"F.pad(x, {torch_pads(around)})"
            comment = "padded by hand: PyTorch refuses same padding with a stride; padding=k//2 shifts the values"
        convolution = call(
            f"nn.Conv{rank}d",
            channels_of(site.input_shape, self.data_format),
            self.filters,
            size_source(self._sizes("kernel_size")),
            stride=self._changed("strides"),
            padding=padding,
            dilation=self._changed("dilation_rate"),
            bias=None if self.use_bias else False,
        )
        activation = self.torch_activation(site, 1)
        weights = {"kernel": TorchWeight(attribute=f"{site.name}.weight", axes=(rank + 1, rank, *range(rank)))}
        if self.use_bias:
            weights["bias"] = TorchWeight(attribute=f"{site.name}.bias")
        return TorchCode(
            modules={site.name: convolution, **activation},
            forward=wrapped(f"self.{site.name}({x})", activation),
            reads=laid_first(self.data_format),
            writes=laid_first(self.data_format),
            weights=weights,
            output=next(reversed([site.name, *activation])),
            comment=comment,
        )
