"""layer_norm: every row to mean 0 and variance 1 along some of its axes, then scaled and shifted."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from parity.code import Case, Helper, KerasCode, Site, TensorFlowCode, TorchCode
from parity.entries import Shape, read_in
from parity.native import Native, same
from parity.ops.axes import Axes, counted
from parity.ops.scaling import STARTED, Scaling

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays

ALONG = Helper(
    name="LayerNormAlong",
    source='''
class LayerNormAlong(nn.LayerNorm):
    """nn.LayerNorm along axes that are not the last ones."""

    def __init__(self, *args, axes, **kwargs):
        super().__init__(*args, **kwargs)
        self.axes, self.last = axes, tuple(range(-len(axes), 0))

    def forward(self, x):
        return super().forward(x.movedim(self.axes, self.last)).movedim(self.last, self.axes)
''',
)

KERAS_ALONG = Helper(
    name="LayerNormalizationAlong",
    source='''
class LayerNormalizationAlong(keras.layers.LayerNormalization):
    """LayerNormalization along axes that are not the last ones, for which Keras on PyTorch takes these."""

    def call(self, inputs):
        axes = [axis % len(inputs.shape) for axis in self.axis]
        mean, variance = keras.ops.moments(inputs, axes, keepdims=True)
        shape = [size if axis in axes else 1 for axis, size in enumerate(inputs.shape)]
        outputs = (inputs - mean) / keras.ops.sqrt(variance + self.epsilon)
        if self.gamma is not None:
            outputs = outputs * keras.ops.reshape(self.gamma, shape)
        return outputs if self.beta is None else outputs + keras.ops.reshape(self.beta, shape)
''',
)


class LayerNorm(Scaling):
    """y = gamma (x - mean) / sqrt(variance + epsilon) + beta, mean and variance over n along ``axis``, of each row.

    The same in training and in evaluation. Axes are counted as in Keras, from 1 or from the end; gamma and beta have
    an element for each place along them. ``nn.LayerNorm`` takes the shape of the last axes in their place, so behind a
    convolution it normalizes the columns of an image; Keras on PyTorch takes any axes that follow one another for the
    last ones (3.15), and is written out. Epsilon is 1e-3 in Keras, 1e-5 in PyTorch.
    """

    kind: ClassVar[str] = "layer_norm"
    passes_mask: ClassVar[bool] = True
    source: ClassVar = read_in(keras="layers/normalization/layer_normalization", tensorflow="ops/nn_impl",
                               torch="nn/modules/normalization")  # fmt: skip
    natives: ClassVar = {
        "keras": Native("keras.layers.LayerNormalization", same("axis", *STARTED),
                        own={"axis": -1, "epsilon": 1e-3, "center": True, "scale": True}),
        "torch": Native("nn.LayerNorm", {"normalized_shape": "", "eps": "epsilon", "elementwise_affine": ""},
                        leading=("normalized_shape",), weights={"gamma": ("weight", None), "beta": ("bias", None)}),
    }  # fmt: skip

    axis: Axes = Field(default=-1, description="along which mean and variance are: one, or several")

    def output_shape(self, shape: Shape) -> Shape:
        counted(self.kind, self.axis, shape)
        return shape

    def scaled_shape(self, shape: Shape) -> Shape:
        return tuple(shape[axis - 1] for axis in counted(self.kind, self.axis, shape))

    def _broadcast(self, shape: Shape) -> Shape:
        axes = counted(self.kind, self.axis, shape)
        return tuple(length if axis in axes else 1 for axis, length in enumerate(shape, 1))

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        shape = x.shape[1:]
        return self._shifted(self._normalized(x, counted(self.kind, self.axis, shape)), p, self._broadcast(shape))

    def keras(self, site: Site) -> KerasCode:
        if site.framework != "keras_torch" or self._last(site.input_shape):
            return KerasCode(layer=self.keras_layer(site))
        return KerasCode(layer=self.keras_layer(site, KERAS_ALONG.name), helpers=(KERAS_ALONG,))

    def _last(self, shape: Shape) -> bool:
        """Return whether the axes are the last ones."""
        axes, rank = counted(self.kind, self.axis, shape), len(shape)
        return axes == tuple(range(rank + 1 - len(axes), rank + 1))

    def tensorflow(self, site: Site) -> TensorFlowCode:
        axes, last = list(counted(self.kind, self.axis, site.input_shape)), self._last(site.input_shape)
        offset, scale = (
            one if one == "None" or last else f"tf.reshape({one}, {self._broadcast(site.input_shape)})"
            for one in self._factors(site)
        )
        return TensorFlowCode(
            body=(f"mean, variance = tf.nn.moments(x, axes={axes}, keepdims=True)",
                  f"return tf.nn.batch_normalization(x, mean, variance, {offset}, {scale}, {self.epsilon!r})"),
            doc="Every row to mean 0 and variance 1.",
        )  # fmt: skip

    def torch(self, site: Site) -> TorchCode:
        axes, shape = counted(self.kind, self.axis, site.input_shape), self.scaled_shape(site.input_shape)
        last = self._last(site.input_shape)
        made = self.natives["torch"].source(
            self, name_="" if last else ALONG.name, normalized_shape=str(shape if len(shape) > 1 else shape[0]),
            elementwise_affine=self._affine(), axes=None if last else str(axes),
        )  # fmt: skip
        return self._torch(site, made, () if last else (ALONG,))

    @classmethod
    def cases(cls) -> list[Case]:
        own, x = {"gamma": [10.0, 1.0], "beta": [1.0, 0.0]}, [[[1.0, 7.0], [4.0, 4.0]]]
        return [
            Case(shows="mean 4 and variance 9, over n: 3 below is -3 / 4 of a root of 9 + 7", fields={"epsilon": 7.0},
                 x=[[1.0, 7.0]], parameters=own, expected=[[-6.5, 0.75]]),
            Case(shows="each place by itself, along the last axis", fields={"epsilon": 7.0}, x=x, parameters=own,
                 expected=[[[-6.5, 0.75], [1.0, 0.0]]]),
            Case(shows="along the first axis, whose elements gamma counts", fields={"epsilon": 1.75, "axis": 1}, x=x,
                 parameters=own, expected=[[[-6.5, 8.5], [0.75, -0.75]]]),
            Case(shows="along both, without beta", fields={"epsilon": 11.5, "axis": [1, 2], "center": False}, x=x,
                 parameters={"gamma": [[1.0, 4.0], [9.0, 9.0]]}, expected=[[[-0.75, 3.0], [0.0, 0.0]]]),
            Case(shows="beta without gamma", fields={"epsilon": 7.0, "scale": False}, x=[[1.0, 7.0]],
                 parameters={"beta": [1.0, 0.0]}, expected=[[0.25, 0.75]]),
            Case(shows="neither", fields={"epsilon": 7.0, "scale": False, "center": False}, x=[[1.0, 7.0]],
                 expected=[[-0.75, 0.75]]),
        ]  # fmt: skip
