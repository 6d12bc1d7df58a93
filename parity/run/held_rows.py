"""The rows that a loop trains on: looked for, by their numbers, in the arrays that a program holds where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType, ModuleType
from typing import Any

import numpy as np

from parity.run.changed_rows import LOOKED_AT, change_between, changed

IsArray = Callable[[Any], bool | None]
"""Tells arrays of rows from what is none; None: neither it nor anything in it is one."""


def arrays_in(frames: Sequence[FrameType], is_array: IsArray) -> list[Any]:
    """Return the arrays of rows that a program holds, each once, those of the innermost frame first.

    Args:
        frames: of the program, the innermost first.
        is_array: tells them; may be of any library.
    """
    scopes = [scope for frame in frames for scope in (frame.f_locals, frame.f_globals)]
    found = (one for scope in scopes for name, value in list(scope.items()) for one in _arrays(name, value, is_array))
    return list({id(one): one for one in found}.values())


def _arrays(name: str, value: Any, is_array: IsArray, depth: int = 2) -> Iterator[Any]:
    """Return the arrays of rows that a value is or holds; ``name`` is what the program calls it."""
    told = is_array(value)
    if told is None:
        return
    if told:
        if len(value.shape) and value.shape[0] > 1:
            yield value
    elif depth and isinstance(value, list | tuple) and len(value) <= 8:
        for one in value:
            yield from _arrays(name, one, is_array, depth - 1)
    elif depth and isinstance(value, Mapping) and len(value) <= 64 and not name.startswith("__"):
        for one in list(value.values()):
            yield from _arrays(name, one, is_array, depth - 1)
    elif depth and _is_own(value):
        for one in list(vars(value).values()):
            yield from _arrays(name, one, is_array, depth - 1)


def _is_own(value: Any) -> bool:
    """Return whether a value is an object of a class that the program itself may have written, with few attributes."""
    own = hasattr(value, "__dict__") and not isinstance(value, type | ModuleType) and not callable(value)
    return own and len(vars(value)) <= 64


def among(steps: Sequence[Sequence[np.ndarray]], arrays: Sequence[Any]) -> tuple[list[Any], list[Any]] | None:
    """Return the arrays that batches are rows of, and the numbers of these rows in each step; None where none are.

    What a program makes of its rows on the way, channels moved or numbers scaled (:mod:`parity.run.changed_rows`), is
    done to the whole array.

    Args:
        steps: of each the batches, the inputs first, as many in each; all of a step of as many rows.
        arrays: among which they are looked for; the shortest that fits is taken.
    """
    found = _among(steps, arrays)
    if found is None:
        rows = np.concatenate([first for first, *_ in steps])
        made = [one for array in arrays for one in changed(rows, array)]
        found = _among(steps, made, [*arrays, *made]) if made else None
    return found


def _among(
    steps: Sequence[Sequence[np.ndarray]], arrays: Sequence[Any], every: Sequence[Any] = ()
) -> tuple[list[Any], list[Any]] | None:  # fmt: skip
    """Return what :func:`among` does, the inputs among some arrays, all else among these or more."""
    for candidate in sorted(arrays, key=lambda one: int(one.shape[0])):
        alike = [one for one in every or arrays if one.shape[0] == candidate.shape[0]]
        places = [next(iter(_numbers(first, candidate)), None) for first, *_ in steps[1:]]
        if any(one is None for one in places):
            continue
        (first, *others), *more = steps
        for numbers in _numbers(first, candidate):
            found: list[Any] = [_shaped(candidate, first)]
            for part, batch in enumerate(others, 1):
                rest = [(one[part], place) for one, place in zip(more, places, strict=True)]
                same = (_as_rows(one, [(batch, numbers), *rest]) for one in alike)
                found.append(next((one for one in same if one is not None), None))
            if all(one is not None for one in found):
                return found, [numbers, *places]
    return None


def holds(array: np.ndarray, batch: np.ndarray) -> bool:
    """Return whether all rows of a batch are rows of an array of such rows, number by number.

    Args:
        array: of all rows.
        batch: rows of the same shape.
    """
    rows, wanted = (one.reshape(len(one), -1) for one in (array, batch))
    if not rows.shape[1]:
        return True
    places = np.linspace(0, rows.shape[1] - 1, min(rows.shape[1], LOOKED_AT)).astype(int)
    some = rows[:, places]
    for row in wanted:
        alike = np.flatnonzero(((some == row[places]) | ((some != some) & (row[places] != row[places]))).all(axis=1))
        if not any(np.array_equal(rows[number], row, equal_nan=rows.dtype.kind == "f") for number in alike):
            return False
    return True


def is_among(batch: np.ndarray, arrays: Sequence[Any]) -> bool:
    """Return whether a batch is rows of one of some arrays."""
    return any(next(iter(_numbers(batch, one)), None) is not None for one in arrays)


def _size(shape: Sequence[int]) -> int:
    return int(np.prod([int(one) for one in shape[1:]]))


def _shaped(array: Any, batch: np.ndarray) -> np.ndarray:
    """Return an array with the rows' shape of a batch."""
    whole: np.ndarray = np.asarray(array)
    return whole.reshape(len(whole), *batch.shape[1:])


def _numbers(batch: np.ndarray, array: Any) -> Iterator[Any]:
    """Return the numbers of the rows that a batch is of an array; nothing where one is no row of it."""
    if _size(array.shape) != _size(batch.shape) or array.shape[0] < len(batch):
        return
    whole = np.ascontiguousarray(_shaped(array, batch).astype(batch.dtype, copy=False)).reshape(len(array), -1)
    rows: dict[bytes, int] = {}
    wanted = {one.tobytes() for one in batch.reshape(len(batch), -1)}
    for number, one in enumerate(whole):
        key = one.tobytes()
        if key in wanted:
            rows.setdefault(key, number)
    if len(rows) < len(wanted):
        return
    start = rows[batch.reshape(len(batch), -1)[0].tobytes()]
    if np.array_equal(whole[start : start + len(batch)], batch.reshape(len(batch), -1)):
        yield np.arange(start, start + len(batch))
    yield np.array([rows[one.tobytes()] for one in batch.reshape(len(batch), -1)])


def _as_rows(array: Any, batches: Sequence[tuple[np.ndarray, Any]]) -> np.ndarray | None:
    """Return an array of which each batch is rows of some numbers, as they are, one-hot or scaled; None for none."""
    whole: np.ndarray = np.asarray(array)
    batch, _ = batches[0]
    if _size(whole.shape) == _size(batch.shape) and all(
        np.array_equal(whole[numbers].reshape(one.shape).astype(one.dtype, copy=False), one) for one, numbers in batches
    ):
        return _shaped(whole, batch)
    if whole.ndim == 1 and whole.dtype.kind in "iu" and batch.ndim == 2 and batch.shape[1] > whole.max() >= 0:
        hot: np.ndarray = np.eye(batch.shape[1], dtype=batch.dtype)[whole]
        return hot if all(np.array_equal(hot[numbers], one) for one, numbers in batches) else None
    return _scaled(whole, batches)


def _scaled(whole: np.ndarray, batches: Sequence[tuple[np.ndarray, Any]]) -> np.ndarray | None:
    """Return an array with its numbers scaled or shifted as each batch has them; None where they are not that."""
    batch, _ = batches[0]
    if _size(whole.shape) != _size(batch.shape) or whole.dtype.kind not in "fiu" or batch.dtype.kind != "f":
        return None
    given, wanted = (
        np.concatenate([np.ravel(one) for one in every])
        for every in ([whole[numbers] for _, numbers in batches], [one for one, _ in batches])
    )
    change = change_between(given, wanted, whole)
    return None if change is None else change(_shaped(whole, batch)).astype(batch.dtype)
