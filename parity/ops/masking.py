"""masking: steps that hold nothing but one value are left out by the layers behind that know masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from parity.code import Case, KerasCode, Site, TensorFlowCode, TorchCode
from parity.entries import Shape, read_in
from parity.lazy import differentiable as np
from parity.native import Native, same
from parity.ops import Op, ShapeError

if TYPE_CHECKING:
    from parity.code import Arrays


class Masking(Op):
    """y[n, t] = x[n, t] where any of its values is not ``mask_value``, else 0; y has the mask that says where.

    Layers behind it that know masks leave those steps out (docs/graphs.md).
    ``mask_value`` is compared bit by bit: a 0.1 of the data in float32 is no 0.1 in float64. What is standardized holds
    no 0 any more where it held one. PyTorch and raw TensorFlow have no such layer.
    """

    kind: ClassVar[str] = "masking"
    short: ClassVar[str | None] = "mask_value"
    keeps_sign: ClassVar[bool] = True
    source: ClassVar = read_in(keras="layers/core/masking")
    natives: ClassVar = {"keras": Native("keras.layers.Masking", same("mask_value"), own={"mask_value": 0.0})}

    mask_value: float = Field(default=0.0, description="a step that holds nothing else is masked")

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) < 2:
            raise ShapeError(f"masking reads (length, features), it is given {shape}")
        return shape

    def mask_of(self, masked: Sequence[bool], shapes: Sequence[Shape]) -> str:
        return f"any(x != {self.mask_value!r}, axis=-1)"

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return np.where(np.any(x != self.mask_value, axis=-1, keepdims=True), x, 0.0)

    def keras(self, site: Site) -> KerasCode:
        return KerasCode(layer=self.keras_layer(site))

    def tensorflow(self, site: Site) -> TensorFlowCode:
        seen = f"tf.reduce_any(x != {self.mask_value!r}, axis=-1, keepdims=True)"
        return TensorFlowCode(
            body=(f"return tf.where({seen}, x, tf.zeros_like(x))",), doc=f"0 at steps of {self.mask_value:g} alone."
        )

    def torch(self, site: Site) -> TorchCode:
        return TorchCode(
            modules={}, forward=f"torch.where((x != {self.mask_value!r}).any(-1, keepdim=True), x, 0.0)",
            comment=f"0 at steps of {self.mask_value:g} alone",
        )  # fmt: skip

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="a step of zeros alone is masked, one with a zero is not", fields={},
                 x=[[[0.0, 2.0], [0.0, 0.0]]], expected=[[[0.0, 2.0], [0.0, 0.0]]]),
            Case(shows="a step that holds another value alone is masked, and 0", fields={"mask_value": -1.0},
                 x=[[[-1.0, -1.0], [-1.0, 3.0], [0.0, 0.0]]], expected=[[[0.0, 0.0], [-1.0, 3.0], [0.0, 0.0]]]),
        ]  # fmt: skip
