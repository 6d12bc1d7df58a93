"""What convolutions of every channel by itself share, whatever the number of axes that their window moves along."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, PositiveInt, model_validator

from parity.code import Helper, Parameter, Site, TensorFlowCode, TorchCode, TorchWeight, call
from parity.constraints import AnyConstraint
from parity.entries import Shape, read_in
from parity.initializers import AnyInitializer
from parity.initializers.glorot_uniform import GlorotUniform
from parity.lazy import differentiable as np
from parity.native import Native, Turned, one_for_all, same
from parity.ops import SAID, check_constraints, held
from parity.ops.convolution import Convolving, told
from parity.ops.weighted import Biased
from parity.ops.windows import channels_of, from_channels_last, laid_last, tf_pads, to_channels_last
from parity.regularizers import AnyRegularizer

if TYPE_CHECKING:
    from parity.code import Arrays

DEPTHWISE = '''
class DepthwiseConv{rank}d(nn.Conv{rank}d):
    """nn.Conv{rank}d of every channel by itself, its weight (in, outputs of each, ...)."""

    def __init__(self, channels, multiplier, kernel_size, **kwargs):
        super().__init__(channels, channels * multiplier, kernel_size, groups=channels, **kwargs)
        self.weight = nn.Parameter(self.weight.detach().unflatten(0, (channels, multiplier)).squeeze(2))

    def forward(self, x):
        return self._conv_forward(x, self.weight.flatten(0, 1).unsqueeze(1), self.bias)
'''


def torch_depthwise(rank: int) -> Native:
    """Return PyTorch's convolution in as many groups as there are channels."""
    size, strides, apart = (Turned(name, one_for_all) for name in ("kernel_size", "strides", "dilation_rate"))
    return Native(f"nn.Conv{rank}d",
                  {"in_channels": "", "out_channels": "", "groups": "", "kernel_size": size, "stride": strides,
                   "padding": "", "dilation": apart, "bias": "use_bias"},
                  leading=("in_channels", "out_channels", "kernel_size"),
                  own={"stride": 1, "dilation": 1, "bias": True}, when={"depth_multiplier": 1},
                  why={"depth_multiplier": "with several outputs of each channel"},
                  weights={"kernel": ("weight", (rank, rank + 1, *range(rank))), "bias": ("bias", None)})  # fmt: skip


def depthwise(rank: int) -> dict[str, Native]:
    """Return the frameworks' own depthwise convolutions over so many axes."""
    names = [f"{name}_{said}" for name in ("depthwise", "bias") for said in SAID]
    return {
        "keras": Native(f"keras.layers.DepthwiseConv{rank}D",
                        {**told("kernel_size", "strides"), "padding": "padding", **same("depth_multiplier"),
                         **told("dilation_rate"), **same("activation", "use_bias", *names)},
                        leading=("kernel_size",),
                        own={"strides": 1, "padding": "valid", "depth_multiplier": 1, "dilation_rate": 1,
                             "use_bias": True}),
        "torch": torch_depthwise(rank),
    }  # fmt: skip


class ByChannel(Biased, Convolving):
    """Base of the layers that convolve every channel by itself, at first or at all."""

    depth_multiplier: PositiveInt = Field(default=1, description="outputs of each channel")
    depthwise_initializer: AnyInitializer = Field(default=GlorotUniform(), description="how the window starts")
    depthwise_regularizer: AnyRegularizer | None = Field(default=None, description="what it adds to the loss")
    depthwise_constraint: AnyConstraint | None = Field(default=None, description="what it is held to")

    @model_validator(mode="after")
    def _one_stride(self) -> Self:
        if len(set(self.sizes("strides"))) > 1:
            raise ValueError("strides of rows and columns that differ, which Keras and TensorFlow refuse here")
        return self

    def window(self, shape: Shape, name: str) -> Parameter:
        """Return the parameter with the window of every channel, (*kernel_size, in, depth_multiplier)."""
        size, channels = self.sizes("kernel_size"), channels_of(shape, self.data_format)
        cells, whole = math.prod(size), (*size, channels, self.depth_multiplier)
        # Keras counts all channels as what feeds an output (compute_fans), which is fed by one.
        return held(self, name, whole, cells * channels, cells * self.depth_multiplier, cells)

    def by_channel(self, x: np.ndarray, window: np.ndarray) -> np.ndarray:
        """Return every channel convolved, its outputs side by side."""
        padded = np.pad(x, ((0, 0), *self.pads(x.shape[1:-1]), (0, 0)), "constant")
        places = self._places(self.sizes("kernel_size"), x.shape[1:-1])
        cells = window.reshape(-1, *window.shape[-2:])
        z = sum(np.expand_dims(np.cut(padded, place), -1) * cells[number] for number, place in enumerate(places))
        return z.reshape(*z.shape[:-2], -1)

    def called(self, function: str, *kernels: str) -> str:
        """Return TensorFlow's call, whose functions know rows and columns only."""
        one = len(self.axes) == 1
        kernels = tuple(f"{kernel}[tf.newaxis]" if one else kernel for kernel in kernels)
        stride, apart = self.sizes("strides")[0], self.sizes("dilation_rate")
        named = isinstance(self.padding, str)
        x = "x" if named else f"tf.pad(x, {tf_pads(self.padding)})"
        found = call(function, f"{x}[:, tf.newaxis]" if one else x, *kernels, f"[1, {stride}, {stride}, 1]",
                     repr(self.padding.upper() if named else "VALID"),
                     dilations=str([1, *apart] if one else list(apart)) if max(apart) > 1 else None)  # fmt: skip
        return f"{found}[:, 0]" if one else found

    def window_module(self, site: Site, padding: str | None, bias: str | None) -> tuple[str, tuple[Helper, ...]]:
        """Return PyTorch's module of the channels by themselves."""
        rank, channels = len(self.axes), channels_of(site.input_shape, self.data_format)
        own, name = torch_depthwise(rank), f"DepthwiseConv{rank}d"
        if self.depth_multiplier == 1:
            one = str(channels)
            more: dict[str, Any] = {"in_channels": one, "out_channels": one, "groups": one, "padding": padding}
            return own.source(self, bias=bias, **more), ()
        made = own.source(self, name_=name, in_channels=str(channels), out_channels=str(self.depth_multiplier),
                          groups=None, padding=padding, bias=bias)  # fmt: skip
        return made, (Helper(name=name, source=DEPTHWISE.format(rank=rank)),)


class DepthwiseConvolution(ByChannel):
    """Base of the depthwise convolutions."""

    started: ClassVar = ("kernel", "bias")
    said_as: ClassVar = {"kernel": "depthwise"}
    native: ClassVar = {"torch": {"depthwise_initializer": "fan_in_uniform", "bias_initializer": "fan_in_uniform"}}
    source: ClassVar = read_in(keras="layers/convolutional/base_depthwise_conv", tensorflow="ops/nn_impl",
                               torch="nn/modules/conv")  # fmt: skip

    def output_shape(self, shape: Shape) -> Shape:
        """Return the number of positions along each axis, and the outputs of all channels."""
        found = self._moved_over(shape, channels_of(shape, self.data_format) * self.depth_multiplier)
        check_constraints(self, shape)
        return found

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return kernel (*kernel_size, in, depth_multiplier) and, with a bias, bias (in depth_multiplier,)."""
        found = {"kernel": self.window(shape, "kernel")}
        size = math.prod(found["kernel"].shape[-2:])
        if self.use_bias:
            found["bias"] = held(self, "bias", (size,), size, size, found["kernel"].feeds)
        return found

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        z = self.by_channel(to_channels_last(x, self.data_format), p["kernel"])
        return from_channels_last(self.activation.forward(z + p["bias"] if self.use_bias else z), self.data_format)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        made = self.called("tf.nn.depthwise_conv2d", f"self.{site.name}_kernel")
        made = f"{made} + self.{site.name}_bias" if self.use_bias else made
        lies = laid_last(self.data_format)
        return TensorFlowCode(
            body=(f"return {self.tensorflow_activation(site, made)}",),
            doc=f"Every channel by itself, windows of {self._extent()}.",
            reads=lies,
            writes=lies,
        )

    def torch(self, site: Site) -> TorchCode:
        x, comment, padding = self.padded(site)
        made, helpers = self.window_module(site, padding, None if self.use_bias else "False")
        weights = self.natives["torch"].kept_at(site.name, self.parameters(site.input_shape))
        return self.first(site, {site.name: made}, x, weights, comment, helpers)


def separable(rank: int) -> dict[str, Native]:
    """Return Keras's own separable convolution over so many axes."""
    names = [f"{name}_{said}" for name in ("depthwise", "pointwise", "bias") for said in SAID]
    return {
        "keras": Native(f"keras.layers.SeparableConv{rank}D",
                        {"filters": "filters", **told("kernel_size", "strides"), "padding": "padding",
                         **told("dilation_rate"), **same("depth_multiplier", "activation", "use_bias", *names)},
                        leading=("filters", "kernel_size"),
                        own={"strides": 1, "padding": "valid", "dilation_rate": 1, "depth_multiplier": 1,
                             "use_bias": True})}  # fmt: skip


class SeparableConvolution(ByChannel):
    """Base of the separable convolutions: every channel by itself, then a product over all."""

    width_field: ClassVar[str] = "filters"
    started: ClassVar = ("depthwise_kernel", "pointwise_kernel", "bias")
    said_as: ClassVar = {"depthwise_kernel": "depthwise", "pointwise_kernel": "pointwise"}
    source: ClassVar = read_in(keras="layers/convolutional/base_separable_conv", tensorflow="ops/nn_impl",
                               torch="nn/modules/conv")  # fmt: skip
    native: ClassVar = {
        "torch": {f"{name}_initializer": "fan_in_uniform" for name in ("depthwise", "pointwise", "bias")}
    }

    filters: PositiveInt = Field(description="size of the output's last axis")
    pointwise_initializer: AnyInitializer = Field(default=GlorotUniform(), description="how the product's W starts")
    pointwise_regularizer: AnyRegularizer | None = Field(default=None, description="what W adds to the loss")
    pointwise_constraint: AnyConstraint | None = Field(default=None, description="what W is held to")

    def output_shape(self, shape: Shape) -> Shape:
        """Return the number of positions along each axis, and the filters in the place of the channels."""
        found = self._moved_over(shape, self.filters)
        check_constraints(self, shape)
        return found

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return depthwise_kernel, pointwise_kernel (1, ..., in depth_multiplier, filters) and, if any, bias."""
        found = {"depthwise_kernel": self.window(shape, "depthwise_kernel")}
        size = math.prod(found["depthwise_kernel"].shape[-2:])
        whole = (*(1 for _ in self.axes), size, self.filters)
        found["pointwise_kernel"] = held(self, "pointwise_kernel", whole, size, self.filters, size)
        if self.use_bias:
            found["bias"] = held(self, "bias", (self.filters,), self.filters, self.filters, size)
        return found

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        z = self.by_channel(to_channels_last(x, self.data_format), p["depthwise_kernel"])
        z = np.tensordot(z, p["pointwise_kernel"].reshape(-1, self.filters), 1)
        return from_channels_last(self.activation.forward(z + p["bias"] if self.use_bias else z), self.data_format)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        kernels = (f"self.{site.name}_{which}_kernel" for which in ("depthwise", "pointwise"))
        made = self.called("tf.nn.separable_conv2d", *kernels)
        made = f"{made} + self.{site.name}_bias" if self.use_bias else made
        lies = laid_last(self.data_format)
        return TensorFlowCode(
            body=(f"return {self.tensorflow_activation(site, made)}",),
            doc=f"Every channel by itself, windows of {self._extent()}, then {self.filters} filters over all.",
            reads=lies,
            writes=lies,
        )

    def torch(self, site: Site) -> TorchCode:
        x, comment, padding = self.padded(site)
        made, helpers = self.window_module(site, padding, "False")
        rank, shapes = len(self.axes), self.parameters(site.input_shape)
        size = shapes["pointwise_kernel"].shape[-2]
        bias = None if self.use_bias else "False"
        point = call(f"nn.Conv{rank}d", size, self.filters, 1, bias=bias)
        first, second = f"{site.name}_depthwise", f"{site.name}_pointwise"
        weights = {
            "depthwise_kernel": TorchWeight(attribute=f"{first}.weight", axes=(rank, rank + 1, *range(rank))),
            "pointwise_kernel": TorchWeight(attribute=f"{second}.weight", axes=(rank + 1, rank, *range(rank))),
            "bias": TorchWeight(attribute=f"{second}.bias"),
        }
        kept = {name: weights[name] for name in shapes}
        return self.first(site, {first: made, second: point}, x, kept, comment, helpers)
