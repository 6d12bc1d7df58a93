"""Rows that a program changes on their way into a batch: channels moved, or times a number and plus another.

Only NumPy: this module also runs inside workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Change = Callable[[np.ndarray], np.ndarray]
"""What a program does to the numbers of rows, each by itself."""

NEAR = 1e-5
"""Relative difference up to which numbers may be the same: what float32 keeps of them, with room."""

FEWEST = 4
"""Numbers of a row from which on it tells what was done to it: two always fit, as do most of three."""

LOOKED_AT = 8
"""Numbers of a row that are looked at ahead of all others."""

MOST = 64
"""Rows of an array that are gone into."""


def changed(batch: np.ndarray, array: Any) -> Iterator[np.ndarray]:
    """Yield an array's rows as batches may have them: its channels moved, its numbers scaled and shifted, or both.

    Args:
        batch: rows as a program trains on them, of as many batches as are known.
        array: that they may have been taken from; one whose rows are as they are is left to whoever asks.
    """
    for whole, moved in _laid(np.asarray(array), batch.shape):
        if whole.dtype == batch.dtype and moved:
            yield whole
        if batch.dtype.kind != "f" or whole.dtype.kind not in "fiu" or batch[0].size < FEWEST:
            continue
        flat, rows = whole.reshape(len(whole), -1), batch.reshape(len(batch), -1)
        numbers = [next(proportional(row, flat), None) for row in rows.astype(np.float64)]
        known = [(number, row) for number, row in zip(numbers, rows, strict=True) if number is not None]
        if known:  # A row of one number throughout is a scale of every such one.
            change = change_between(flat[[one for one, _ in known]], np.stack([row for _, row in known]), whole)
            if change is not None:
                yield change(whole).astype(batch.dtype)


def change_between(given: np.ndarray, wanted: np.ndarray, whole: np.ndarray) -> Change | None:
    """Return what makes some numbers of others, to the last bit; None where nothing short does.

    Args:
        given: numbers of an array.
        wanted: what a program has in their place, as many.
        whole: the array, whose mean, deviation or largest number may be what it divides by.
    """
    given, wanted = np.ravel(given), np.ravel(wanted)
    high, low = int(given.argmax()), int(given.argmin())
    spread = float(given[high]) - float(given[low])
    slope = (float(wanted[high]) - float(wanted[low])) / spread if spread else 0.0
    if not slope or not np.isfinite(slope):
        return None
    ahead = float(wanted[high]) - slope * float(given[high])
    size = float(np.abs(wanted).max())
    if not np.allclose(given * slope + ahead, wanted, rtol=0.0, atol=NEAR * size):
        return None
    return next((one for one in _changes(slope, ahead, size, whole) if _gives(one, given, wanted)), None)


def _gives(change: Change, given: np.ndarray, wanted: np.ndarray) -> bool:
    return np.array_equal(change(given).astype(wanted.dtype), wanted)


def channels_moved(array: np.ndarray, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Yield an array with its channels moved to the front or to the back, where its rows then have a shape.

    Args:
        array: of rows.
        shape: of an array of as many axes, or of others, whose rows are laid as is wanted.
    """
    if array.ndim == len(shape) >= 3:
        moved = (np.moveaxis(array, -1, 1), np.moveaxis(array, 1, -1))
        yield from (one for one in moved if one.shape[1:] == shape[1:])


def _laid(array: np.ndarray, shape: tuple[int, ...]) -> Iterator[tuple[np.ndarray, bool]]:
    """Yield an array with its rows' axes as a batch has them, and whether these are moved."""
    yield from ((one, True) for one in channels_moved(array, shape))
    if array.ndim and array[:1].size == int(np.prod(shape[1:])):
        yield array.reshape(len(array), *shape[1:]), False


def proportional(row: np.ndarray, rows: np.ndarray) -> Iterator[int]:
    """Yield the numbers of the rows that a row is, but for a factor and what is added.

    Args:
        row: its numbers, in float64.
        rows: as long ones.
    """
    high, low = int(row.argmax()), int(row.argmin())
    if row[high] == row[low]:
        return
    near = NEAR * float(np.abs(row).max())
    ones, others = rows[:, high].astype(np.float64), rows[:, low].astype(np.float64)
    kept = np.flatnonzero((ones != others) & np.isfinite(ones) & np.isfinite(others))
    slopes = (row[high] - row[low]) / (ones[kept] - others[kept])
    ahead = row[high] - slopes * ones[kept]
    places = np.linspace(0, row.size - 1, min(row.size, LOOKED_AT)).astype(int)
    for one in places:
        fits = np.abs(slopes * rows[kept, one] + ahead - row[one]) <= near
        kept, slopes, ahead = kept[fits], slopes[fits], ahead[fits]
    for number, slope, more in zip(kept[:MOST], slopes, ahead, strict=False):
        if np.abs(slope * rows[number] + more - row).max() <= near:
            yield int(number)


def _changes(slope: float, ahead: float, size: float, whole: np.ndarray) -> Iterator[Change]:
    """Yield what a program may have written that multiplies by a number and adds another, in both types it may use."""
    ways = [(*way, kind) for kind in (np.float64, np.float32) for way in _written(slope, ahead, size, whole, kind)]
    for _, times, plus, kind in sorted(ways, key=lambda way: way[0]):
        yield lambda rows, kind=kind, times=times, plus=plus: plus(times(rows.astype(kind)))  # type: ignore[misc]
        if ahead:
            yield lambda rows, kind=kind, times=times, plus=plus: times(plus(rows.astype(kind)))  # type: ignore[misc]


def _written(
    slope: float, ahead: float, size: float, whole: np.ndarray, kind: Any
) -> Iterator[tuple[int, Change, Change]]:  # fmt: skip
    """Yield ways to scale numbers and to shift them, each with how long it is to write."""
    own = [one(whole.astype(kind)) for one in (np.mean, np.std, np.min, np.max, np.ptp)]
    scales = [(_length(one), _divided(one)) for one in _near(1.0 / slope, own)]
    scales += [(_length(one), _times(one)) for one in _near(slope, own)]
    if abs(ahead) <= NEAR * size:
        yield from ((length, one, _as_it_is) for length, one in scales)
    shifts = [*_near(ahead, own, NEAR * size), *_near(ahead / slope, own, NEAR * size / abs(slope))]
    yield from ((length + _length(one), scale, _plus(one)) for length, scale in scales for one in shifts)
    for top in (255.0, 127.5):  # Pixels between 0 and 1 that are then normalized.
        for deviation in _near(1.0 / (top * slope), []):
            for mean in _near(-ahead * deviation, []):
                length = _length(deviation) + _length(mean)
                yield length, _then(_divided(top), _plus(-mean)), _divided(deviation)


def _length(number: Any) -> int:
    return len(f"{float(number):.7g}")


def _near(number: float, own: list[Any], within: float = 0.0) -> list[Any]:
    """Return short numbers that a number may stand for, up to a distance, and those of an array's own that it may."""
    within = within or NEAR * abs(number)
    short = [float(round(number)), *(float(f"{number:.{digits}g}") for digits in (2, 3, 4, 6, 7))]
    signed = [*own, *(-one for one in own)]
    near = [one for one in [*short, *signed] if one and abs(float(one) - number) <= within]
    return list(dict.fromkeys(near))


def _as_it_is(rows: np.ndarray) -> np.ndarray:
    return rows


def _divided(by: Any) -> Change:
    return lambda rows: rows / by


def _times(factor: Any) -> Change:
    return lambda rows: rows * factor


def _plus(more: Any) -> Change:
    return lambda rows: rows + more


def _then(first: Change, second: Change) -> Change:
    return lambda rows: second(first(rows))
