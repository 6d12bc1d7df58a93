"""Aligning two lists of layers, as two sequences are aligned: what stands for what, and what has no counterpart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from parity.free_names import free_name
from parity.ops import Op

A = TypeVar("A")
B = TypeVar("B")

SAME_NAME, SAME_KIND, FIELDS = 10**12, 10**6, 1000
"""What a pair counts: a name outweighs any number of kinds, one pair more any likeness of fields."""


def align(a: Sequence[A], b: Sequence[B], score: Callable[[A, B], int]) -> list[tuple[A | None, B | None]]:
    """Return both lists side by side, each in its own order, so that the pairs count most together.

    Of alignments that count the same, the one that pairs earliest. Where nothing stands opposite, there is None; of
    what lies between two pairs, that of the first list comes first.

    Args:
        a: first list.
        b: second list.
        score: what a pair counts; 0 where the two cannot be one.

    >>> align("abcd", "bxd", lambda one, other: int(one == other))
    [('a', None), ('b', 'b'), ('c', None), (None, 'x'), ('d', 'd')]
    """
    # Ahead of everything else comes what the pairs count; then, that they stand early.
    latest = len(a) + len(b)
    whole = latest * min(len(a), len(b)) + 1
    pairs = [
        [counts * whole + latest - i - j if (counts := score(one, other)) else 0 for j, other in enumerate(b)]
        for i, one in enumerate(a)
    ]
    # best[i][j]: what the pairs of a[i:] and b[j:] count at most.
    best = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            paired = pairs[i][j] + best[i + 1][j + 1] if pairs[i][j] else 0
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    found: list[tuple[A | None, B | None]] = []
    i = j = 0
    while i < len(a) or j < len(b):
        if i < len(a) and j < len(b) and pairs[i][j] and best[i][j] == pairs[i][j] + best[i + 1][j + 1]:
            found.append((a[i], b[j]))
            i, j = i + 1, j + 1
        elif i < len(a) and best[i][j] == best[i + 1][j]:
            found.append((a[i], None))
            i += 1
        else:
            found.append((None, b[j]))
            j += 1
    return found


def by_name(a: Sequence[Op], b: Sequence[Op]) -> list[tuple[Op | None, Op | None]]:
    """Return the layers of two models side by side, paired by name.

    The names of a side's layers are those of the spec's wherever they mean the same (:func:`names_like`), so kind and
    place are in them. A name that both have in another order is paired once at most: what is left has moved.
    """
    return align(a, b, lambda one, other: int(one.name == other.name))


def names_like(known: Sequence[Op], layers: Sequence[Op]) -> list[str]:
    """Return a name for each layer: that of the known layer it stands for, else one that none of them has.

    A layer with a name keeps it. The others are aligned with the known layers: by kind, in their order, those first
    that have more fields in common.

    Args:
        known: the layers there were, named.
        layers: the layers to be named.
    """
    said = {op.name for op in layers if op.name}

    def score(old: int, new: int) -> int:
        one, other = known[old], layers[new]
        if other.name or one.name in said:
            return SAME_NAME if one.name == other.name else 0
        return SAME_KIND + likeness(one, other) if one.kind == other.kind else 0

    pairs = align(range(len(known)), range(len(layers)), score)
    found = {new: str(known[old].name) for old, new in pairs if old is not None and new is not None}
    taken = {str(op.name) for op in known} | {str(name) for name in said}
    names = []
    for index, op in enumerate(layers):
        name = op.name or found.get(index) or free_name(op.kind, taken)
        taken.add(name)
        names.append(name)
    return names


def likeness(a: Op, b: Op) -> int:
    """Return which share of the fields of two layers of a kind are equal, of :data:`FIELDS`."""
    fields = [name for name in type(a).model_fields if name != "name"]
    return sum(getattr(a, name) == getattr(b, name) for name in fields) * FIELDS // max(len(fields), 1)
