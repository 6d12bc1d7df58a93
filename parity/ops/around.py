"""Cells before and after each axis, as Keras says them: one number, one for each axis, or a pair for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, get_args

from pydantic import BeforeValidator, NonNegativeInt
from pydantic_core import PydanticKnownError

from parity.entries import Shape, shown
from parity.lazy import differentiable as np
from parity.ops.single import Spatial
from parity.ops.windows import Named, channels_of, from_channels_last, lengths_of, shape_of, to_channels_last

if TYPE_CHECKING:
    from parity.code import Arrays

Edges = tuple[tuple[int, int], ...]


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _edges(rank: int) -> Callable[[Any], Any]:
    """Return what reads the edges of so many axes; of one axis, two numbers are before and after."""

    def read(value: Any) -> Any:
        given = [value] * rank if _count(value) else value
        if rank == 1 and isinstance(given, list | tuple) and len(given) == 2:
            given = [given]
        right = isinstance(given, list | tuple) and len(given) == rank
        pairs = [[one, one] if _count(one) else one for one in given] if right else []
        if not right or not all(
            isinstance(one, list | tuple) and len(one) == 2 and all(map(_count, one)) for one in pairs
        ):
            least = "a whole number from 0, or [before, after]"
            more = "a whole number from 0, one for each axis, or a pair [before, after] for each"
            raise ValueError(f"got {shown(value)}, expected {least if rank == 1 else more}")
        return tuple(tuple(one) for one in pairs)

    return read


Number = NonNegativeInt
Both = tuple[NonNegativeInt, NonNegativeInt]

Edges1 = Annotated[tuple[Both], BeforeValidator(_edges(1), json_schema_input_type=Number | Both | tuple[Both])]
"""Cells before and after the length."""
Edges2 = Annotated[
    tuple[Both, Both], BeforeValidator(_edges(2), json_schema_input_type=Number | Both | tuple[Both, Both])
]
"""Cells before and after rows and columns."""

Edges3 = Annotated[
    tuple[Both, Both, Both], BeforeValidator(_edges(3), json_schema_input_type=Number | tuple[Both, Both, Both])
]
"""Cells before and after planes, rows and columns."""


def _named_or(rank: int) -> Callable[[Any], Any]:
    """Return what reads a padding that may be called ``valid`` or ``same``, too."""
    read = _edges(rank)

    def named_or_read(value: Any) -> Any:
        if not isinstance(value, str):
            return read(value)
        if value not in get_args(Named):  # Said here, lest there be a fault for each of the two ways to write it.
            raise PydanticKnownError("literal_error", {"expected": "'valid' or 'same'"})
        return value

    return named_or_read


Padding1 = Annotated[
    Named | tuple[Both],
    BeforeValidator(_named_or(1), json_schema_input_type=Named | Number | Both | tuple[Both]),
]
"""A padding of the length by its name, or in cells before and after."""
Padding2 = Annotated[
    Named | tuple[Both, Both],
    BeforeValidator(_named_or(2), json_schema_input_type=Named | Number | Both | tuple[Both, Both]),
]
"""A padding of rows and columns by its name, or in cells before and after."""

Padding3 = Annotated[
    Named | tuple[Both, Both, Both],
    BeforeValidator(_named_or(3), json_schema_input_type=Named | Number | tuple[Both, Both, Both]),
]
"""A padding of planes, rows and columns by its name, or in cells before and after."""


def shorter(edges: Edges) -> Any:
    """Return edges as one would write them.

    >>> shorter(((1, 1), (1, 1))), shorter(((1, 1), (2, 2))), shorter(((0, 1), (0, 1))), shorter(((0, 1),))
    (1, (1, 2), ((0, 1), (0, 1)), (0, 1))
    """
    if all(before == after for before, after in edges):
        counts = tuple(before for before, _ in edges)
        return counts[0] if len(set(counts)) == 1 else counts
    return edges if len(edges) > 1 else edges[0]


class Edged(Spatial):
    """Base of the layers that add or take cells at the edges."""

    sign: ClassVar[int]
    """1 where it adds cells, -1 where it takes them."""

    def edges(self) -> Edges:
        """Return the cells before and after each axis."""
        found: Edges = getattr(self, str(self.short))
        return found

    def output_shape(self, shape: Shape) -> Shape:
        """Return the lengths with what is added or taken, the channels as they are."""
        lengths = lengths_of(self.checked(shape), self.data_format)
        found = [n + self.sign * (a + b) for n, (a, b) in zip(lengths, self.edges(), strict=True)]
        return shape_of(tuple(found), channels_of(shape, self.data_format), self.data_format)

    def _changed(self, x: np.ndarray) -> np.ndarray:
        raise TypeError(f"{type(self).__name__} changes nothing")

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return from_channels_last(self._changed(to_channels_last(x, self.data_format)), self.data_format)
