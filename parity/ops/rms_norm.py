"""rms_norm: every row to a root mean square of 1 along some of its axes, then scaled."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveFloat

from parity.code import Case, KerasCode, Parameter, Site, TensorFlowCode, TorchCode
from parity.entries import Shape, read_in
from parity.initializers.ones import Ones
from parity.lazy import differentiable as np
from parity.native import Native, same
from parity.ops import Op, ShapeError
from parity.ops.scaling import vector

if TYPE_CHECKING:
    from parity.code import Arrays


class RMSNorm(Op):
    """y = scale x / sqrt(mean(x^2) + epsilon) along the last axis, of each row; no mean is taken off.

    ``scale`` starts at 1 in Keras and PyTorch. Epsilon is 1e-6 in Keras; ``nn.RMSNorm`` takes the smallest step of its
    float type unless told, 1.2e-7 in float32 and 2.2e-16 in float64: ``none`` here.
    """

    kind: ClassVar[str] = "rms_norm"
    wide: ClassVar[bool] = True
    rescales: ClassVar[bool] = True
    native: ClassVar = {"torch": {"epsilon": None}}
    source: ClassVar = read_in(keras="layers/normalization/rms_normalization", torch="nn/modules/normalization")
    natives: ClassVar = {
        "keras": Native("keras.layers.RMSNormalization", same("epsilon"), own={"epsilon": 1e-6}),
        "torch": Native("nn.RMSNorm", {"normalized_shape": "", "eps": "epsilon"}, leading=("normalized_shape",),
                        own={"eps": None}, weights={"scale": ("weight", None)}),
    }  # fmt: skip

    epsilon: PositiveFloat | None = Field(
        default=1e-6, description="added to the mean square; none for the smallest step of the float type"
    )

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return scale, (channels,)."""
        if not shape:
            raise ShapeError(f"rms_norm reads an axis at least, it is given {shape}")
        return {"scale": vector(shape[-1:], Ones())}

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        epsilon = 2.0**-52 if self.epsilon is None else self.epsilon
        return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + epsilon) * p["scale"]

    def keras(self, site: Site) -> KerasCode:
        epsilon = "float(np.finfo(keras.config.floatx()).eps)" if self.epsilon is None else repr(self.epsilon)
        return KerasCode(layer=self.keras_layer(site, epsilon=None if self.epsilon == 1e-6 else epsilon))

    def tensorflow(self, site: Site) -> TensorFlowCode:
        epsilon = "np.finfo(x.dtype.as_numpy_dtype).eps" if self.epsilon is None else repr(self.epsilon)
        return TensorFlowCode(
            body=("square = tf.reduce_mean(tf.square(x), axis=-1, keepdims=True)",
                  f"return x / tf.sqrt(square + {epsilon}) * self.{site.name}_scale"),
            doc="Every row to a root mean square of 1.",
        )  # fmt: skip

    def torch(self, site: Site) -> TorchCode:
        own = self.natives["torch"]
        return TorchCode(
            modules={site.name: own.source(self, normalized_shape=str(site.input_shape[-1]))},
            forward=f"self.{site.name}(x)",
            weights=own.kept_at(site.name, ("scale",)),
            output=site.name,
        )

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="the mean square is 16 + 9 with epsilon; the mean stays", fields={"epsilon": 9.0},
                 x=[[4.0, 4.0]], parameters={"scale": [1.0, 10.0]}, expected=[[0.8, 8.0]]),
            Case(shows="each place by itself, next to nothing added", fields={"epsilon": None},
                 x=[[[3.0, 3.0], [-2.0, 2.0]]], parameters={"scale": [1.0, 1.0]},
                 expected=[[[1.0, 1.0], [-1.0, 1.0]]]),
        ]  # fmt: skip
