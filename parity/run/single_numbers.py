"""Single numbers of rows, (N,), as rows of one, (N, 1): what a model is given so, or takes an axis away from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from parity.free_names import FreeNames
from parity.run.told import ToldInput, ToldNode

WHOLE = {"slice": [None, None, None]}
"""An index that takes all."""


@dataclass(frozen=True)
class SingleWords:
    """What a framework calls what such rows go through.

    Args:
        taking: part and arguments of what takes the one number out of a row of one.
        raising: part and arguments of what makes a row of one of a single number.
        flattening: part and arguments of what makes one axis of all that a row has.
        moving: parts that may only give rows an axis, or take one away.
        elementwise: returns whether a call does the same to each number, and to nothing else.
        tables: parts that look a number up.
    """

    taking: tuple[str, Mapping[str, Any]]
    raising: tuple[str, Mapping[str, Any]]
    flattening: tuple[str, Mapping[str, Any]]
    moving: frozenset[str]
    elementwise: Callable[[ToldNode], bool]
    tables: frozenset[str]


@dataclass(frozen=True)
class RowsOfOne:
    """A model whose inputs of single numbers are rows of one.

    Args:
        inputs, nodes, outputs: of it.
        same: of each value that is gone, what is read in its place.
        stretched: calls that are given single numbers beside rows that have an axis, (rows,) beside (rows, 1).
    """

    inputs: list[ToldInput]
    nodes: list[ToldNode]
    outputs: list[str]
    same: dict[str, str] = field(default_factory=dict)
    stretched: list[ToldNode] = field(default_factory=list)


def with_an_axis(
    inputs: Sequence[ToldInput], nodes: Sequence[ToldNode], outputs: Sequence[str], words: SingleWords
) -> RowsOfOne:
    """Return a model in which single numbers are rows of one, its inputs and what it computes.

    What gives them an axis, or takes one away, is gone; a table that is looked up gives a sequence of one, which is
    flattened; what does something to each number does it to the row of one. Anything else reads the number taken out
    of its row.

    Args:
        inputs: of a model.
        nodes: its calls, in order.
        outputs: names of those that give the outputs.
        words: of the framework.
    """
    if all(one.shape for one in inputs) and all(one.shape for one in nodes):
        return RowsOfOne(list(inputs), list(nodes), list(outputs))
    free = FreeNames([*(one.name for one in inputs), *(one.name for one in nodes)])
    walk = _Walk(words, free, {one.name for one in inputs if not one.shape})
    for node in nodes:
        walk.take(node)
    rows = [one if one.shape else replace(one, shape=[1]) for one in inputs]
    ends = [walk.end(one) for one in outputs]
    return RowsOfOne(rows, walk.nodes, ends, walk.same, walk.stretched)


class _Walk:
    """A walk through the calls of a model.

    Args:
        words: of the framework.
        free: names.
        single: names of the inputs that are single numbers.

    ``nodes`` are the calls as they are now, ``same`` and ``stretched`` those of :class:`RowsOfOne`.
    """

    def __init__(self, words: SingleWords, free: FreeNames, single: set[str]) -> None:
        self.words, self.nodes = words, list[ToldNode]()
        self.same: dict[str, str] = {}
        self.stretched: list[ToldNode] = []
        self._free, self._single, self._number = free, single, dict[str, str]()

    def take(self, node: ToldNode) -> None:
        """Take the next call in."""
        of_one = [one in self._single for one in node.reads]
        reads = [self.same.get(one, one) for one in node.reads]
        if len(reads) == 1 and self._moves(node):
            self._single |= set() if node.shape else {node.name}
            if node.read_shapes[0] in ([], [1]):
                self.same[node.name] = reads[0]
            else:
                self.nodes.append(replace(node, reads=reads, shape=[1]))
        elif not any(of_one):
            self.nodes.append(replace(node, reads=reads))
        elif len(reads) == 1 and node.part in self.words.tables and len(node.shape) == 1:
            self.nodes.append(replace(node, reads=reads, read_shapes=[[1]], shape=[1, *node.shape]))
            self.same[node.name] = self._added(node.name, [1, *node.shape], node.shape, *self.words.flattening, node)
        elif all(of_one) and not node.shape and self.words.elementwise(node):
            self.nodes.append(replace(node, reads=reads, read_shapes=[[1] for _ in reads], shape=[1]))
            self._single.add(node.name)
        else:
            self.stretched += [node] if any(node.read_shapes) and self.words.elementwise(node) else []
            self.nodes.append(replace(node, reads=[self._alone(one, node) for one in node.reads]))

    def end(self, name: str) -> str:
        """Return what gives an output, a row of one where it is a single number of each."""
        node = next((one for one in self.nodes if one.name == name and one.shape == []), None)
        if node is None:
            return self.same.get(name, name)
        return self._added(name, [], [1], *self.words.raising, node)

    def _moves(self, node: ToldNode) -> bool:
        """Return whether a call gives the single number of each row with an axis or without one."""
        if node.part not in self.words.moving or node.shape not in ([], [1]) or math.prod(node.read_shapes[0]) != 1:
            return False
        index = node.arguments.get("index", WHOLE)
        rows = index[0] if isinstance(index, list) else index
        fits = node.reads[0] in self._single if node.read_shapes[0] == [] else not node.shape
        return fits and rows in (WHOLE, "...")

    def _alone(self, name: str, node: ToldNode) -> str:
        """Return what gives a value as it is read: a number that is taken out of its row."""
        row = self.same.get(name, name)
        if name not in self._single:
            return row
        if row not in self._number:
            self._number[row] = self._added(row, [1], [], *self.words.taking, node)
        return self._number[row]

    def _added(
        self, read: str, before: list[int], shape: list[int], part: str, arguments: Mapping[str, Any], near: ToldNode
    ) -> str:  # fmt: skip
        """Add a call of a function that reads a value; return its name."""
        name = self._free.take(part.rpartition(".")[2])
        self.nodes.append(ToldNode(
            name=name, part=part, reads=[read], shape=shape, read_shapes=[before], arguments=dict(arguments),
            layer=name, function=True, place=near.place, within=list(near.within),
        ))  # fmt: skip
        return name
