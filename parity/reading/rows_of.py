"""Arrays that a program trains on as a file of data, and what a spec says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from parity.catalog import LOSSES
from parity.free_names import free_name
from parity.lazy import np
from parity.reading.opaque import is_opaque
from parity.reading.unread import Unread
from parity.rows import training_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from parity.reading.layers_of import Layers
    from parity.run.told import ToldTraining

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
        notes: what a reader of the spec should know, in sentences.
    """

    arrays: dict[str, Any] = field(default_factory=dict)
    section: dict[str, Any] = field(default_factory=dict)
    aligned: set[str] = field(default_factory=set)
    made_up: bool = False
    unread: list[Unread] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def rows_of(
    given: Mapping[str, NDArray[Any]], layers: Layers, losses: dict[str, Any], shapes: Mapping[str, list[int]],
    training: ToldTraining,
) -> Rows:  # fmt: skip
    """Return a program's data.

    Args:
        given: its arrays, as :class:`~parity.run.told.Told` names them.
        layers: of the spec.
        losses: of each output, as a spec says it; take the weights of classes.
        shapes: of each output, of a row.
        training: with the share of the rows that is kept for validation, and the weights of classes.
    """
    found = Rows()
    inputs, outputs = list(layers.inputs), list(layers.outputs)
    x = _named(given, "x", inputs)
    y = _named(given, "y", outputs)
    split = training.validation_split
    if not given:
        found.made_up = True
        x, y = _made_up(layers, losses, shapes)
    elif x and not any(key == "y" or key.startswith("y:") for key in given) and _untargeted(losses):
        y = {name: np.zeros((len(next(iter(x.values()))), *shapes[name]), np.float32) for name in outputs}
        found.notes.append("Its loss takes no targets: those in the file are zeros.")
    elif not x or not y:
        side, names = ("targets", outputs) if x else ("inputs", inputs)
        what = f"data: {', '.join(given)}, without {side},"
        found.unread.append(Unread(what=what, needs=f"{side} for {', '.join(names)}"))
        return found
    _numbered(y, losses, shapes, found)
    x = {name: _input(one, layers.inputs[name]) for name, one in x.items()}
    y = {name: _targets(one, losses[name], shapes[name]) for name, one in y.items()}
    weights = _weights(given.get("w"), y, shapes, losses, training, found.unread)
    val_x, val_y = _named(given, "val:x", inputs), _named(given, "val:y", outputs)
    if val_x and val_y and not found.made_up:
        rows, kept = len(next(iter(x.values()))), len(next(iter(val_x.values())))
        x = {name: np.concatenate([one, _input(val_x[name], layers.inputs[name])]) for name, one in x.items()}
        y = {name: np.concatenate([one, _targets(val_y[name], losses[name], shapes[name])]) for name, one in y.items()}
        split = share_of(rows, kept)
        if weights is not None:
            more = _of_rows(given["val:w"]) if "val:w" in given else np.ones(kept, weights.dtype)
            weights = None if more is None else np.concatenate([weights, more])
    elif val_x or val_y:
        side = "targets" if val_x else "inputs"
        found.unread.append(Unread(what=f"validation_data without {side}", needs="both, or neither"))
    found.aligned = {name for name, one in y.items() if one.ndim == 1 and list(shapes[name]) == [1]}
    found.arrays = {"X" if len(x) == 1 else name: one for name, one in x.items()}
    found.arrays |= {"y" if len(y) == 1 else name: one for name, one in y.items()}
    if weights is not None:
        name = free_name("sample_weights", set(found.arrays))
        found.arrays[name], found.section["sample_weights"] = weights, name
    if split and not found.made_up:
        found.section["validation_split"] = split
    return found


def _of_rows(weights: NDArray[Any]) -> NDArray[Any] | None:
    """Return weights of rows, one number each; None where they are of anything else."""
    flat = weights[:, 0] if weights.ndim == 2 and weights.shape[1] == 1 else weights
    return flat.astype(flat.dtype if flat.dtype.kind == "f" else np.float32) if flat.ndim == 1 else None


def _weights(
    given: NDArray[Any] | None, y: Mapping[str, NDArray[Any]], shapes: Mapping[str, list[int]], losses: dict[str, Any],
    training: ToldTraining, unread: list[Unread],
) -> NDArray[Any] | None:  # fmt: skip
    """Return what rows count, None where all count alike; what classes count becomes the loss's, where it has that.

    A loss that has no weights of classes gets those of the rows that they are.
    """
    if given is None and not training.class_weight:
        return None
    if len(y) > 1:
        unread.append(Unread(what="weights of rows or classes", needs="a model of one output"))
        return None
    ((name, targets),) = y.items()
    if given is not None:
        found = _of_rows(given)
        if found is None or len(found) != len(targets) or training.class_weight:
            both = " beside weights of classes" if training.class_weight else ""
            unread.append(Unread(what=f"sample_weight of shape {given.shape}{both}", needs="one number a row"))
        return found
    numbers = {int(number): weight for number, weight in training.class_weight}
    kind, fields = next(iter(losses[name].items())) if isinstance(losses[name], Mapping) else (losses[name], {})
    classes = shapes[name][-1] if shapes[name] else 0
    if "class_weight" in LOSSES[kind].model_fields and classes > 1 and set(numbers) <= set(range(classes)):
        each = [numbers.get(number, 1.0) for number in range(classes)]
        losses[name] = {kind: {**fields, "class_weight": each}}
        return None
    flat = targets.argmax(axis=-1) if targets.ndim > 1 and targets.shape[-1] != 1 else targets.reshape(len(targets), -1)
    flat = flat if flat.ndim == 1 else flat[:, 0] if flat.shape[1] == 1 else np.zeros((0, 2))
    if flat.ndim > 1:
        unread.append(Unread(what="class_weight of several targets a row", needs="one class a row"))
        return None
    return np.array([numbers.get(int(one), 1.0) for one in np.round(flat)], np.float32)


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
    if _takes_numbers(kind, array, shape):
        labels = array[..., 0] if array.ndim == len(shape) + 1 and array.shape[-1] == 1 else array
        return labels.astype(np.int64)
    return array if array.dtype.kind == "f" else array.astype(np.float32)


def _takes_numbers(kind: str, array: NDArray[Any], shape: list[int]) -> bool:
    """Return whether targets are numbers of classes: the loss takes no other, or is opaque and is given such."""
    several, whole = bool(shape) and shape[-1] > 1, array.dtype.kind in "iu"
    labels = array.ndim == len(shape) or array.shape[1:] == (*shape[:-1], 1)
    return LOSSES[kind].forms == ("index",) or (kind == "opaque" and whole and several and labels)


def _untargeted(losses: Mapping[str, Any]) -> bool:
    """Return whether every loss is opaque, so that it may do without targets."""
    return all(is_opaque(one) for one in losses.values())


def _numbered(
    y: Mapping[str, NDArray[Any]], losses: Mapping[str, Any], shapes: Mapping[str, list[int]], found: Rows
) -> None:
    """Say that the targets of an opaque loss are numbers of classes; refuse those that are of another shape."""
    for name, one in y.items():
        if not is_opaque(losses[name]):
            continue
        shape = list(shapes[name])
        if _takes_numbers("opaque", one, shape):
            found.section["targets"] = "index"
        elif list(one.shape[1:]) != shape and not (one.ndim == 1 and shape == [1]):
            what = f"an opaque loss of targets of shape {list(one.shape[1:])} beside outputs of shape {shape}"
            found.unread.append(Unread(what=what, needs="targets of the shape of the outputs, or numbers of classes"))


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
