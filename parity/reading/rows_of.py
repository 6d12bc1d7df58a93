"""Arrays that a program trains on as a file of data, and what a spec says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from parity.catalog import LOSSES
from parity.data.loading import training_rows
from parity.lazy import np
from parity.reading.unread import Unread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from parity.reading.layers_of import Layers

ROWS = 64
"""Rows that are made up where a program brings none."""


@dataclass
class Rows:
    """The data of a program.

    Args:
        arrays: as the file holds them.
        section: what ``data`` says, but for the source.
        aligned: outputs of one number whose targets are (N,).
        made_up: they are: the program brings none.
        unread: what is none.
    """

    arrays: dict[str, Any] = field(default_factory=dict)
    section: dict[str, Any] = field(default_factory=dict)
    aligned: set[str] = field(default_factory=set)
    made_up: bool = False
    unread: list[Unread] = field(default_factory=list)


def rows_of(
    given: Mapping[str, NDArray[Any]], layers: Layers, losses: Mapping[str, Any], shapes: Mapping[str, list[int]],
    split: float,
) -> Rows:  # fmt: skip
    """Return a program's data.

    Args:
        given: its arrays, as :class:`~parity.run.told.Told` names them.
        layers: of the spec.
        losses: of each output, as a spec says it.
        shapes: of each output, of a row.
        split: share of the rows that is kept for validation.
    """
    found = Rows()
    inputs, outputs = list(layers.inputs), list(layers.outputs)
    x = _named(given, "x", inputs)
    y = _named(given, "y", outputs)
    if not x or not y:
        found.made_up = True
        x, y = _made_up(layers, losses, shapes)
    x = {name: _input(one, layers.inputs[name]) for name, one in x.items()}
    y = {name: _targets(one, losses[name], shapes[name]) for name, one in y.items()}
    val_x, val_y = _named(given, "val:x", inputs), _named(given, "val:y", outputs)
    if val_x and val_y and not found.made_up:
        rows, kept = len(next(iter(x.values()))), len(next(iter(val_x.values())))
        x = {name: np.concatenate([one, _input(val_x[name], layers.inputs[name])]) for name, one in x.items()}
        y = {name: np.concatenate([one, _targets(val_y[name], losses[name], shapes[name])]) for name, one in y.items()}
        split = share_of(rows, kept)
    found.aligned = {name for name, one in y.items() if one.ndim == 1 and list(shapes[name]) == [1]}
    found.arrays = {"X" if len(x) == 1 else name: one for name, one in x.items()}
    found.arrays |= {"y" if len(y) == 1 else name: one for name, one in y.items()}
    if split and not found.made_up:
        found.section["validation_split"] = split
    return found


def share_of(rows: int, kept: int) -> float:
    """Return a share of all rows that keeps so many: the shortest decimal that does.

    >>> share_of(80, 20), share_of(60_000, 10_000)
    (0.2, 0.142857)
    """
    total = rows + kept
    for digits in range(1, 17):
        share = round(kept / total, digits)
        if 0.0 < share < 1.0 and training_rows(total, share) == rows:
            return share
    return (kept - 0.5) / total


def _named(given: Mapping[str, Any], what: str, names: list[str]) -> dict[str, Any]:
    """Return the arrays of inputs or outputs by their names in the spec; they come in its order."""
    found = [one for key, one in given.items() if key == what or key.startswith(f"{what}:")]
    return dict(zip(names, found, strict=True)) if len(found) == len(names) else {}


def _input(array: NDArray[Any], said: Any) -> NDArray[Any]:
    shape = said["shape"] if isinstance(said, Mapping) else said
    if array.ndim == 1 and list(shape) == [1]:
        array = array[:, None]  # As Keras takes one number a row.
    return array.astype(np.uint8) if array.dtype.kind == "b" else array


def _targets(array: NDArray[Any], loss: Any, shape: list[int]) -> NDArray[Any]:
    """Return targets as a file holds them: numbers of classes as integers, all else as floats."""
    kind = next(iter(loss)) if isinstance(loss, Mapping) else loss
    if LOSSES[kind].forms == ("index",):
        labels = array[..., 0] if array.ndim == len(shape) + 1 and array.shape[-1] == 1 else array
        return labels.astype(np.int64)
    return array if array.dtype.kind == "f" else array.astype(np.float32)


def _made_up(
    layers: Layers, losses: Mapping[str, Any], shapes: Mapping[str, list[int]]
) -> tuple[dict[str, Any], dict[str, Any]]:  # fmt: skip
    """Return rows that nobody brought: normal numbers, tokens, and targets that the losses take."""
    generator = np.random.default_rng(0)
    tables = [one["embedding"] for one in layers.layers if isinstance(one, Mapping) and "embedding" in one]
    least = min((one["input_dim"] for one in tables), default=2)
    x: dict[str, Any] = {}
    for name, said in layers.inputs.items():
        if isinstance(said, Mapping):
            x[name] = generator.integers(0, least, (ROWS, *said["shape"]))
        else:
            x[name] = generator.normal(size=(ROWS, *said)).astype(np.float32)
    y: dict[str, Any] = {}
    for name, loss in losses.items():
        kind, shape = next(iter(loss)) if isinstance(loss, Mapping) else loss, tuple(shapes[name])
        if LOSSES[kind].forms == ("index",):
            y[name] = generator.integers(0, shape[-1], (ROWS, *shape[:-1]))
        elif "crossentropy" in kind and shape[-1] > 1 and "sigmoid" not in kind and "binary" not in kind:
            y[name] = np.eye(shape[-1], dtype=np.float32)[generator.integers(0, shape[-1], (ROWS, *shape[:-1]))]
        elif "crossentropy" in kind or LOSSES[kind].positive:
            y[name] = generator.integers(0, 2, (ROWS, *shape)).astype(np.float32)
        else:
            y[name] = generator.normal(size=(ROWS, *shape)).astype(np.float32)
    return x, y
