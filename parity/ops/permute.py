"""permute: the axes of a row in another order."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, field_validator

from parity.code import Case, Helper, Site
from parity.entries import Shape, read_in
from parity.lazy import differentiable as np
from parity.native import Native, same
from parity.ops import ShapeError
from parity.ops.single import Single, module

if TYPE_CHECKING:
    from parity.code import Arrays


class Permute(Single):
    """y[n, i, j, ...] = x[n, ...], axis ``dims[0]`` of x first: axes are counted from 1, the batch being 0.

    As in Keras; ``tf.transpose`` and ``Tensor.permute`` name the batch axis, too. [2, 1] exchanges two axes, [3, 1, 2]
    moves the channels first.
    """

    kind: ClassVar[str] = "permute"
    short: ClassVar[str | None] = "dims"
    keeps_sign: ClassVar[bool] = True
    source: ClassVar = read_in(keras="layers/reshaping/permute")
    natives: ClassVar = {"keras": Native("keras.layers.Permute", same("dims"), leading=("dims",))}
    helpers: ClassVar[tuple[Helper, ...]] = (
        module("Permute", "The axes in another order.", "*axes", "x.permute(self.axes)"),
    )

    dims: tuple[int, ...] = Field(description="which axis comes first, second and so on, counted from 1")

    @field_validator("dims")
    @classmethod
    def _all_axes(cls, dims: tuple[int, ...]) -> tuple[int, ...]:
        if sorted(dims) != list(range(1, len(dims) + 1)) or not dims:
            raise ValueError(f"got {list(dims)}, expected each axis once, counted from 1, as [2, 1]")
        return dims

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != len(self.dims):
            raise ShapeError(f"permute by {list(self.dims)} reads {len(self.dims)} axes, it is given {shape}")
        return tuple(shape[axis - 1] for axis in self.dims)

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return np.transpose(x, (0, *self.dims))

    def expression(self, site: Site) -> str:
        return f"tf.transpose(x, {(0, *self.dims)})"

    def modules(self, site: Site) -> dict[str, str]:
        return {"": f"Permute{(0, *self.dims)}"}

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="two axes exchanged", fields={"dims": [2, 1]}, x=[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]],
                 expected=[[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]]),
            Case(shows="dims says which axis comes first, not where the first goes", fields={"dims": [3, 1, 2]},
                 x=[[[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]], expected=[[[[1.0, 3.0, 5.0]], [[2.0, 4.0, 6.0]]]]),
        ]  # fmt: skip
