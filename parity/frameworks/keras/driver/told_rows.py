"""What a Keras program trains on, as arrays: those of a call of ``fit``, or the rows of a dataset that ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from parity.frameworks.keras.driver.told_graph import Telling
from parity.frameworks.keras.driver.tracing import UntoldError
from parity.run.told import Told, ToldRefusal
from parity.run.watched import Training

MOST = 2**30
"""Bytes of a dataset's rows that are kept; one of more is refused."""

SIDEWAYS = ("Prefetch", "Options", "Model")
"""Stages of a dataset that change no row and no order."""

NEEDS = "arrays of rows, which a file can hold"


def unpacked(training: Training, told: Told) -> Training:
    """Return a training with the rows of its datasets in their place.

    Args:
        training: as ``fit`` was called.
        told: of the program; takes notes.

    Raises:
        UntoldError: when a dataset is not read.
    """
    if is_dataset(training.x):
        given, batch_size, drop, kept = _stages(training.x)
        if kept is not None:
            told.notes.append(f"Its dataset shuffles {kept} rows at a time; the spec shuffles all.")
        x, y, weights = _parts(given, "x", told)
        training = replace(
            training, x=x, y=y, sample_weight=weights, batch_size=batch_size, drop_remainder=drop,
            shuffle=kept is not None or _shuffles(training.x),
        )  # fmt: skip
    if is_dataset(training.validation):
        training = replace(training, validation=_parts(training.validation.unbatch(), "validation_data", told))
    return training


def is_dataset(given: Any) -> bool:
    """Return whether something is a dataset of TensorFlow's."""
    return any(one.__module__.startswith("tensorflow.python.data") for one in type(given).__mro__)


def _kind(stage: Any) -> str:
    return type(stage).__name__.strip("_").removesuffix("Dataset").removeprefix("Parallel")


def _below(stage: Any) -> Iterator[Any]:
    yield stage
    for one in stage._inputs():
        yield from _below(one)


def _shuffles(dataset: Any) -> bool:
    return any(_kind(one) == "Shuffle" for one in _below(dataset))


def _stages(dataset: Any) -> tuple[Any, int, bool, int | None]:
    """Return the rows of a dataset and how it batches and shuffles them.

    Returns:
        Rows in the order of the source, the size of a batch, whether a last smaller one is dropped, and how many rows
        are shuffled at a time where these may be fewer than all.

    Raises:
        UntoldError: when the dataset is made otherwise.
    """
    stage, batch, shuffle, mapped = dataset, None, None, False
    while shuffle is None:
        kind, inputs = _kind(stage), stage._inputs()
        if kind == "Batch" and batch is None:
            batch = stage
        elif kind == "Shuffle" and batch is not None and not mapped:
            shuffle = stage
        elif kind == "Map":
            mapped = True
        elif kind not in SIDEWAYS:
            break
        stage = inputs[0]
    inner = shuffle._inputs()[0] if shuffle is not None else stage
    odd = [one for one in map(_kind, _below(inner)) if one in ("Batch", "Shuffle", "Repeat") or "Generator" in one]
    if batch is None or odd or (shuffle is not None and not shuffle._reshuffle_each_iteration):
        what = f"{odd[0].lower()} out of place" if odd else "no batch" if batch is None else "one order for all epochs"
        needs = "rows that end, then shuffle at most, then batch, then prefetch at most"
        raise UntoldError(ToldRefusal(what=f"data: a tf.data.Dataset with {what}", needs=needs))
    drop = bool(batch._drop_remainder)
    over = shuffle if shuffle is not None else batch
    rows = over._inputs()[0] if not _maps_over(dataset, over) else dataset.unbatch()
    if shuffle is None:
        return rows, int(batch._batch_size), drop, None
    size = int(shuffle._buffer_size)
    count = int(rows.cardinality())
    return rows, int(batch._batch_size), drop, size if count < 0 or size < count else None


def _maps_over(dataset: Any, stage: Any) -> bool:
    """Return whether rows are changed between a stage and the end."""
    one = dataset
    while one is not stage:
        if _kind(one) == "Map":
            return True
        one = one._inputs()[0]
    return False


def _parts(dataset: Any, what: str, told: Told) -> tuple[Any, Any, Any]:
    """Return inputs, targets and weights of the rows of a dataset that ends, and tell where they are others each time.

    Raises:
        UntoldError: when it does not.
    """
    first, second = (_rows(dataset, what) for _ in range(2))
    flat = [keras.tree.flatten(one) for one in (first, second)]
    if not all(np.array_equal(one, other) for one, other in zip(*flat, strict=True)):
        told.redrawn = f"{what} is a tf.data.Dataset with other rows each time"
    parts = first if isinstance(first, tuple) else (first,)
    return (*parts, None, None)[:3]


def _rows(dataset: Any, what: str) -> Any:
    rows, size = [], 0
    ends = int(dataset.cardinality()) != -1
    for row in dataset.as_numpy_iterator() if ends else ():
        rows.append(row)
        size += sum(np.asarray(one).nbytes for one in keras.tree.flatten(row))
        if size > MOST:
            ends = False
            break
    if not ends or not rows:
        told = "of no rows" if ends else f"that does not end, or not within {MOST:,} bytes,"
        raise UntoldError(ToldRefusal(what=f"data: {what}, a tf.data.Dataset {told}", needs=NEEDS))
    return keras.tree.map_structure(lambda *every: np.stack(every), *rows)


def _described(given: Any) -> str:
    kind = f"{type(given).__module__.partition('.')[0]} {type(given).__name__.lstrip('_')}"
    return f"{kind} of {given.dtype}" if isinstance(given, np.ndarray) else kind


class Arrays:
    """What a program trains on, as arrays.

    Args:
        folder: takes them.
        told: what is told of the program; takes their names, and what is no array.
    """

    def __init__(self, folder: Path, told: Told) -> None:
        self.folder, self.told = folder, told

    def rows(self, given: Any, what: str) -> dict[str, np.ndarray] | list[np.ndarray] | None:
        """Return arrays by name or in order; None where there are none, or where they are refused."""
        if given is None:
            return None
        several = isinstance(given, list | tuple) and given and all(hasattr(one, "shape") for one in given)
        named: Mapping[Any, Any] = (
            given if isinstance(given, Mapping) else dict(enumerate(given if several else [given]))
        )
        found = {name: array for name, one in named.items() if (array := self.array(one, what)) is not None}
        if len(found) < len(named):
            return None
        return found if isinstance(given, Mapping) else list(found.values())

    def array(self, given: Any, what: str) -> np.ndarray | None:
        """Return an array of numbers; None where something is none, which is refused."""
        if isinstance(given, np.ndarray | list | tuple) or hasattr(given, "__array__"):
            try:
                found = np.asarray(given)
            except ValueError:  # Rows of several lengths.
                found = np.asarray(None)
            if found.dtype.kind in "fiub" and found.ndim:
                return found
        self.refuse(f"data: {what}, a {_described(given)},", NEEDS)
        return None

    def refuse(self, what: str, needs: str) -> None:
        """Tell that something of the call of ``fit`` is not told."""
        self.told.refused.append(ToldRefusal(what=what, place=self.told.places.get("train", ""), needs=needs))

    def write(self, training: Training, graph: Telling, rows: Any) -> None:
        """Write everything that is there, under the names of the model's inputs and outputs.

        Args:
            training: with its datasets unpacked.
            graph: the model, told.
            rows: its inputs, as :meth:`rows` returns them.
        """
        inputs, outputs = [one.name for one in graph.inputs], [name for name, _ in graph.outputs]
        if not outputs:
            return  # What stands in the way is told already.
        self._put("x", rows, graph.given_as, inputs)
        self._put("y", self.rows(training.y, "y"), {}, outputs, graph.by_key)
        validation = training.validation if training.validation is not None else (None, None)
        if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
            self.refuse(f"validation_data, a {_described(validation)},", "inputs and targets, and weights at most")
            return
        x, y = (self.rows(one, "validation_data") for one in validation[:2])
        self._put("val:x", x, graph.given_as, inputs)
        self._put("val:y", y, {}, outputs, graph.by_key)
        for key, one in (("w", training.sample_weight), ("val:w", [*validation, None][2])):
            if one is not None and (array := self.array(one, "sample_weight")) is not None:
                self._save(key, array)

    def _put(
        self, what: str, rows: Any, given_as: Mapping[str, str], names: Sequence[str], by_key: bool = False
    ) -> None:  # fmt: skip
        if rows is None:
            return
        side = {"x": "inputs", "y": "outputs"}[what[-1]]
        expected = f"arrays for the {side} {', '.join(map(repr, names))}"
        if isinstance(rows, dict):
            by_name = {given_as.get(str(name), str(name)): one for name, one in rows.items()}
            found = [by_name[name] for name in names if name in by_name]
            told = f"named {', '.join(map(repr, rows))}"
        else:
            found, told = rows, f"{len(rows)} arrays in order"
            if by_key and len(names) > 1:
                found = []
        if len(found) != len(names):
            self.refuse(f"data: {what}, {told},", expected + (", by name" if by_key else ""))
            return
        for name, one in zip(names, found, strict=True):
            self._save(what if len(names) == 1 else f"{what}:{name}", one)

    def _save(self, key: str, array: np.ndarray) -> None:
        np.save(self.folder / f"{len(self.told.arrays)}.npy", array)
        self.told.arrays.append(key)
