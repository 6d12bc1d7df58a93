"""Where the axes of a tensor stand as it goes through a program, and the moves that a framework's layers need."""

from __future__ import annotations

from dataclasses import dataclass

from parity.code import Layout
from parity.entries import Shape
from parity.frameworks import frameworks

Axes = tuple[int, ...]


@dataclass(frozen=True)
class Move:
    """A permutation of a batch, and why.

    Args:
        axes: of the batch, its own axis 0 included.
        comment: said beside it.
    """

    axes: Axes
    comment: str


@dataclass
class Layouts:
    """Follows a tensor from layer to layer.

    Args:
        framework: whose program it is.
    """

    framework: str
    now: Layout = "as_said"

    def reach(self, wanted: Layout, shape: Shape) -> Move | None:
        """Return the move that a layer needs which reads ``wanted``; None where the tensor lies so.

        Args:
            wanted: layout the layer reads.
            shape: of what it reads, as the spec says it.
        """
        if wanted in ("any", self.now) or len(shape) == 1:
            return None
        before, after = axes_of(self.now, len(shape)), axes_of(wanted, len(shape))
        move = tuple(before.index(axis) for axis in after)
        self.now = wanted
        return Move(move, self._comment(before, after, shape))

    def _comment(self, before: Axes, after: Axes, shape: Shape) -> str:
        sizes = ("N", *map(str, shape))
        old, new = (f"({', '.join(sizes[axis] for axis in axes)})" for axes in (before, after))
        why = frameworks()[self.framework].why_moved
        back = after == tuple(range(len(after)))
        return f"{old} back to {new}, the order of the spec" if back else f"{old} to {new}: {why}"

    def leave(self, writes: Layout, shape: Shape) -> None:
        """Take note of what a layer returns; a row of features lies one way only.

        Args:
            writes: layout it returns.
            shape: of what it returns, as the spec says it.
        """
        if len(shape) == 1:
            self.now = "as_said"
        elif writes != "any":
            self.now = writes

    def drawn(self, shape: Shape) -> Axes | None:
        """Return the permutation from what the spec says to how the tensor lies; None where both are the same."""
        return None if self.now == "as_said" else axes_of(self.now, len(shape))

    def seen(self, shape: Shape) -> Axes | None:
        """Return the permutation from how the tensor lies to what the spec says; None where both are the same."""
        axes = self.drawn(shape)
        return None if axes is None else tuple(axes.index(axis) for axis in range(len(axes)))


def axes_of(layout: Layout, rank: int) -> Axes:
    """Return where the axes of a batch come from: those of the spec's shape, of so many axes beside the batch.

    >>> axes_of("to_first", 3), axes_of("to_last", 3)
    ((0, 3, 1, 2), (0, 2, 3, 1))
    """
    if layout == "to_first":
        return (0, rank, *range(1, rank))
    return (0, *range(2, rank + 1), 1) if layout == "to_last" else tuple(range(rank + 1))
