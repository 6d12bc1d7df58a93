"""repeat_vector: a row of features n times, one below the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveInt

from parity.code import Case, Helper, Site
from parity.entries import Shape, read_in
from parity.lazy import differentiable as np
from parity.native import Native, same
from parity.ops import ShapeError
from parity.ops.single import Single, module

if TYPE_CHECKING:
    from parity.code import Arrays


class RepeatVector(Single):
    """y[n, t, c] = x[n, c] for t of 0 to n - 1.

    What feeds a decoder its one summary at every step. PyTorch has no such module; ``Tensor.repeat`` needs a new axis.
    """

    kind: ClassVar[str] = "repeat_vector"
    short: ClassVar[str | None] = "n"
    keeps_sign: ClassVar[bool] = True
    source: ClassVar = read_in(keras="layers/reshaping/repeat_vector")
    natives: ClassVar = {"keras": Native("keras.layers.RepeatVector", same("n"), leading=("n",))}
    helpers: ClassVar[tuple[Helper, ...]] = (
        module("RepeatVector", "A row of features n times.", "n", "x[:, None].repeat(1, self.n, 1)"),
    )

    n: PositiveInt = Field(description="how often the row is repeated")

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ShapeError(f"repeat_vector reads one axis of features, it is given {shape}")
        return (self.n, *shape)

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return np.repeat(np.expand_dims(x, 1), self.n, axis=1)

    def expression(self, site: Site) -> str:
        return f"tf.repeat(x[:, tf.newaxis], {self.n}, axis=1)"

    def modules(self, site: Site) -> dict[str, str]:
        return {"": f"RepeatVector({self.n})"}

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="the row as a whole, not each feature", fields={"n": 2}, x=[[1.0, 2.0, 3.0]],
                 expected=[[[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]]),
        ]  # fmt: skip
