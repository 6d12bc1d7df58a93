"""Reading a user's .npz or .csv, with every fault said in one sentence."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from parity.data.section import SUFFIXES
from parity.data.sources import Raw
from parity.errors import DataError, did_you_mean, listed, printable, shortened
from parity.lazy import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEFAULT_TARGET = "y"
"""The target's name when a spec gives none; then a .csv without such a column is read by its last one."""


def read_file(
    path: Path, *, x: str | tuple[str, ...], y: str | tuple[str, ...], weights: str | None = None
) -> Raw:  # fmt: skip
    """Return the rows of an .npz or .csv file.

    Args:
        path: the file.
        x: name of the array of inputs in an .npz, or names of several; unused for a .csv.
        y: name of the array of labels or targets in an .npz, or names of several, or of their column in a .csv.
        weights: name of the array, or column, of what each row's loss counts; None for none.

    Raises:
        DataError: the file is missing, cannot be read, or does not hold what was asked for.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"data file {path}: its name ends in {path.suffix!r}; expected {' or '.join(SUFFIXES)}")
    if not os.path.isfile(path):  # Not pathlib's, which fails at a name that no file system takes.
        what = "this is a folder" if os.path.isdir(path) else "there is no such file"
        raise DataError(f"data file {path}: {what}; give the path of an .npz or .csv file")
    if path.suffix.lower() == ".npz":
        return read_npz(path, x, y, weights)
    if isinstance(x, tuple):
        raise DataError(
            f"data file {path}: a table holds one input, the model has {listed(x)}; give an .npz with these"
        )
    if isinstance(y, tuple):
        raise DataError(
            f"data file {path}: a table holds one column of targets, the model has {listed(y)}; give an .npz with these"
        )
    return read_csv(path, y, weights)


def read_npz(path: Path, x: str | tuple[str, ...], y: str | tuple[str, ...], weights: str | None = None) -> Raw:
    """Return arrays of an .npz file, in the types they have there.

    Args:
        path: the file.
        x: name of the array of inputs, (rows, ...), or names of several.
        y: name of the array of labels or targets, (rows, ...), or names of several.
        weights: name of the array of what each row's loss counts, (rows, ...); None for none.

    Raises:
        DataError: the file is no .npz, or an array is not in it.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            several, aims = ((one,) if isinstance(one, str) else one for one in (x, y))
            counts = () if weights is None else (("sample_weights", weights),)
            for field, name in (*(("x", one) for one in several), *(("y", one) for one in aims), *counts):
                if name not in archive.files:
                    raise DataError(
                        f"data file {path}: it has no array {name!r}; {_choices(name, archive.files, field)}"
                    )
            inputs = {name: _array(path, archive, name) for name in several}
            targets = {name: _array(path, archive, name) for name in aims}
            return Raw(
                x=inputs[several[0]], y=targets[aims[0]], description=printable(path.name),
                several=inputs if isinstance(x, tuple) else {}, aims=targets if isinstance(y, tuple) else {},
                weights=None if weights is None else _array(path, archive, weights),
            )  # fmt: skip
    except DataError:
        raise
    except Exception as error:  # What zip and its compressions make of a damaged or strange file has many names.
        said = shortened(" ".join((str(error) or type(error).__name__).split()), 200)
        raise DataError(
            f"data file {path}: it cannot be read as an .npz of plain number arrays ({said}); "
            "write it with numpy.savez(FILE, X=X, y=y)"
        ) from error


def _array(path: Path, archive: Mapping[str, object], name: str) -> np.ndarray:
    """Return an array of an archive.

    Raises:
        DataError: when it is none.
    """
    try:
        array = archive[name]
    except MemoryError as error:
        raise DataError(
            f"data file {path}: {name} does not fit the memory ({error}); is the file damaged, or too large for here?"
        ) from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"data file {path}: {name} is no array; write it with numpy.savez(FILE, X=X, y=y)")
    return array


def read_csv(path: Path, target: str, weights: str | None = None) -> Raw:
    """Return a table with a header row: one column of targets, every other column of numbers a feature.

    The column ``id``, however it is spelled, and columns of text are left out. Targets that are no numbers become
    classes, numbered by sorted name.

    Args:
        path: the file, UTF-8, separated by commas.
        target: the column of targets; with ``"y"`` and no such column, the last one that is not the weights'.
        weights: the column of what each row's loss counts, which is no feature; None for none.

    Returns:
        x float32 (rows, features), float64 where it holds whole numbers that float32 rounds; y int64 or float32
        (rows,).

    Raises:
        DataError: the file is no such table.
    """
    header, columns = _table(path)
    others = [title for title in header if title != weights]
    name = others[-1] if target == DEFAULT_TARGET and target not in header and others else target
    for field, title in (("y", name), ("sample_weights", weights)):
        if title is not None and title not in header:
            raise DataError(f"data file {path}: it has no column {title!r}; {_choices(title, header, field)}")
    features = []
    for title, cells in zip(header, columns, strict=True):
        if title not in (name, weights) and title.lower() != "id":
            values = _numbers(path, title, cells)
            if values is not None:
                features.append(values)
    if not features:
        raise DataError(f"data file {path}: no column besides {name!r} holds numbers; expected at least one feature")
    x = np.stack(features, axis=1)
    with np.errstate(over="ignore"):
        short = x.astype(np.float32)
    rounded = (x == np.rint(x)) & (short != x) & np.isfinite(x)
    y = _targets(path, name, columns[header.index(name)])
    counts = None if weights is None else _numbers(path, weights, columns[header.index(weights)])
    if weights is not None and counts is None:
        raise DataError(f"data file {path}: the column of sample weights, {weights!r}, holds text; expected numbers")
    return Raw(
        x=x if rounded.any() else short, y=y, description=printable(path.name), table=True, weights=counts
    )  # fmt: skip


def _choices(name: str, choices: Sequence[str], field: str) -> str:
    hint = did_you_mean(name, choices) or f"say which one in the spec, data: {{{field}: NAME}}"
    return f"expected {listed(choices)}; {hint}" if choices else "it holds nothing at all"


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            header = [title.strip() for title in next(lines, [])]
            rows = []
            for row in lines:
                if not row:
                    continue
                if len(row) != len(header):
                    raise DataError(
                        f"data file {path}, line {lines.line_num}: {len(row)} values; "
                        f"expected {len(header)}, one for each column of the header, separated by commas"
                    )
                rows.append(row)
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        raise DataError(f"data file {path}: it cannot be read as a .csv in UTF-8 ({error})") from error
    if not rows:
        raise DataError(f"data file {path}: it has no rows; expected a header line and at least one row below it")
    twice = sorted({title for title in header if header.count(title) > 1})
    if twice:
        raise DataError(f"data file {path}: two columns are called {twice[0]!r}; give each column its own name")
    return header, [list(column) for column in zip(*rows, strict=True)]


NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
"""A number in a table; Python's own reading also takes ``1_0`` for 10."""

WHOLE = re.compile(r"[+-]?\d+", re.ASCII)

COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
"""A number with a decimal comma."""


def _number(cell: str) -> float | None:
    return float(cell) if NUMBER.fullmatch(cell.strip()) else None


def _numbers(path: Path, title: str, cells: list[str]) -> NDArray[np.float64] | None:
    """Return a column as numbers; None for a column of text."""
    values = [_number(cell) for cell in cells]
    good = [value for value in values if value is not None]
    if len(good) == len(cells):
        return np.array(good)
    comma = next((row for row, cell in enumerate(cells) if COMMA.fullmatch(cell.strip())), None)
    if comma is not None:
        raise DataError(
            f"data file {path}: column {title!r} has {cells[comma]!r} in row {comma + 1}; expected a point before the "
            "decimals, as in 0.5"
        )
    if not good and any(cell.strip() for cell in cells):
        return None
    # A column that is mostly numbers is a feature with a hole in it; leaving it out would hide that.
    row = values.index(None)
    what = repr(shortened(cells[row], 60)) if cells[row].strip() else "an empty cell"
    raise DataError(
        f"data file {path}: column {title!r} has {what} in row {row + 1} among numbers; "
        "fill it in, or take the row or the column out"
    )


def _targets(path: Path, title: str, cells: list[str]) -> NDArray[np.int64] | NDArray[np.float32]:
    empty = next((row for row, cell in enumerate(cells, start=1) if not cell.strip()), None)
    if empty is not None:
        raise DataError(f"data file {path}: the target column {title!r} is empty in row {empty}; fill it in")
    if all(WHOLE.fullmatch(cell.strip()) for cell in cells):
        try:
            return np.array([int(cell) for cell in cells], dtype=np.int64)
        except (ValueError, OverflowError):
            largest = max(cells, key=len).strip()
            raise DataError(
                f"data file {path}: the target column {title!r} has {shortened(largest, 40)}, a whole number that does "
                "not fit 64 bits; number the classes from 0, or scale the targets"
            ) from None
    values = [_number(cell) for cell in cells]
    numbers = [value for value in values if value is not None]
    if len(numbers) == len(cells):
        return np.array(numbers, dtype=np.float32)
    if numbers:
        # One stray word would otherwise turn a column of numbers into classes without a sound.
        row = values.index(None)
        cell = shortened(cells[row], 60)
        raise DataError(
            f"data file {path}: the target column {title!r} has {cell!r} in row {row + 1} among numbers; "
            "expected numbers alone, or names alone (which become classes)"
        )
    classes = {name: number for number, name in enumerate(sorted(set(cells)))}
    return np.array([classes[cell] for cell in cells], dtype=np.int64)
