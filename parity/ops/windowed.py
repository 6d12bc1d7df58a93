"""What layers share whose window moves along axes of their input: convolutions and poolings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from parity.entries import Shape
from parity.ops import Op, ShapeError
from parity.ops.windows import (
    DataFormat,
    Place,
    cells,
    channels_of,
    extent,
    lengths_of,
    padded_length,
    pads,
    shape_of,
    size_source,
    wanted_axes,
)

PADDED = '''
class Padded{name}({base}{name}):
    """{name} with so many {cells} around its input."""

    def __init__(self, *args, around, **kwargs):
        super().__init__(*args, **kwargs)
        self.around = around

    def call(self, inputs):
        return super().call(keras.ops.pad(inputs, self.around{value}))

    def compute_output_shape(self, input_shape):
        lengths = [n if n is None else n + sum(ends) for n, ends in zip(input_shape, self.around)]
        return super().compute_output_shape(tuple(lengths))
'''


class Windowed(Op):
    """Base of the layers with a window: an entry says its axes and the fields that are one number for each of them."""

    data_format: DataFormat
    padding: Any

    def sizes(self, field: str) -> tuple[int, ...]:
        """Return a field as one number for each axis."""
        value = getattr(self, field)
        return value if isinstance(value, tuple) else (value,)

    def steps(self) -> tuple[int, ...]:
        return self.sizes("strides")

    def apart(self) -> tuple[int, ...]:
        """Return the distance of two cells of the window, along each axis."""
        return (1,) * len(self.axes)

    def channels_at(self) -> DataFormat:
        return self.data_format

    def pads(self, lengths: Shape) -> list[tuple[int, int]]:
        """Return how many cells are added before and after, along each axis of so many cells."""
        return pads(lengths, self.windows, self.steps(), self.padding)

    def same_ends(self, lengths: Shape, padding: Any) -> bool:
        """Return whether a padding that is said in numbers, here or there, adds what the other one does."""
        named = isinstance(self.padding, str) and isinstance(padding, str)
        other: Any = self.replace(padding=padding)
        alike = self.pads(lengths) == other.pads(lengths) and self._positions(lengths) == other._positions(lengths)
        return not named and alike

    def _positions(self, lengths: Shape) -> tuple[int, ...]:
        named = isinstance(self.padding, str)
        if not named:
            lengths = tuple(n + sum(ends) for n, ends in zip(lengths, self.padding, strict=True))
        axes = zip(lengths, self.windows, self.steps(), strict=True)
        return tuple(padded_length(*axis, self.padding if named else "valid") for axis in axes)

    def _places(self, size: tuple[int, ...], lengths: Shape) -> Iterator[Place]:
        return cells(size, self.steps(), self.apart(), self._positions(lengths))

    def _moved_over(self, shape: Shape, channels: int) -> Shape:
        """Return the shape of what stands at the window's positions, with so many channels.

        Raises:
            ShapeError: when there are other axes, or no position.
        """
        if len(shape) != len(self.axes) + 1:
            wanted = wanted_axes(self.axes, self.data_format)
            raise ShapeError(f"{self.kind} reads ({wanted}), it is given {shape}")
        lengths = lengths_of(shape, self.data_format)
        if min(self._positions(lengths)) < 1:
            least = f"{self.kind} with a window of {size_source(self.windows)} reads at least that {extent(self.axes)}"
            raise ShapeError(f"{least}, it is given {shape}{self._turned(shape)}")
        return shape_of(self._positions(lengths), channels, self.data_format)

    def _turned(self, shape: Shape) -> str:
        """Return a question where the length and the channels of a row may have been taken for one another."""
        length, channels = lengths_of(shape, self.data_format)[0], channels_of(shape, self.data_format)
        turned = self.width_field and len(self.axes) == 1 and channels >= self.windows[0]
        return f": is {channels} the length and {length} the channels?" if turned else ""
