"""An index of a program as the layer that it is: ``x[:, -1]`` takes a place, ``x[:, 1:3]`` places in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parity.reading.entries_of import shown_word
from parity.reading.odd import Said
from parity.reading.unread import NoEntryError
from parity.run.told import Word

WHOLE = {"slice": [None, None, None]}
"""An index that takes all."""

REST = "..."
"""An index that takes all of as many axes as are left."""


def indexed(index: Word, row: Sequence[int | None]) -> Said | None:
    """Return what an index takes of each row; None where it takes all, and only adds or moves axes.

    Args:
        index: a whole number, ``{"slice": [start, stop, step]}``, ``"..."``, None for a new axis, or a list of such,
            the axis of the rows first.
        row: the shape of a row of what is indexed.

    Raises:
        NoEntryError: when no layer takes that.
    """
    every = list(index) if isinstance(index, list | tuple) else [index]
    if REST in every:
        at, wanted = every.index(REST), len(row) + 1 - sum(one is not None for one in every if one != REST)
        every[at : at + 1] = [WHOLE] * wanted
    every = [_plain(one, axis, row) for axis, one in enumerate(every)]
    if all(one in (WHOLE, None) for one in every):
        return None
    chosen = [axis for axis, one in enumerate(every) if one != WHOLE]
    if len(chosen) == 1 and chosen[0]:
        (axis,), one = chosen, every[chosen[0]]
        if isinstance(one, int) and not isinstance(one, bool):
            return taken(axis, one)
        if isinstance(one, Mapping) and "slice" in one and one["slice"][2] in (None, 1):
            return sliced(axis, *one["slice"][:2])
    if len(chosen) > 1 and (cropped := _cropped(every, row)) is not None:
        return cropped
    raise NoEntryError(f"a layer that takes [{', '.join(map(_shown, every))}] of {['rows', *row]}")


def _plain(one: Word, axis: int, row: Sequence[int | None]) -> Word:
    """Return a part of an index, one that says all places of an axis as such."""
    if not (isinstance(one, Mapping) and "slice" in one) or not 0 < axis <= len(row):
        return one
    start, stop, step = one["slice"]
    return WHOLE if start in (None, 0) and stop in (None, row[axis - 1]) and step in (None, 1) else one


def _cropped(every: Sequence[Word], row: Sequence[int | None]) -> Said | None:
    """Return what an index leaves of rows and columns, the ends of several axes cut off; None of any other."""
    rank = len(row)
    edges: dict[int, list[int]] = {}
    for axis, one in enumerate(every):
        length = row[axis - 1] if 0 < axis <= rank and None not in every else None
        if one == WHOLE:
            continue
        if length is None or not (isinstance(one, Mapping) and "slice" in one) or one["slice"][2] not in (None, 1):
            return None
        if not all(end is None or isinstance(end, int) for end in one["slice"][:2]):
            return None
        start, stop, _ = slice(*one["slice"][:2]).indices(length)
        if start >= stop:
            return None
        edges[axis] = [start, length - stop]
    for told, axes in (("channels_last", range(1, rank)), ("channels_first", range(2, rank + 1))):
        if rank in (3, 4) and set(edges) <= set(axes):
            cropping = [edges.get(axis, [0, 0]) for axis in axes]
            more = {} if told == "channels_last" else {"data_format": told}
            return Said(f"cropping{rank - 1}d", {"cropping": cropping, **more})
    return None


def taken(axis: int, index: int) -> Said:
    """Return the layer that takes one place along an axis, counted from 1."""
    return Said("take", {"index": index, **({} if axis == 1 else {"axis": axis})})


def sliced(axis: int, start: Any, stop: Any) -> Said:
    """Return the layer that takes the places from one to another along an axis, counted from 1.

    Raises:
        NoEntryError: when these are no numbers.
    """
    if not all(one is None or isinstance(one, int) for one in (start, stop)):
        raise NoEntryError("a layer that takes places whose numbers are computed")
    told = {"start": start or None, "stop": stop, "axis": axis if axis != 1 else None}
    return Said("slice", {name: one for name, one in told.items() if one is not None})


def _shown(one: Word) -> str:
    """Return a part of an index as Python writes it."""
    if not (isinstance(one, Mapping) and "slice" in one):
        return shown_word(one)
    start, stop, step = ("" if part is None else shown_word(part) for part in one["slice"])
    return f"{start}:{stop}{f':{step}' if step else ''}"
