"""reshape: the same values in row-major order under another shape."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, field_validator

from parity.code import Case, Site
from parity.entries import Shape, read_in
from parity.native import Native, same
from parity.ops import ShapeError
from parity.ops.single import Single

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays


class Reshape(Single):
    """y has the values of x in row-major order, in ``target_shape``; one length may be -1, what is left.

    Row-major over the tensor as the spec has it: a PyTorch model that reshapes its channels-first tensor has the same
    shape with other values in it. The batch axis stays, as in Keras; ``Tensor.reshape`` names it too.
    """

    kind: ClassVar[str] = "reshape"
    short: ClassVar[str | None] = "target_shape"
    keeps_sign: ClassVar[bool] = True
    source: ClassVar = read_in(keras="layers/reshaping/reshape", torch="nn/modules/flatten")
    natives: ClassVar = {
        "keras": Native("keras.layers.Reshape", same("target_shape"), leading=("target_shape",)),
        "torch": Native("nn.Unflatten"),
    }

    target_shape: tuple[int, ...] = Field(min_length=1, description="of a row, without the batch axis; one may be -1")

    @field_validator("target_shape")
    @classmethod
    def _lengths(cls, shape: Shape) -> Shape:
        if any(length < 1 and length != -1 for length in shape) or shape.count(-1) > 1:
            raise ValueError(f"got {list(shape)}, expected lengths from 1, of which one may be -1")
        return shape

    def output_shape(self, shape: Shape) -> Shape:
        """Return the target shape, its -1 what is left."""
        values, said = math.prod(shape), math.prod(length for length in self.target_shape if length != -1)
        if values % said or (-1 not in self.target_shape and values != said):
            raise ShapeError(f"reshape to {list(self.target_shape)}, and there are {values} values in {shape}")
        return tuple(values // said if length == -1 else length for length in self.target_shape)

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return x.reshape(len(x), *self.output_shape(x.shape[1:]))

    def expression(self, site: Site) -> str:
        return f"tf.reshape(x, {(-1, *self.output_shape(site.input_shape))})"

    def modules(self, site: Site) -> dict[str, str]:
        shape, flat = self.output_shape(site.input_shape), len(site.input_shape) == 1
        if len(shape) == 1:
            return {"": "nn.Identity()" if flat else "nn.Flatten()"}
        return ({} if flat else {"flat": "nn.Flatten()"}) | {"": f"nn.Unflatten(1, {shape})"}

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]
        return [
            Case(shows="row-major, which is no transpose: that has 1, 4 first", fields={"target_shape": [3, 2]}, x=x,
                 expected=[[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]),
            Case(shows="-1 is what is left", fields={"target_shape": [-1, 1, 3]}, x=x,
                 expected=[[[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]]]),
            Case(shows="to one axis", fields={"target_shape": [-1]}, x=x, expected=[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]),
            Case(shows="of one axis", fields={"target_shape": [2, 2]}, x=[[1.0, 2.0, 3.0, 4.0]],
                 expected=[[[1.0, 2.0], [3.0, 4.0]]]),
            Case(shows="a row as it is", fields={"target_shape": [2]}, x=[[1.0, 2.0]], expected=[[1.0, 2.0]]),
        ]  # fmt: skip
