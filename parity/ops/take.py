"""take: one place along an axis of every row, without that axis: the last step of a sequence, or the first token."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from parity.code import Case, Helper, KerasCode, Site, call
from parity.entries import Shape
from parity.lazy import differentiable as np
from parity.ops import ShapeError
from parity.ops.axes import counted
from parity.ops.single import Single, module

if TYPE_CHECKING:
    from parity.code import Arrays

KERAS = Helper(
    name="Take",
    source='''
class Take(keras.layers.Layer):
    """One place along an axis."""

    def __init__(self, index, axis, **kwargs):
        super().__init__(**kwargs)
        self.index, self.axis = index, axis

    def call(self, inputs):
        return inputs[(slice(None),) * self.axis + (self.index,)]
''',
)


class Take(Single):
    """y[n, ...] = x[n, ..., index, ...] along ``axis``: ``x[:, 0]`` and ``x[:, -1]`` of a program.

    ``index`` counts from 0, or from the end where it is below; axes are counted from 1, the batch being 0. No framework
    has a layer of it, each the index. The mask of a sequence ends here, as in Keras.
    """

    kind: ClassVar[str] = "take"
    short: ClassVar[str | None] = "index"
    keeps_sign: ClassVar[bool] = True
    helpers: ClassVar[tuple[Helper, ...]] = (
        module("Take", "One place along an axis.", "index, axis", "x.select(self.axis, self.index)"),
    )

    index: int = Field(description="which place, counted from 0, or from the end where it is below 0")
    axis: int = Field(default=1, description="along which axis, counted from 1, or from the end")

    def _along(self, shape: Shape) -> int:
        """Return the axis from 1.

        Raises:
            ShapeError: when there is no such place.
        """
        (axis,) = counted(self.kind, self.axis, shape)
        if not -shape[axis - 1] <= self.index < shape[axis - 1]:
            raise ShapeError(f"take of place {self.index} along axis {axis}, and a row is {shape}")
        return axis

    def output_shape(self, shape: Shape) -> Shape:
        axis = self._along(shape)
        return shape[: axis - 1] + shape[axis:]

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        axis = self._along(x.shape[1:])
        at = self.index % x.shape[axis]
        found = np.cut(x, (slice(None),) * axis + (slice(at, at + 1),))
        return np.reshape(found, (*x.shape[:axis], *x.shape[axis + 1 :]))

    def keras(self, site: Site) -> KerasCode:
        told = f"{self.index}, {self._along(site.input_shape)}"
        made = call(KERAS.name, told, trainable=self.keras_trainable(), name=repr(site.name))
        return KerasCode(layer=made, helpers=(KERAS,))

    def expression(self, site: Site) -> str:
        return f"x[{':, ' * self._along(site.input_shape)}{self.index}]"

    def modules(self, site: Site) -> dict[str, str]:
        return {"": f"Take({self.index}, {self._along(site.input_shape)})"}

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]
        return [
            Case(shows="the first step, with all its features", fields={"index": 0}, x=x, expected=[[1.0, 2.0]]),
            Case(shows="from the end", fields={"index": -1}, x=x, expected=[[5.0, 6.0]]),
            Case(shows="along another axis", fields={"index": 1, "axis": -1}, x=x, expected=[[2.0, 4.0, 6.0]]),
        ]
