"""The rows that a loop trains on: looked for, by their numbers, in the arrays and datasets that the program holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np
import tensorflow as tf

from parity.run.held_rows import among, arrays_in, is_among
from parity.run.loops_here import epochs_of, loops_here
from parity.run.told import ToldTraining

MOST = 2_000_000
"""Rows of a dataset that are gone through."""

OUTSIDE = ("PrefetchDataset", "RepeatDataset", "_OptionsDataset", "CacheDataset", "_PrefetchDataset",
           "_RepeatDataset", "ModelDataset")  # fmt: skip
"""Datasets around another one that give its elements as they are, once or again and again."""


@dataclass
class HeldByProgram:
    """What a program holds when it is stopped.

    Args:
        arrays: each once, those of the innermost frame first.
        loops: sizes of the ``for ... in range(n)`` that it stands in, outermost first; None for a loop over else.
        datasets: that it goes through, the last one first.
    """

    arrays: list[Any] = field(default_factory=list)
    loops: list[int | None] = field(default_factory=list)
    datasets: list[Any] = field(default_factory=list)


def held_by(frames: Sequence[FrameType], datasets: Sequence[Any]) -> HeldByProgram:
    """Return what a program holds.

    Args:
        frames: of the program, the innermost first.
        datasets: that it has gone through so far.
    """
    found = HeldByProgram(datasets=list({id(one): one for one in reversed(datasets)}.values()))
    found.arrays = arrays_in(frames, _is_array)
    found.loops = loops_here(frames)
    return found


def _is_array(value: Any) -> bool | None:
    if isinstance(value, tf.Variable):
        return None  # A weight, of as many rows as it may have.
    if not (isinstance(value, np.ndarray) or (tf.is_tensor(value) and hasattr(value, "numpy"))):
        return False
    return value.dtype not in (tf.resource, tf.variant, tf.string)


@dataclass
class RowsOfLoop:
    """What batches are made of.

    Args:
        arrays: of each batch, all rows.
        training: how the program trains, as far as it is seen.
        notes: what is not seen, in sentences.
        missing: numbers of the batches that were found nowhere.
    """

    arrays: list[Any] = field(default_factory=list)
    training: ToldTraining = field(default_factory=ToldTraining)
    notes: list[str] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)


def rows_of(steps: Sequence[Sequence[np.ndarray]], held: HeldByProgram) -> RowsOfLoop:
    """Return the arrays whose rows batches are.

    Args:
        steps: of each step its batches, the inputs first; all of a step of as many rows.
        held: by the program.
    """
    found, batches = RowsOfLoop(), steps[0]
    size = len(batches[0])
    for dataset in held.datasets:
        told = _dataset(dataset)
        if told is None:
            continue
        arrays, said = told
        places = among(steps, arrays)
        if places is not None:
            found.arrays = places[0]
            found.training = ToldTraining(batch_size=said["batch_size"] or size, shuffle=said["shuffle"],
                                          drop_remainder=said["drop_remainder"])  # fmt: skip
            rows = len(places[0][0])
            found.training.epochs = (
                _epochs_taken(held, rows, size, said["takes"])
                if said["takes"]
                else _epochs(held, rows, size, said["repeats"])
            )
            if said["goes_on"] and rows % size:
                found.notes.append(f"Its rows repeat before they are put into batches: each has {size} rows, where the "
                                   f"last of the spec's {rows} rows are {rows % size}.")  # fmt: skip
            return found
    places = among(steps, held.arrays)
    if places is None:
        found.missing = [n for n, one in enumerate(batches) if not is_among(one, held.arrays)] or [0]
        return found
    found.arrays, (numbers, *_) = places
    rows = len(found.arrays[0])
    shuffle = size < rows and not np.array_equal(numbers, np.arange(numbers[0], numbers[0] + size))
    found.training = ToldTraining(batch_size=size, shuffle=bool(shuffle))
    inner = held.loops[-1] if len(held.loops) > 1 else None  # How many batches an epoch has.
    found.training.drop_remainder = bool(rows % size) and inner == rows // size
    if size < rows and not shuffle:
        found.notes.append("That rows come in the order of the arrays is seen of the first steps only.")
    if rows % size and inner not in (rows // size, -(-rows // size)):
        found.notes.append(f"Whether it takes the last {rows % size} of {rows} rows cannot be seen: the spec does.")
    found.training.epochs = _epochs(held, rows, size, None)
    return found


def _epochs(held: HeldByProgram, rows: int, size: int, repeats: int | None) -> int | None:
    """Return for how many epochs a program trains, as its loops and datasets say; None where they do not."""
    if len(held.loops) == 1 and repeats is not None:
        return repeats if repeats > 0 else None
    return epochs_of(held.loops, rows, size)


def _epochs_taken(held: HeldByProgram, rows: int, size: int, batches: int) -> int | None:
    """Return for how many epochs a program trains that takes so many batches of rows that repeat."""
    outer = [one for one in held.loops[:-1] if one is not None]
    if len(outer) < len(held.loops) - 1:
        return None
    return max(1, -(-math.prod(outer) * batches * size // rows))


def _takes(dataset: Any) -> bool:
    return type(dataset).__name__.lstrip("_") == "TakeDataset"


def _dataset(dataset: Any) -> tuple[list[Any], dict[str, Any]] | None:
    """Return all rows of a dataset, by the parts of its elements, and how it deals them out; None of an endless one."""
    said: dict[str, Any] = {"batch_size": None, "shuffle": False, "drop_remainder": False, "repeats": None,
                            "takes": 0, "goes_on": False}  # fmt: skip
    chain = [dataset]
    while (inner := getattr(chain[-1], "_input_dataset", None)) is not None:
        chain.append(inner)
    for one in chain:
        kind = type(one).__name__.lstrip("_")
        if "Shuffle" in kind:
            said["shuffle"] = True
        elif kind in ("BatchDataset", "ParallelBatchDataset"):
            said["batch_size"], said["drop_remainder"] = int(one._batch_size), bool(one._drop_remainder)
        elif kind == "RepeatDataset":
            said["repeats"] = int(one._count)
            said["goes_on"] = said["batch_size"] is not None
    inner = dataset
    while type(inner).__name__ in OUTSIDE or (said["repeats"] == -1 and _takes(inner)):
        said["takes"] = int(inner._count) if _takes(inner) else said["takes"]  # Batches, of rows without an end.
        inner = inner._input_dataset
    batched = said["batch_size"] is not None
    if batched and "BatchDataset" in type(inner).__name__:
        inner, batched = inner._input_dataset, False  # All rows, those of a last batch that is left out as well.
        while "Shuffle" in type(inner).__name__ or type(inner).__name__ in OUTSIDE:
            inner = inner._input_dataset  # In the order of the file.
    if int(inner.cardinality()) == tf.data.INFINITE_CARDINALITY:
        return None
    parts: list[list[Any]] = []
    for number, element in enumerate(inner):
        flat = [one.numpy() for one in tf.nest.flatten(element) if tf.is_tensor(one)]
        parts = parts or [[] for _ in flat]
        for part, one in zip(parts, flat, strict=True):
            part.append(one)
        if number > MOST:
            return None
    whole = said["batch_size"] is not None and batched
    try:
        return [np.concatenate(one) if whole else np.stack(one) for one in parts], said
    except ValueError:  # Rows of several shapes.
        return None
