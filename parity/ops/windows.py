"""Lengths and paddings of sliding windows, as TensorFlow counts them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, PositiveInt

from parity.entries import Shape, shown
from parity.lazy import differentiable as np
from parity.ops.axes import with_an_axis

if TYPE_CHECKING:
    from parity.code import Layout

DataFormat = Literal["channels_last", "channels_first"]
"""Where the channels stand among the axes of a row: behind or ahead of those that a window moves along."""


Named = Literal["valid", "same"]
"""A padding by its name."""


def same_padding(length: int, window: int, stride: int) -> tuple[int, int]:
    """Return how many cells ``same`` adds before and after.

    total = max((ceil(length / stride) - 1) stride + window - length, 0), the odd cell after. Depends on the
    length, so a port that writes it as a constant is right for one size only
    (``tensorflow/core/framework/kernel_shape_util.cc``).

    Args:
        length: cells of the input along this axis.
        window: cells the window spans, dilation included.
        stride: step of the window.
    """
    total = max((-(-length // stride) - 1) * stride + window - length, 0)
    return total // 2, total - total // 2


def padded_length(length: int, window: int, stride: int, padding: str) -> int:
    """Return the number of window positions: ceil(length / stride) for ``same``, else floor, the tail cut off.

    Args:
        length: cells of the input along this axis.
        window: cells the window spans, dilation included.
        stride: step of the window.
        padding: ``same`` or ``valid``.
    """
    return -(-length // stride) if padding == "same" else (length - window) // stride + 1


def one_window(lengths: Sequence[int], windows: Sequence[int], strides: Sequence[int], others: Sequence[int]) -> str:
    """Return that other strides lead nowhere either, where they do; arguments as :func:`pads`, without padding."""
    axes = zip(lengths, windows, strides, others, strict=True)
    same = all(one == other or length - window < min(one, other) for length, window, one, other in axes)
    return "there is no second window to step to" if same and tuple(strides) != tuple(others) else ""


def pads(lengths: Sequence[int], windows: Sequence[int], strides: Sequence[int], padding: Any) -> list[tuple[int, int]]:
    """Return how many cells are added before and after, for each axis that a window moves along.

    Args:
        lengths: cells of the input along each axis.
        windows: cells the window spans, dilation included.
        strides: steps of the window.
        padding: ``same`` or ``valid``.
    """
    if not isinstance(padding, str):
        return list(padding)
    if padding == "valid":
        return [(0, 0) for _ in lengths]
    return [same_padding(*axis) for axis in zip(lengths, windows, strides, strict=True)]


Place = tuple[slice, ...]
"""Where a cell of the window stands in the padded input at all positions."""


def cells(
    size: Sequence[int], strides: Sequence[int], dilation: Sequence[int], steps: Sequence[int]
) -> Iterator[Place]:  # fmt: skip
    """Yield where each cell of a window stands in the padded input at all positions, row by row.

    Args:
        size: cells of the window along each axis.
        strides: steps of the window.
        dilation: distance of two cells of the window.
        steps: positions of the window.
    """
    for cell in itertools.product(*map(range, size)):
        starts = [index * apart for index, apart in zip(cell, dilation, strict=True)]
        yield (
            slice(None),
            *(
                slice(start, start + stride * (count - 1) + 1, stride)
                for start, stride, count in zip(starts, strides, steps, strict=True)
            ),
        )


def several(rank: int, wanted: str) -> Callable[[Any], Any]:
    """Return what reads a field that takes one number for all of so many axes, or one for each."""

    def read(value: Any) -> Any:
        each = [value] * rank if isinstance(value, int) else value
        right = isinstance(each, list | tuple) and len(each) == rank
        if not right or not all(isinstance(one, int) and not isinstance(one, bool) and one > 0 for one in each):
            raise ValueError(f"got {shown(value)}, expected a whole number from 1 or a list of {wanted}")
        return tuple(each)

    return read


Pair = Annotated[
    tuple[PositiveInt, PositiveInt],
    BeforeValidator(
        several(2, "two: [rows, columns]"), json_schema_input_type=PositiveInt | tuple[PositiveInt, PositiveInt]
    ),
]
"""A size along rows and columns, which a spec may write as one number."""

Triple = Annotated[
    tuple[PositiveInt, PositiveInt, PositiveInt],
    BeforeValidator(
        several(3, "three: [planes, rows, columns]"),
        json_schema_input_type=PositiveInt | tuple[PositiveInt, PositiveInt, PositiveInt],
    ),
]
"""A size along planes, rows and columns, which a spec may write as one number."""


def size_source(size: Sequence[int]) -> str:
    """Return a size as a person would write it: one number where all are the same."""
    return repr(size[0] if len(set(size)) == 1 else tuple(size))


def extent(axes: Sequence[str]) -> str:
    """Return what a window of one size must fit into: ``length``, or ``many rows and columns``."""
    return axes[0] if len(axes) == 1 else f"many {' and '.join(axes)}"


def torch_pads(around: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Return cells before and after each axis as ``F.pad`` takes them: the last axis first."""
    return tuple(count for axis in reversed(around) for count in axis)


def tf_pads(around: Sequence[tuple[int, int]]) -> str:
    """Return cells before and after each axis of a batch whose channels are last, as ``tf.pad`` takes them."""
    return f"[[0, 0], {', '.join(str(list(axis)) for axis in around)}, [0, 0]]"


def lengths_of(shape: Shape, data_format: DataFormat) -> Shape:
    """Return the cells along the axes that a window moves along."""
    return shape[1:] if data_format == "channels_first" else shape[:-1]


def channels_of(shape: Shape, data_format: DataFormat) -> int:
    """Return the number of channels.

    Raises:
        ShapeError: when a row is a single number.
    """
    return with_an_axis("what has channels", shape)[0 if data_format == "channels_first" else -1]


def shape_of(lengths: Shape, channels: int, data_format: DataFormat) -> Shape:
    """Return the shape of a row with so many cells along each axis, and so many channels."""
    return (channels, *lengths) if data_format == "channels_first" else (*lengths, channels)


def to_channels_last(x: np.ndarray, data_format: DataFormat) -> np.ndarray:
    """Return a batch with its channels last."""
    return np.moveaxis(x, 1, -1) if data_format == "channels_first" else x


def from_channels_last(x: np.ndarray, data_format: DataFormat) -> np.ndarray:
    """Return a batch whose channels are last with its channels where they belong."""
    return np.moveaxis(x, -1, 1) if data_format == "channels_first" else x


def wanted_axes(axes: Sequence[str], data_format: DataFormat) -> str:
    """Return the axes of a row in words: ``rows, columns, channels``."""
    return ", ".join(["channels", *axes] if data_format == "channels_first" else [*axes, "channels"])


def laid_last(data_format: DataFormat) -> Layout:
    """Return the layout in which the channels are last."""
    return "to_last" if data_format == "channels_first" else "as_said"


def laid_first(data_format: DataFormat) -> Layout:
    """Return the layout in which the channels are first."""
    return "as_said" if data_format == "channels_first" else "to_first"
