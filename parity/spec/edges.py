"""What layers read, where two models are held against each other or layers come and go.

A layer that only one side has is looked through: ``add: [conv, drop]`` and ``add: [conv, relu]`` read the same where
``drop`` reads ``relu`` and the other side has no ``drop``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from parity.ops import Op
from parity.spec.align import by_name

Reads = Mapping[str, tuple[str, ...]]
"""What each layer reads, by name."""


def reads_of(layers: Sequence[Op], first: str) -> Reads:
    """Return what each layer reads, those that do not say included.

    Args:
        layers: of a model, named.
        first: what the first layer reads.
    """
    found: dict[str, tuple[str, ...]] = {}
    above = first
    for op in layers:
        found[str(op.name)] = (above,) if op.said_inputs is None else op.said_inputs
        above = str(op.name)
    return found


def plain(layers: Sequence[Op]) -> bool:
    """Return whether every layer reads the one above it by not saying what it reads."""
    return all(op.inputs is None and op.ports for op in layers)


def reading(layers: Sequence[Op], reads: Reads, first: str) -> tuple[Op, ...]:
    """Return layers that read what is said; nothing is said where that is the layer above.

    Args:
        layers: named, in order.
        reads: what each is to read.
        first: what the first layer reads by itself.
    """
    found, above = [], first
    for op in layers:
        wanted = reads[str(op.name)]
        said: str | tuple[str, ...] | None = wanted[0] if len(wanted) == 1 else wanted
        found.append(op.model_copy(update={"inputs": None if wanted == (above,) else said}))
        above = str(op.name)
    return tuple(found)


def through(reads: Reads, name: str, gone: Collection[str]) -> str:
    """Return what stands in the place of a value: what a layer that is gone reads, if it reads one tensor alone."""
    while name in gone and len(reads.get(name, ())) == 1:
        (name,) = reads[name]
    return name


class Edges:
    """What layers read in two models, and in models that are partly one and partly the other.

    Args:
        a: layers of the first side, named.
        b: layers of the other side.
        first: what a first layer reads.
    """

    def __init__(self, a: Sequence[Op], b: Sequence[Op], first: str) -> None:
        self.a, self.b = reads_of(a, first), reads_of(b, first)
        both = {str(left.name) for left, right in by_name(a, b) if left is not None and right is not None}
        # A layer that has moved is one of each side alone.
        self.only_a, self.only_b = set(self.a) - both, set(self.b) - both

    def tied(self, names: Collection[str], others: Collection[str]) -> bool:
        """Return whether, on either side, a layer of one group reads a layer of the other."""
        return any(
            one in group and value in opposite
            for reads in (self.a, self.b)
            for one, given in reads.items()
            for value in given
            for group, opposite in ((names, others), (others, names))
        )

    def _behind(self, reads: Reads, name: str, only: Collection[str]) -> set[str]:
        """Return the values of both sides that one of a side alone comes of, and nothing of both lies between."""
        if name not in only:
            return {name}
        return set().union(*(self._behind(reads, one, only) for one in reads[name]))

    def _common(self, left: str, right: str) -> str | None:
        """Return the value that two of different sides stand for; None where they are not the same."""
        one, other = self._behind(self.a, left, self.only_a), self._behind(self.b, right, self.only_b)
        both = one & other
        return min(both, key=lambda name: (name not in (left, right), name)) if both else None

    def differ(self, name: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """Return what a layer of both sides reads on each; None where it reads the same.

        Args:
            name: of the layer.
        """
        left, right = self.a[name], self.b[name]
        same = len(left) == len(right) and all(map(self._common, left, right))
        return None if same else (left, right)

    def mixed(self, name: str, other: bool, taken: Collection[str]) -> tuple[str, ...]:
        """Return what a layer reads in a model that has some layers of either side.

        Args:
            name: of the layer.
            other: it stands, or reads, as the other side has it, where the sides differ in that.
            taken: names of the layers that come, go or move, so that they are as the other side has them.
        """
        gone_a, gone_b = self.only_a & set(taken), self.only_b - set(taken)
        second = other or name not in self.a
        alone = name in (self.only_b if second else self.only_a)
        if alone or self.differ(name):
            own, gone = (self.b, gone_b) if second else (self.a, gone_a)
            # What one side alone has, and puts together what that side alone has, makes no sense without it.
            bare = alone and len(own[name]) > 1
            return own[name] if bare else tuple(through(own, one, gone) for one in own[name])
        return tuple(self._place(*pair, gone_a, gone_b) for pair in zip(self.a[name], self.b[name], strict=True))

    def _place(self, left: str, right: str, gone_a: Collection[str], gone_b: Collection[str]) -> str:
        common = self._common(left, right)
        found = self._nearest(self.a, left, self.only_a, common, gone_a)
        return self._nearest(self.b, right, self.only_b, common, gone_b) if found == common else found

    def _nearest(
        self, reads: Reads, name: str, only: Collection[str], common: str | None, gone: Collection[str]
    ) -> str:  # fmt: skip
        """Return the first value on the way up to the common one that the model has."""
        while name in gone:
            name = next(one for one in reads[name] if common in self._behind(reads, one, only))
        return name
