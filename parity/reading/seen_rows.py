"""Rows of a program of which only the batches of its first steps are known: those of the other program, where they are.

A loop that makes its batches itself, in NumPy say, need not say what of. That some rows of it were seen, and are among
the rows that the other program brings, is what can be known of them; which rows they are says in what order they come.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from parity.lazy import np
from parity.reading.prepared import CLOSE
from parity.reading.same_rows import class_numbers, in_form, same_rows
from parity.reading.whole import UNSEEN, ReadProgram, only_seen
from parity.rows import training_rows
from parity.run.changed_rows import channels_moved, proportional
from parity.run.loops_here import epochs_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


def rows_seen(a: ReadProgram, b: ReadProgram, names: tuple[str, str]) -> tuple[ReadProgram, ReadProgram, list[str]]:
    """Return two programs of which one, where only some rows of it were seen, learns from the other's that these are.

    Where of both only some were seen, and these are not the same, both learn from those of the first: which rows a
    program began with is no difference between the two.

    Args:
        a: first program.
        b: second program, with the first's names of inputs and outputs.
        names: of them.

    Returns:
        Both, and what a reader should know.
    """
    seen = [one.told.seen_loops is not None for one in (a, b)]
    if not any(seen) or any(one.made_up or one.redrawn for one in (a, b)) or set(a.arrays) != set(b.arrays):
        return a, b, []
    if all(seen):
        if all(same_rows(array, b.arrays[name]) for name, array in a.arrays.items()):
            return a, b, []
        arrays = {name: _like(array, b.arrays[name]) for name, array in a.arrays.items()}
        if any(one is None for one in arrays.values()):
            return a, b, []
        told = f"of both programs only the batches of the first steps are known. Both learn from those of {names[0]}."
        return a, replace(b, arrays=arrays), [f"Whether their rows differ is not told: {told}"]
    one, other = (a, b) if seen[0] else (b, a)
    found = _numbered(one, other)
    if found is None:
        return a, b, []
    arrays, numbers, scaled = found
    whole = _learning_from(one, arrays, numbers)
    mine, theirs = names if seen[0] else names[::-1]
    told = f"{mine}: the {len(numbers)} rows that were seen of it are rows of {theirs}"
    told += f"{', but for a factor' if scaled else ''}, and so are all others taken to be."
    return (whole, b, [told]) if seen[0] else (a, whole, [told])


def _learning_from(one: ReadProgram, arrays: dict[str, Any], numbers: NDArray[Any]) -> ReadProgram:
    """Return a program with all rows of another one, in the order in which it was seen to take them."""
    training = dict(one.spec["training"])
    rows, size, loops = len(next(iter(arrays.values()))), int(training["batch_size"]), one.told.seen_loops or []
    training["shuffle"] = not np.array_equal(numbers, np.arange(len(numbers)) % rows)
    inner = loops[-1] if len(loops) > 1 else None  # How many batches an epoch has.
    if rows % size and inner == rows // size:
        training["drop_remainder"] = True
    notes = [note for note in one.notes if note != only_seen(len(numbers))]
    epochs = epochs_of(loops, rows, size)
    if one.told.training.epochs is not None and epochs is not None:
        training["epochs"] = epochs
    elif UNSEEN not in notes:
        notes.append(UNSEEN)
    return replace(one, arrays=arrays, notes=notes, spec={**one.spec, "training": training})


def _numbered(one: ReadProgram, other: ReadProgram) -> tuple[dict[str, Any], NDArray[Any], bool] | None:
    """Return the rows that another program trains on, in the form that the seen ones have, and which the seen ones are.

    And whether that is so but for a factor. None where one is none of them.
    """
    count = training_rows(len(next(iter(other.arrays.values()))), other.spec["data"].get("validation_split", 0.0))
    wholes, places, scaled = {}, None, False
    for name, seen in one.arrays.items():
        found = _places(seen, other.arrays[name][:count])
        if found is None:
            return None
        wholes[name], among, factor = found
        scaled = scaled or factor
        places = among if places is None else places & among
    if places is None or not places.any(axis=1).all():
        return None
    numbers = _in_a_row(places)
    arrays = {name: in_form(whole, whole[numbers], one.arrays[name]) for name, whole in wholes.items()}
    return None if any(array is None for array in arrays.values()) else (arrays, numbers, scaled)


def _places(seen: NDArray[Any], whole: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], bool] | None:
    """Return an array with its rows laid as the seen ones are, of each seen row which it may be, and if by a factor."""
    for laid in _laid(whole, seen):
        mine, theirs = (_plain(one) for one in (seen, laid))
        if mine.shape[1:] != theirs.shape[1:]:
            continue
        found = _equal(mine, theirs)
        if found.any(axis=1).all():
            return laid, found, False
        row = max(range(len(mine)), key=lambda number: float(np.ptp(mine[number])))
        number = next(proportional(mine[row], theirs), None) if mine.shape[1] > 1 else None
        if number is not None:
            factor = float(np.ptp(mine[row])) / float(np.ptp(theirs[number]))
            shift = float(mine[row].max()) - factor * float(theirs[number].max())
            if abs(shift) > CLOSE * float(np.abs(mine).max()):
                continue
            found = _equal(mine, theirs * factor)
            if found.any(axis=1).all():
                return laid, found, True
    return None


def _laid(whole: NDArray[Any], seen: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield an array as it is, and with its channels where other frameworks have them."""
    yield whole
    yield from channels_moved(whole, seen.shape)


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return rows as numbers in one line each, labels as that of their class."""
    numbers = class_numbers(array) if array.ndim <= 2 else None
    chosen = array if numbers is None else numbers
    return chosen.reshape(len(chosen), -1).astype(np.float64)


def _equal(seen: NDArray[Any], whole: NDArray[Any]) -> NDArray[Any]:
    """Return of each seen row which rows it may be, up to what float32 makes of them.

    A random sum of each row tells most apart, ahead of all their numbers.
    """
    weights = np.random.default_rng(0).uniform(0.5, 1.5, (seen.shape[1],))
    near = CLOSE * float(np.abs(seen).max(initial=0.0))
    apart = (seen @ weights)[:, None] - (whole @ weights)[None, :]
    found: NDArray[Any] = np.abs(apart) <= 2.0 * near * float(weights.sum())
    for row, places in zip(seen, found, strict=True):
        maybe = np.flatnonzero(places)
        places[maybe] = (np.abs(whole[maybe] - row) <= 2.0 * near).all(axis=1)
    return found


def _in_a_row(places: NDArray[Any]) -> NDArray[Any]:
    """Return the number of each row, of several that are the same the one behind the row before."""
    numbers: list[int] = []
    for row in places:
        after = numbers[-1] + 1 if numbers else 0
        follows = after < len(row) and row[after]
        numbers.append(after if follows else int(row.argmax()))
    return np.array(numbers)


def _like(array: NDArray[Any], other: NDArray[Any]) -> NDArray[Any] | None:
    """Return an array in the form that another one of other rows has; None where that is not known."""
    for one in _laid(array, other):
        if one.shape[1:] == other.shape[1:] and one.dtype.kind == other.dtype.kind:
            return one
    flat = {array.ndim, other.ndim} == {1, 2} and array[:1].size == other[:1].size == 1
    return array.reshape(len(array), *other.shape[1:]) if flat and array.dtype.kind == other.dtype.kind else None
