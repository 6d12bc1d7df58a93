"""Layers that one side has and the other has not: which of them come or go together.

A run of layers without a counterpart is cut into units, each of which can come and go on its own. A unit is one
difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from parity.entries import shown
from parity.ops import Op
from parity.spec.align import by_name
from parity.spec.edges import Edges

ABSENT = "absent"
"""Value of a layer on the side that has none."""

Column = tuple[Op | None, Op | None]
"""A layer of the first side, and what stands opposite."""


STEP = "strides"
"""Field that says how far a window moves."""


@dataclass(frozen=True)
class LayerUnit:
    """Layers that come or go together.

    Args:
        a: those that the first side has in their place.
        b: those that the other side has.
        steps: layers that both sides have, whose windows take over the steps of those that go, or give theirs away.
    """

    a: tuple[Op, ...]
    b: tuple[Op, ...]
    steps: tuple[tuple[Op, Op], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the layers that come or go, those of the first side first."""
        return tuple(dict.fromkeys(str(op.name) for op in (*self.a, *self.b)))

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the concrete paths it stands for."""
        return (*(f"layers.{left.name}.{STEP}" for left, _ in self.steps), *(f"layers.{name}" for name in self.names))

    @property
    def values(self) -> tuple[tuple[str, str], ...]:
        """Return both values at each of the paths, as text."""
        steps = [(shown(getattr(left, STEP)), shown(getattr(right, STEP))) for left, right in self.steps]
        sides = [{str(op.name): unnamed(op).label() for op in ops} for ops in (self.a, self.b)]
        return (*steps, *((sides[0].get(name, ABSENT), sides[1].get(name, ABSENT)) for name in self.names))

    @property
    def content(self) -> tuple[Any, ...]:
        """Return what it is, whatever its layers are called."""
        steps = tuple((left.kind, left.steps(), right.steps()) for left, right in self.steps)
        whole = tuple(map(unnamed, self.a)), tuple(map(unnamed, self.b)), steps
        return whole if whole[0] != whole[1] or steps else (*whole, self.names)  # Else the names are all that differs.

    def told(self) -> tuple[str, str]:
        """Return both values as text."""

        def text(ops: Sequence[Op], stepping: Sequence[Op]) -> str:
            steps = [f"{op.kind} with {STEP} {shown(getattr(op, STEP))}" for op in stepping]
            return ", ".join([*steps, *(unnamed(op).label() for op in ops)]) or ABSENT

        told = text(self.a, [left for left, _ in self.steps]), text(self.b, [right for _, right in self.steps])
        if told[0] != told[1]:
            return told
        before, after = (", ".join(f"{op.kind} named {op.name}" for op in ops) for ops in (self.a, self.b))
        return told if before == after else (before, after)

    def __add__(self, other: LayerUnit) -> LayerUnit:
        """Return both as one."""
        return LayerUnit((*self.a, *other.a), (*self.b, *other.b), (*self.steps, *other.steps))


def unnamed(op: Op) -> Op:
    """Return a layer without its name."""
    return op.model_copy(update={"name": None})


def paired(column: Column) -> bool:
    """Return whether a layer stands opposite one of its kind, so that their fields can be compared."""
    left, right = column
    return left is not None and right is not None and left.kind == right.kind


def units(
    a: Sequence[Op], b: Sequence[Op], can_flip: Callable[[Iterable[str]], bool], edges: Edges | None = None
) -> list[LayerUnit]:
    """Return the layers that only one side has, or that are of another kind, as units.

    A layer opposite a single one of another kind is a unit with it. Else a unit begins with the layers that have
    weights and ends with what follows them without any (activation, dropout, pooling): a block. A pool that goes while
    the convolution beside it takes over its step is a unit with that step. Neighbours of which one cannot come or go
    without the other are one unit; so are the two places of a layer that has moved, and in a model with branches layers
    that stand far apart, of which one reads the other.

    Args:
        a: layers of the first side.
        b: layers of the other side.
        can_flip: says whether the values at paths can go from how they are on one side to how they are on the other
            while all others stay, from either side.
        edges: what layers read, in models with branches.
    """
    columns, found, start = by_name(a, b), [], 0
    while start < len(columns):
        end = start
        while end < len(columns) and not paired(columns[end]):
            end += 1
        if end > start:
            beside = [_stepping(columns[:start][::-1]), _stepping(columns[end:])]
            found += _joined([_with_step(unit, beside) for unit in _cut(columns[start:end])], can_flip)
        start = end + 1
    found = _moved_together(found)
    return found if edges is None else _connected(found, can_flip, edges)


def _stepping(columns: Sequence[Column]) -> tuple[Op, Op] | None:
    """Return the first layer on the way that both sides have and that has a window, if it steps otherwise."""
    for left, right in columns:
        if left is None or right is None or left.kind != right.kind:
            return None  # Another place where layers come and go lies between.
        if left.steps():
            return (left, right) if left.steps() != right.steps() else None
    return None


def _with_step(unit: LayerUnit, beside: list[tuple[Op, Op] | None]) -> LayerUnit:
    """Return a unit with the step of a layer beside it, where together they go as far on both sides."""
    if not any(op.steps() for op in (*unit.a, *unit.b)):
        return unit
    for at, pair in enumerate(beside):
        if pair is not None and _far((*unit.a, pair[0])) == _far((*unit.b, pair[1])):
            beside[at] = None  # Given away once only.
            return LayerUnit(unit.a, unit.b, (pair,))
    return unit


def _far(ops: Sequence[Op]) -> tuple[int, ...]:
    """Return how far the windows of layers go together along each axis, nothing where they have not the same axes."""
    steps = [op.steps() for op in ops if op.steps()]
    return tuple(map(math.prod, zip(*steps, strict=True))) if len({len(one) for one in steps}) == 1 else ()


def _cut(run: Sequence[Column]) -> list[LayerUnit]:
    """Return the blocks of a run."""
    lefts = [left for left, right in run if left is not None and right is None]
    rights = [right for left, right in run if right is not None and left is None]
    changed = [LayerUnit((left,), (right,)) for left, right in run if left is not None and right is not None]
    if len(lefts) == len(rights) == 1:
        return [*changed, LayerUnit((lefts[0],), (rights[0],))]
    blocks = [LayerUnit(block, ()) for block in _blocks(lefts)] + [LayerUnit((), block) for block in _blocks(rights)]
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
    return bool(op.started)


def _joined(blocks: list[LayerUnit], can_flip: Callable[[Iterable[str]], bool]) -> list[LayerUnit]:
    """Return the units of a run, neighbours joined until each can come or go on its own; as they are if none can."""
    found: list[LayerUnit] = []
    waiting: LayerUnit | None = None
    for block in blocks:
        waiting = block if waiting is None else waiting + block
        if can_flip(waiting.paths):
            found.append(waiting)
            waiting = None
    if waiting is None:
        return found
    while found:  # What is left over at the end goes with what stands before it.
        waiting = found.pop() + waiting
        if can_flip(waiting.paths):
            return [*found, waiting]
    return blocks


def _connected(found: list[LayerUnit], can_flip: Callable[[Iterable[str]], bool], edges: Edges) -> list[LayerUnit]:
    """Return the units, each that cannot come or go on its own joined with those that it is tied to by an edge."""
    whole = list(found)
    waiting = [unit for unit in whole if not can_flip(unit.paths)]
    while waiting:
        unit = waiting.pop(0)
        tied = [one for one in whole if one is not unit and edges.tied(one.names, unit.names)]
        if unit not in whole or not tied:
            continue
        first, second = sorted((unit, tied[0]), key=whole.index)
        at, joined = whole.index(first), first + second
        whole = [one for one in whole if one not in (first, second)]
        whole.insert(at, joined)
        if not can_flip(joined.paths):
            waiting.append(joined)
    return whole if all(can_flip(unit.paths) for unit in whole) else found


def _moved_together(found: Sequence[LayerUnit]) -> list[LayerUnit]:
    """Return the units, those that have a name in common as one: a layer is at one place only."""
    whole: list[LayerUnit] = []
    for unit in found:
        mine = [one for one in whole if set(one.names) & set(unit.names)]
        for one in mine:
            unit = one + unit
        at = whole.index(mine[0]) if mine else len(whole)
        whole = [one for one in whole if one not in mine]
        whole.insert(at, unit)
    return whole
