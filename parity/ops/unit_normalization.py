"""unit_normalization: every row divided by its length along some of its axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveFloat

from parity.code import Case, Helper, KerasCode, Site
from parity.entries import Shape, Since, read_in
from parity.lazy import differentiable as np
from parity.native import Native, same
from parity.ops.axes import Axes, counted
from parity.ops.single import Single, module

if TYPE_CHECKING:
    from parity.code import Arrays


KERAS = Helper(
    name="BoundedUnitNormalization",
    source='''
class BoundedUnitNormalization(keras.layers.UnitNormalization):
    """Rows are divided by their length, or by epsilon where they are shorter, which is not this version's own."""

    def __init__(self, epsilon, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs):
        square = keras.ops.sum(keras.ops.square(inputs), axis=self.axis, keepdims=True)
        return inputs * keras.ops.rsqrt(keras.ops.maximum(square, self.epsilon**2))
''',
)


class UnitNormalization(Single):
    """y = x / max(|x|, epsilon), |x| the root of the sum of squares along ``axis``.

    A row of zeros stays one, and its gradient is divided by epsilon; in Keras on PyTorch that is not a number. epsilon
    is 1e-12 in PyTorch and in Keras from 3.6 on, before that 1e-6: Keras has no argument for it.
    ``tf.math.l2_normalize`` has it under the root, so 1e-24 says the same. ``F.normalize`` goes along axis 1 unless
    told.
    """

    kind: ClassVar[str] = "unit_normalization"
    passes_mask: ClassVar[bool] = True
    rescales: ClassVar[bool] = True
    keeps_sign: ClassVar[bool] = True
    since: ClassVar = (Since("keras", "3.6", "epsilon", 1e-6, 1e-12, "unit_normalization"),)
    source: ClassVar = read_in(keras="layers/normalization/unit_normalization", tensorflow="ops/nn_impl",
                               torch="nn/functional")  # fmt: skip
    natives: ClassVar = {"keras": Native("keras.layers.UnitNormalization", same("axis"), own={"axis": -1},
                                         when={"epsilon": 1e-12})}  # fmt: skip
    quiet: ClassVar = frozenset({"epsilon"})
    seen_in_part: ClassVar = frozenset({"epsilon"})
    helpers: ClassVar[tuple[Helper, ...]] = (
        module(
            "UnitNormalization",
            "x divided by its length.",
            "dim=-1, eps=1e-12",
            "F.normalize(x, dim=self.dim, eps=self.eps)",
        ),
    )

    axis: Axes = Field(default=-1, description="along which the length is taken: one, or several")

    epsilon: PositiveFloat = Field(default=1e-12, description="by which a row is divided whose length is less")

    def output_shape(self, shape: Shape) -> Shape:
        counted(self.kind, self.axis, shape)
        return shape

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        axes = counted(self.kind, self.axis, x.shape[1:])
        # The root of what is not 0: that of 0 has no slope, and of a row of zeros frameworks have one.
        return x / np.sqrt(np.maximum(np.sum(x * x, axis=axes, keepdims=True), self.epsilon**2))

    def expression(self, site: Site) -> str:
        return f"tf.math.l2_normalize(x, axis={self._axis()}, epsilon={self._squared()!r})"

    def _squared(self) -> float:
        return float(f"{self.epsilon**2:.15g}")

    def keras(self, site: Site) -> KerasCode:
        own = self.part(site.framework)
        if own is None or own.fits(self):
            return super().keras(site)
        layer = self.keras_layer(site, KERAS.name, epsilon=repr(self.epsilon))
        return KerasCode(layer=layer, reads="as_said", writes="as_said", helpers=(KERAS,))

    def _axis(self) -> int | list[int]:
        return list(self.axis) if isinstance(self.axis, tuple) else self.axis

    def said(self, site: Site) -> str:
        """Return what becomes of a row."""
        return "To a length of 1."

    def modules(self, site: Site) -> dict[str, str]:
        axes = self.axis if isinstance(self.axis, int) else tuple(self.axis)
        said = [*([] if axes == -1 else [f"{axes}"]), *([] if self.epsilon == 1e-12 else [f"eps={self.epsilon!r}"])]
        return {"": f"UnitNormalization({', '.join(said)})"}

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[3.0, 4.0], [0.0, -2.0]]]
        return [
            Case(shows="a length of 5 where 10 is the least", fields={"epsilon": 10.0}, x=[[3.0, 4.0]],
                 expected=[[0.3, 0.4]]),
            Case(shows="3, 4, 5", fields={}, x=x, expected=[[[0.6, 0.8], [0.0, -1.0]]]),
            Case(shows="along the first axis", fields={"axis": 1}, x=[[[3.0, 4.0], [4.0, -3.0]]],
                 expected=[[[0.6, 0.8], [0.8, -0.6]]]),
            Case(shows="along both", fields={"axis": [1, 2]}, x=[[[2.0, 4.0], [1.0, 2.0]]],
                 expected=[[[0.4, 0.8], [0.2, 0.4]]]),
        ]  # fmt: skip
