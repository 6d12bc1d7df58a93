"""conv1d: y[n, t, o] = activation(sum_k sum_i x[n, t s + k d - pad, i] W[k, i, o] + b[o])."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from parity.entries import Shape
from parity.initializers import AnyInitializer
from parity.initializers.glorot_uniform import GlorotUniform
from parity.initializers.zeros import Zeros
from parity.lazy import np
from parity.ops import ActivatedOp, ShapeError, initialised, kernel_and_bias, wrapped
from parity.ops.windows import padded_length, same_padding
from parity.written import (
    Case,
    KerasCode,
    Parameter,
    Site,
    TensorFlowCode,
    TorchCode,
    TorchWeight,
    call,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from parity.written import Arrays


class Conv1D(ActivatedOp):
    """y[n, t, o] = activation(sum_k sum_i x[n, t s + k d - pad, i] W[k, i, o] + b[o]).

    Input (N, length, in), kernel W (kernel_size, in, filters), output (N, length', filters). ``same`` pads with
    zeros so that length' = ceil(length / s), the odd cell after the end. Keras and TensorFlow convolve channels
    last; PyTorch's ``nn.Conv1d`` channels first, with its weight as (filters, in, kernel_size), and refuses
    ``padding="same"`` with a stride: there the template pads by hand, since ``padding=k // 2`` has the same
    output shape with every value shifted.
    """

    kind: ClassVar[str] = "conv1d"
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/layers/convolutional/base_conv.py",
        "tensorflow": "tensorflow/python/ops/nn_ops.py",
        "torch": "torch/nn/modules/conv.py",
    }
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "torch": {"kernel_initializer": "fan_in_uniform", "bias_initializer": "fan_in_uniform"}
    }

    filters: PositiveInt = Field(description="size of the output's last axis")
    kernel_size: PositiveInt = Field(description="length of the window")
    strides: PositiveInt = Field(default=1, description="step of the window")
    padding: Literal["valid", "same"] = Field(default="valid", description="zeros around the input")
    dilation_rate: PositiveInt = Field(default=1, description="distance of two taps of the window")
    use_bias: bool = Field(default=True, description="add b")
    kernel_initializer: AnyInitializer = Field(default=GlorotUniform(), description="how W starts")
    bias_initializer: AnyInitializer = Field(default=Zeros(), description="how b starts")

    @model_validator(mode="after")
    def _keras_can(self) -> Self:
        if self.strides > 1 and self.dilation_rate > 1:
            raise ValueError("strides > 1 with dilation_rate > 1, which Keras and TensorFlow refuse; set one to 1")
        return self

    @property
    def window(self) -> int:
        """Length the window spans, (kernel_size - 1) dilation_rate + 1."""
        return (self.kernel_size - 1) * self.dilation_rate + 1

    def output_shape(self, shape: Shape) -> Shape:
        """Return (length', filters)."""
        if len(shape) != 2:
            raise ShapeError(f"conv1d reads (length, channels), it is given {shape}")
        if self.padding == "valid" and shape[0] < self.window:
            raise ShapeError(
                f"conv1d with a window of {self.window} reads at least that length, it is given {shape}"
                + (f": is {shape[-1]} the length and {shape[0]} the channels?" if shape[1] >= self.window else "")
            )
        return (padded_length(shape[0], self.window, self.strides, self.padding), self.filters)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return kernel (kernel_size, in, filters) and, with a bias, bias (filters,)."""
        return kernel_and_bias(
            (self.kernel_size, shape[-1], self.filters),
            self.kernel_initializer,
            self.bias_initializer if self.use_bias else None,
        )

    def _pads(self, length: int) -> tuple[int, int]:
        return same_padding(length, self.window, self.strides) if self.padding == "same" else (0, 0)

    def _patches(self, x: np.ndarray) -> np.ndarray:
        """Return the windows of x, (N, length', kernel_size, in)."""
        padded = np.pad(x, ((0, 0), self._pads(x.shape[1]), (0, 0)))
        steps = padded_length(x.shape[1], self.window, self.strides, self.padding)
        taps = np.arange(steps)[:, None] * self.strides + np.arange(self.kernel_size) * self.dilation_rate
        return padded[:, taps]

    def _affine(self, x: np.ndarray, p: Arrays) -> np.ndarray:
        z = np.tensordot(self._patches(x), p["kernel"], axes=2)
        return z + p["bias"] if self.use_bias else z

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        """Return the activated convolution."""
        return self.activation.forward(self._affine(x, p))

    def vjp(
        self, x: np.ndarray, p: Arrays, dy: np.ndarray, mask: np.ndarray | None = None
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the gradients; each tap scatters its share back to where it was read."""
        z = self._affine(x, p)
        dz = self.activation.vjp(z, self.activation.forward(z), dy)
        gradients = {"kernel": np.tensordot(self._patches(x), dz, axes=((0, 1), (0, 1)))}
        if self.use_bias:
            gradients["bias"] = dz.sum(axis=(0, 1))
        before, after = self._pads(x.shape[1])
        dx = np.zeros((x.shape[0], x.shape[1] + before + after, x.shape[2]))
        for tap in range(self.kernel_size):
            start = tap * self.dilation_rate
            stop = start + self.strides * (dz.shape[1] - 1) + 1
            dx[:, start : stop : self.strides] += dz @ p["kernel"][tap].T
        return dx[:, before : before + x.shape[1]], gradients

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when ``padding`` pads nothing either way."""
        if field == "padding" and not any(same_padding(shape[0], self.window, self.strides)):
            return f"with kernel_size {self.kernel_size} and strides {self.strides}, 'same' pads nothing"
        return ""

    def keras(self, site: Site) -> KerasCode:
        """Return ``keras.layers.Conv1D``."""
        layer = call(
            "keras.layers.Conv1D",
            self.filters,
            self.kernel_size,
            strides=self.strides if self.strides > 1 else None,
            padding=repr(self.padding) if self.padding != "valid" else None,
            dilation_rate=self.dilation_rate if self.dilation_rate > 1 else None,
            activation=self.keras_activation(site),
            use_bias=None if self.use_bias else False,
            **initialised(self.parameters(site.input_shape), {"kernel": "glorot_uniform", "bias": "zeros"}),
            name=repr(site.name),
        )
        return KerasCode(layer=layer)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        """Return ``tf.nn.conv1d`` plus the bias, or ``tf.nn.convolution`` where it is dilated."""
        dilated = self.dilation_rate > 1
        convolved = call(
            "tf.nn.convolution" if dilated else "tf.nn.conv1d",
            "x",
            f"self.{site.name}_kernel",
            stride=None if dilated else self.strides,
            padding=repr(self.padding.upper()),
            dilations=self.dilation_rate if dilated else None,
        )
        if self.use_bias:
            convolved = f"{convolved} + self.{site.name}_bias"
        why = ("# tf.nn.conv1d has no gradient on CPU where it is dilated",) if dilated else ()
        return TensorFlowCode(
            body=(*why, f"return {self.tensorflow_activation(site, convolved)}"),
            doc=f"{self.filters} filters of length {self.kernel_size}.",
        )

    def torch(self, site: Site) -> TorchCode:
        """Return ``nn.Conv1d``, padded by hand where PyTorch's ``same`` cannot."""
        x, comment, by_hand = "x", "", self.padding == "same" and self.strides > 1
        before, after = self._pads(site.input_shape[0])
        if by_hand and before + after:
            x = f"F.pad(x, ({before}, {after}))"
            comment = "padded by hand: PyTorch refuses same padding with a stride; padding=k//2 shifts the values"
        convolution = call(
            "nn.Conv1d",
            site.input_shape[-1],
            self.filters,
            self.kernel_size,
            stride=self.strides if self.strides > 1 else None,
            padding='"same"' if self.padding == "same" and not by_hand and before + after else None,
            dilation=self.dilation_rate if self.dilation_rate > 1 else None,
            bias=None if self.use_bias else False,
        )
        activation = self.torch_activation(site, 1)
        weights = {"kernel": TorchWeight(attribute=f"{site.name}.weight", axes=(2, 1, 0))}
        if self.use_bias:
            weights["bias"] = TorchWeight(attribute=f"{site.name}.bias")
        return TorchCode(
            modules={site.name: convolution, **activation},
            forward=wrapped(f"self.{site.name}({x})", activation),
            reads="channels_first",
            writes="channels_first",
            weights=weights,
            output=next(reversed([site.name, *activation])),
            comment=comment,
        )

    @classmethod
    def cases(cls) -> list[Case]:
        """Return the hand-worked cases."""
        ramp = [[[1.0], [2.0], [3.0], [4.0]]]
        two = {"kernel": [[[1.0]], [[10.0]]], "bias": [0.0]}
        three = {"kernel": [[[1.0]], [[10.0]], [[100.0]]], "bias": [0.5]}
        return [
            Case(shows="the window is not flipped: a convolution would give 12, 23, 34",
                 fields={"filters": 1, "kernel_size": 2}, x=ramp, parameters=two,
                 expected=[[[21.0], [32.0], [43.0]]]),
            Case(shows="same padding of an even window adds its cell after the end",
                 fields={"filters": 1, "kernel_size": 2, "padding": "same"}, x=ramp, parameters=two,
                 expected=[[[21.0], [32.0], [43.0], [4.0]]]),
            Case(shows="same padding with stride 2 and even length pads after the end only; k//2 gives 210.5, 432.5",
                 fields={"filters": 1, "kernel_size": 3, "padding": "same", "strides": 2}, x=ramp,
                 parameters=three, expected=[[[321.5], [43.5]]]),
            Case(shows="dilation skips a cell", fields={"filters": 1, "kernel_size": 2, "dilation_rate": 2},
                 x=ramp, parameters=two, expected=[[[31.0], [42.0]]]),
            Case(shows="channels are summed, filters are apart, relu cuts",
                 fields={"filters": 2, "kernel_size": 1, "activation": "relu", "use_bias": False},
                 x=[[[1.0, 2.0], [3.0, 4.0]]], parameters={"kernel": [[[1.0, -1.0], [10.0, 0.0]]]},
                 expected=[[[21.0, 0.0], [43.0, 0.0]]]),
        ]  # fmt: skip
