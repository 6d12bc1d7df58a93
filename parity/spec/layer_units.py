"""Layers that one side has and the other has not: which of them come or go together.

A run of layers without a counterpart is cut into units, each of which can come and go on its own. A unit is one
difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from parity.ops import Op
from parity.spec.align import by_name

ABSENT = "absent"
"""Value of a layer on the side that has none."""

Column = tuple[Op | None, Op | None]
"""A layer of the first side, and what stands opposite."""


@dataclass(frozen=True)
class Unit:
    """Layers that come or go together.

    Args:
        a: those that the first side has in their place.
        b: those that the other side has.
    """

    a: tuple[Op, ...]
    b: tuple[Op, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all of them, those of the first side first."""
        return tuple(dict.fromkeys(str(op.name) for op in (*self.a, *self.b)))

    @property
    def content(self) -> tuple[tuple[Op, ...], tuple[Op, ...]]:
        """Return what it is, whatever its layers are called."""
        return tuple(map(unnamed, self.a)), tuple(map(unnamed, self.b))

    def __add__(self, other: Unit) -> Unit:
        """Return both as one."""
        return Unit((*self.a, *other.a), (*self.b, *other.b))


def unnamed(op: Op) -> Op:
    """Return a layer without its name."""
    return op.model_copy(update={"name": None})


def listed_layers(ops: Sequence[Op]) -> str:
    """Return layers as text: ``conv2d(filters=8, kernel_size=[3, 3]), max_pooling2d``."""
    return ", ".join(unnamed(op).label() for op in ops) or ABSENT


def paired(column: Column) -> bool:
    """Return whether a layer stands opposite one of its kind, so that their fields can be compared."""
    left, right = column
    return left is not None and right is not None and left.kind == right.kind


def units(a: Sequence[Op], b: Sequence[Op], can_flip: Callable[[Iterable[str]], bool]) -> list[Unit]:
    """Return the layers that only one side has, or that are of another kind, as units.

    A layer opposite a single one of another kind is a unit with it. Else a unit begins with the layers that have
    weights and ends with what follows them without any (activation, dropout, pooling): a block. Neighbours of which
    one cannot come or go without the other are one unit; so are the two places of a layer that has moved.

    Args:
        a: layers of the first side.
        b: layers of the other side.
        can_flip: says whether layers, by name, can go from how they are on one side to how they are on the other
            while all others stay, from either side.
    """
    found: list[Unit] = []
    run: list[Column] = []
    for column in [*by_name(a, b), None]:
        if column is not None and not paired(column):
            run.append(column)
        elif run:
            found += _joined(_cut(run), can_flip)
            run = []
    return _moved_together(found)


def _cut(run: Sequence[Column]) -> list[Unit]:
    """Return the blocks of a run."""
    lefts = [left for left, right in run if left is not None and right is None]
    rights = [right for left, right in run if right is not None and left is None]
    changed = [Unit((left,), (right,)) for left, right in run if left is not None and right is not None]
    if len(lefts) == len(rights) == 1:
        return [*changed, Unit((lefts[0],), (rights[0],))]
    blocks = [Unit(block, ()) for block in _blocks(lefts)] + [Unit((), block) for block in _blocks(rights)]
    return [*changed, *blocks]


def _blocks(ops: Sequence[Op]) -> list[tuple[Op, ...]]:
    found: list[list[Op]] = []
    for op in ops:
        weighty = has_weights(op)
        # What has no weights goes with the block it follows; without one, it stands alone.
        follows = bool(found) and has_weights(found[-1][0]) and (not weighty or has_weights(found[-1][-1]))
        if follows:
            found[-1].append(op)
        else:
            found.append([op])
    return [tuple(block) for block in found]


def has_weights(op: Op) -> bool:
    """Return whether a layer keeps tensors that are trained or initialized."""
    return any(name.endswith("_initializer") for name in type(op).model_fields)


def _joined(blocks: list[Unit], can_flip: Callable[[Iterable[str]], bool]) -> list[Unit]:
    """Return the units of a run, neighbours joined until each can come or go on its own; as they are if none can."""
    found: list[Unit] = []
    waiting: Unit | None = None
    for block in blocks:
        waiting = block if waiting is None else waiting + block
        if can_flip(waiting.names):
            found.append(waiting)
            waiting = None
    if waiting is None:
        return found
    while found:  # What is left over at the end goes with what stands before it.
        waiting = found.pop() + waiting
        if can_flip(waiting.names):
            return [*found, waiting]
    return blocks


def _moved_together(found: Sequence[Unit]) -> list[Unit]:
    """Return the units, those that have a name in common as one: a layer is at one place only."""
    whole: list[Unit] = []
    for unit in found:
        mine = [one for one in whole if set(one.names) & set(unit.names)]
        for one in mine:
            unit = one + unit
        at = whole.index(mine[0]) if mine else len(whole)
        whole = [one for one in whole if one not in mine]
        whole.insert(at, unit)
    return whole
