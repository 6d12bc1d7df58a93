"""slice: the places from one to another along an axis of every row."""

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
    name="Slice",
    source='''
class Slice(keras.layers.Layer):
    """The places from one to another along an axis."""

    def __init__(self, start, stop, axis, **kwargs):
        super().__init__(**kwargs)
        self.start, self.stop, self.axis = start, stop, axis

    def call(self, inputs):
        return inputs[(slice(None),) * self.axis + (slice(self.start, self.stop),)]
''',
)


class Slice(Single):
    """y[n, ..., i, ...] = x[n, ..., start + i, ...] along ``axis``, as far as ``stop``: ``x[:, start:stop]``.

    As in Python, places count from 0, or from the end where they are below, and ``stop`` is the first that is left out.
    Axes are counted from 1, the batch being 0. Keras's ``Cropping1D`` says it of the steps of a sequence, by how many
    are taken at both ends. The mask of a sequence ends here, as in Keras.
    """

    kind: ClassVar[str] = "slice"
    keeps_sign: ClassVar[bool] = True
    helpers: ClassVar[tuple[Helper, ...]] = (
        module("Slice", "The places from one to another along an axis.", "start, length, axis",
               "x.narrow(self.axis, self.start, self.length)"),
    )  # fmt: skip

    start: int = Field(default=0, description="the first place, counted from 0, or from the end where it is below 0")
    stop: int | None = Field(default=None, description="the first place that is left out; none: as far as the end")
    axis: int = Field(default=1, description="along which axis, counted from 1, or from the end")

    def _along(self, shape: Shape) -> tuple[int, int, int]:
        """Return the axis from 1, the first place, and the first that is left out, both from 0.

        Raises:
            ShapeError: when nothing would be left.
        """
        (axis,) = counted(self.kind, self.axis, shape)
        start, stop, _ = slice(self.start, self.stop).indices(shape[axis - 1])
        if start >= stop:
            raise ShapeError(f"slice from {self.start} to {self.stop} along axis {axis}, and a row is {shape}")
        return axis, start, stop

    def output_shape(self, shape: Shape) -> Shape:
        axis, start, stop = self._along(shape)
        return (*shape[: axis - 1], stop - start, *shape[axis:])

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        axis, start, stop = self._along(x.shape[1:])
        return np.cut(x, (slice(None),) * axis + (slice(start, stop),))

    def keras(self, site: Site) -> KerasCode:
        axis, start, stop = self._along(site.input_shape)
        made = call(KERAS.name, f"{start}, {stop}, {axis}", trainable=self.keras_trainable(), name=repr(site.name))
        return KerasCode(layer=made, helpers=(KERAS,))

    def expression(self, site: Site) -> str:
        axis, start, stop = self._along(site.input_shape)
        return f"x[{':, ' * axis}{start}:{stop}]"

    def modules(self, site: Site) -> dict[str, str]:
        axis, start, stop = self._along(site.input_shape)
        return {"": f"Slice({start}, {stop - start}, {axis})"}

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]
        return [
            Case(shows="what is ahead of stop", fields={"stop": 2}, x=x, expected=[[[1.0, 2.0], [3.0, 4.0]]]),
            Case(shows="from the end, as far as the end", fields={"start": -1}, x=x, expected=[[[5.0, 6.0]]]),
            Case(shows="along another axis", fields={"start": 1, "stop": 5, "axis": 2}, x=x,
                 expected=[[[2.0], [4.0], [6.0]]]),
        ]  # fmt: skip
