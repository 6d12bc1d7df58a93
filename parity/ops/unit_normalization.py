"""unit_normalization: every row divided by its length along some of its axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from parity.code import Case, Helper, Site
from parity.entries import Shape, read_in
from parity.lazy import differentiable as np
from parity.native import Native, same
from parity.ops.axes import Axes, counted
from parity.ops.single import Single, module

if TYPE_CHECKING:
    from parity.code import Arrays


class UnitNormalization(Single):
    """y = x / max(|x|, 1e-12), |x| the root of the sum of squares along ``axis``.

    ``tf.math.l2_normalize`` has the 1e-12 under the root, so 1e-24 says the same. ``F.normalize`` goes along axis 1
    unless told. A row of zeros stays one; in Keras on PyTorch its gradient is not a number.
    """

    kind: ClassVar[str] = "unit_normalization"
    passes_mask: ClassVar[bool] = True
    rescales: ClassVar[bool] = True
    keeps_sign: ClassVar[bool] = True
    source: ClassVar = read_in(keras="layers/normalization/unit_normalization", tensorflow="ops/nn_impl",
                               torch="nn/functional")  # fmt: skip
    natives: ClassVar = {"keras": Native("keras.layers.UnitNormalization", same("axis"), own={"axis": -1})}
    helpers: ClassVar[tuple[Helper, ...]] = (
        module("UnitNormalization", "x divided by its length.", "dim=-1", "F.normalize(x, dim=self.dim)"),
    )

    axis: Axes = Field(default=-1, description="along which the length is taken: one, or several")

    def output_shape(self, shape: Shape) -> Shape:
        counted(self.kind, self.axis, shape)
        return shape

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        axes = counted(self.kind, self.axis, x.shape[1:])
        # The root of what is not 0: that of 0 has no slope, and of a row of zeros frameworks have one.
        return x / np.sqrt(np.maximum(np.sum(x * x, axis=axes, keepdims=True), 1e-24))

    def expression(self, site: Site) -> str:
        return f"tf.math.l2_normalize(x, axis={self._axis()}, epsilon=1e-24)"

    def _axis(self) -> int | list[int]:
        return list(self.axis) if isinstance(self.axis, tuple) else self.axis

    def said(self, site: Site) -> str:
        """Return what becomes of a row."""
        return "To a length of 1."

    def modules(self, site: Site) -> dict[str, str]:
        axes = self.axis if isinstance(self.axis, int) else tuple(self.axis)
        return {"": "UnitNormalization()" if axes == -1 else f"UnitNormalization({axes})"}

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[3.0, 4.0], [0.0, -2.0]]]
        return [
            Case(shows="3, 4, 5", fields={}, x=x, expected=[[[0.6, 0.8], [0.0, -1.0]]]),
            Case(shows="along the first axis", fields={"axis": 1}, x=[[[3.0, 4.0], [4.0, -3.0]]],
                 expected=[[[0.6, 0.8], [0.8, -0.6]]]),
            Case(shows="along both", fields={"axis": [1, 2]}, x=[[[2.0, 4.0], [1.0, 2.0]]],
                 expected=[[[0.4, 0.8], [0.2, 0.4]]]),
        ]  # fmt: skip
