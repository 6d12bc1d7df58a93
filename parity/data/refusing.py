"""Refusing rows that no model could learn from: wrong types, holes, labels that number no classes."""

from __future__ import annotations

from collections.abc import Mapping

from parity.data.section import DataSpec
from parity.data.sources import Raw
from parity.errors import DataError
from parity.lazy import np

SPARSE = 10
"""Above 1000, so many times more classes than different labels means that the labels number no classes."""

NUMBER_THEM = "number them from 0 with numpy.unique(y, return_inverse=True)[1]"


def check(raw: Raw, spec: DataSpec, *, classes: bool, ignored: Mapping[str, int]) -> None:
    """Refuse rows with a fault.

    Args:
        raw: the rows as they are stored.
        spec: what their arrays are called, and whether integer labels become one-hot rows.
        classes: True where the targets must be class labels, as in a named source of such.
        ignored: of arrays of targets, the label that their loss leaves out.

    Raises:
        DataError: what is wrong, where, and how to mend it.
    """
    where = f"data ({raw.description})"
    inputs = list(zip(spec.arrays, raw.inputs, strict=True))
    targets = list(zip(spec.goals, raw.goals, strict=True))
    for name, array, kinds in (*((*one, "biuf") for one in inputs), *((*one, "iuf") for one in targets)):
        if array.dtype.kind not in kinds:
            fix = _fix(name, array, inputs=kinds == "biuf")
            raise DataError(f"{where}: {name} holds {array.dtype}; expected integers or floats; {fix}")
        if array.ndim == 0 or not array.size:
            raise DataError(f"{where}: {name} has shape {array.shape}; expected (rows, ...) with at least one value")
        _check_finite(array, f"{where}: {name}")
    if raw.weights is not None:
        _check_weights(raw.weights, f"{where}: {spec.sample_weights}", len(raw.y))
    for name, array in (*inputs, *targets[1:]):
        if len(array) != len(raw.y):
            told = f"{name} has {len(array)} rows, but {spec.goals[0]} has {len(raw.y)}"
            raise DataError(f"{where}: {told}; expected one target for each row")
    for name, array in targets:
        if spec.turns(name) and (classes or array.dtype.kind != "f"):
            _check_classes(array, f"{where}: {name}", ignored.get(name))


def _fix(name: str, array: np.ndarray, *, inputs: bool) -> str:
    """Say how to make numbers of an array that holds none."""
    match array.dtype.kind:
        case "b":
            return f"store {name}.astype(int)"
        case "c":
            return f"store its parts, {name}.real and {name}.imag, or its size, abs({name})"
        case "m" | "M":
            return f"store {name}.astype('int64'), or a difference in units of your own"
        case "U" | "S" if inputs:
            return f"store numbers: {name}.astype(float) where they are spelled out, one column for each value else"
        case "U" | "S":
            return NUMBER_THEM
    return "store a plain array of numbers"


def check_labels(
    y: np.ndarray, classes: int, what: str = "data labels", ignored: int | None = None
) -> None:  # fmt: skip
    """Refuse labels that do not number classes.

    Args:
        y: labels, (rows, ...).
        classes: number of classes.
        what: the labels in words, to begin the message with.
        ignored: a label that may be none of them.

    Raises:
        DataError: they are no integers, or not all of them between 0 and classes - 1.
    """
    if y.dtype.kind not in "iu":
        raise DataError(
            f"{what}: they are {y.dtype}, where classes are expected: integers from 0; "
            f"if they are whole numbers, store y.astype(int), else {NUMBER_THEM}"
        )
    if ignored is not None:
        y = y[y != ignored]
    if y.size and not 0 <= int(y.min()) <= int(y.max()) < classes:
        said = "ignore_index of sparse_categorical_crossentropy"  # The one loss that leaves targets out.
        fix = f"{NUMBER_THEM}, or, where those below 0 count for nothing, say so: {said}"
        fix = fix if y.min() < 0 and (y < 0).sum() == (y == y.min()).sum() else NUMBER_THEM
        raise DataError(f"{what}: they run from {y.min()} to {y.max()}; expected 0 to {classes - 1}; {fix}")


def one_hot_rows(y: np.ndarray) -> bool:
    """Return whether every row has a single 1 and else zeros, so that the number of its class says all.

    Args:
        y: targets, (rows, ..., C).
    """
    return y.shape[-1] > 1 and bool(((y == 1.0).sum(axis=-1) == 1).all() and ((y == 0.0) | (y == 1.0)).all())


def _check_finite(array: np.ndarray, what: str) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        first = [int(place) for place in np.argwhere(bad)[0]]
        raise DataError(
            f"{what} has {bad.sum()} of {array.size} values that are NaN or infinite, the first at {first}; "
            "expected finite numbers; fill them in or take their rows out"
        )


def _check_weights(weights: np.ndarray, what: str, rows: int) -> None:
    """Refuse sample weights that are no numbers from 0 on, one for each row at least."""
    if weights.dtype.kind not in "biuf":
        raise DataError(f"{what} holds {weights.dtype}; expected integers or floats, what the loss of each row counts")
    if weights.ndim == 0 or len(weights) != rows:
        told = f"has {len(weights)} rows" if weights.ndim else "is a single number"
        raise DataError(f"{what} {told}, and there are {rows} rows; expected one sample weight for each")
    _check_finite(weights, what)
    if (weights < 0).any():
        first = [int(place) for place in np.argwhere(weights < 0)[0]]
        raise DataError(
            f"{what} has {(weights < 0).sum()} of {weights.size} values below 0, the first at {first}; expected sample "
            "weights of at least 0: a row that is not to count has 0"
        )


def _check_classes(y: np.ndarray, what: str, ignored: int | None) -> None:
    if y.ndim > 1 and y.shape[-1] == 1:
        raise DataError(f"{what} has shape {y.shape}; expected one label for each row, ({len(y)},); store y.ravel()")
    different = len(np.unique(y))
    highest = int(y.max())
    check_labels(y, max(highest + 1, different), what, ignored)
    if highest >= max(1000, SPARSE * different):
        # One-hot rows of that width would fill the memory before anyone saw why.
        raise DataError(
            f"{what} has labels up to {highest}, but only {different} different ones; expected classes numbered "
            f"from 0; {NUMBER_THEM}, or say one_hot: false"
        )
