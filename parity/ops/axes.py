"""Axes of a batch as Keras counts them: from 1, the batch being 0, or from the end."""

from __future__ import annotations

from parity.entries import Shape
from parity.ops import ShapeError

Axes = int | tuple[int, ...]
"""One axis, or several."""


def counted(kind: str, axes: Axes, shape: Shape) -> tuple[int, ...]:
    """Return axes from 1, in their order in the shape.

    Args:
        kind: of the layer that goes along them.
        axes: as a spec says them.
        shape: of a row.

    Raises:
        ShapeError: when a row has no such axis, or one is said twice.
    """
    said = axes if isinstance(axes, tuple) else (axes,)
    found = sorted(axis + len(shape) + 1 if axis < 0 else axis for axis in said)
    if not found or len(set(found)) < len(found) or found[0] < 1 or found[-1] > len(shape):
        told = list(said) if len(said) != 1 else said[0]
        raise ShapeError(f"{kind} along axis {told}, and a row is {shape}: its axes are 1 to {len(shape)}")
    return tuple(found)


def with_an_axis(kind: str, shape: Shape) -> Shape:
    """Return the shape of a row that has an axis at least.

    Args:
        kind: of the layer that goes along one.
        shape: of a row.

    Raises:
        ShapeError: when a row is a single number, as ``take`` leaves it of a vector.
    """
    if not shape:
        raise ShapeError(f"{kind} reads rows that have an axis, and is given single numbers: put reshape: [1] ahead")
    return shape
