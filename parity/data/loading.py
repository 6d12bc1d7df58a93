"""From a :class:`~parity.data.section.DataSpec` to a :class:`~parity.data.dataset.Dataset`.

:func:`~parity.data.written.preprocess_source` writes as NumPy what :func:`preprocess` and :func:`one_hot` do.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from parity.data.dataset import Aim, Dataset
from parity.data.reading import DEFAULT_TARGET, read_file, read_npz
from parity.data.refusing import check, check_labels
from parity.data.section import SUFFIXES, DataSpec
from parity.data.sources import Raw, sources
from parity.errors import DataError, did_you_mean, listed, shortened
from parity.lazy import np
from parity.rows import together, training_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray


def load(
    spec: DataSpec, *, file: Path | None = None, numbers: Mapping[str, int] = {}, ignored: Mapping[str, int] = {}
) -> Dataset:
    """Return the rows of a spec, preprocessed in float64.

    Args:
        spec: where the rows come from and what is done to them.
        file: an .npz or .csv that gives the content in the source's place (``--data FILE``).
        numbers: arrays of targets whose integer labels number classes whatever ``one_hot`` says: a program is given
            these numbers. And how many classes its outputs are: rows may be of some of them only.
        ignored: of these arrays, the label that the loss leaves out, which may be below 0: of no class.

    Raises:
        DataError: the data are missing, faulty, or do not fit the spec.
    """
    counted = spec.goals if spec.targets == "index" else numbers
    spec = spec.model_copy(update={"one_hot": tuple(one for one in spec.goals if one in counted or spec.turns(one))})
    raw = read(spec, file=file)
    source = sources().get(spec.source)
    check(raw, spec, classes=source is not None and source.classes, ignored=ignored)
    arrays = [preprocess(one, spec) for one in raw.inputs]
    # Of several inputs, all numbers of a row side by side; so the targets of several outputs.
    x = together(arrays)
    made = [
        _targets(name, one, spec, numbers.get(name, 0), ignored.get(name))
        for name, one in zip(spec.goals, raw.goals, strict=True)
    ]
    y, aims = together([rows for _, rows in made]), tuple(aim for aim, _ in made)
    rows = f"{len(x)} rows" if len(x) == len(raw.y) else f"the first {len(x)} of {len(raw.y)} rows"
    kinds = ["targets" if one.classes is None else f"{one.classes} classes" for one in aims]
    named = zip(aims, kinds, strict=True)
    kind = ", ".join(f"{one.name}: {what}" for one, what in named) if raw.aims else kinds[0]
    shapes = " and ".join(str(one.shape[1:]) for one in raw.inputs) if raw.several else str(x.shape[1:])
    counted_by = f", weighted by {spec.sample_weights}" if spec.sample_weights else ""
    words = f"{raw.description}: {rows} of shape {shapes}, {kind}{counted_by}"
    whole = Dataset(
        x=x, y=y, raw_x=raw.x, raw_y=raw.y, description=words, stand_in=raw.stand_in, table=raw.table,
        classes=None if raw.aims else aims[0].classes, flat=not raw.aims and aims[0].flat, raw_inputs=raw.several,
        aims=aims if raw.aims else (), weights=_weights(raw.weights, aims[0].shape[:-1], spec), raw_weights=raw.weights,
        weights_name=spec.sample_weights or "",
    )  # fmt: skip
    return split(whole, spec.validation_split) if spec.validation_split else whole


def _targets(
    name: str, stored: np.ndarray, spec: DataSpec, many: int, ignored: int | None
) -> tuple[Aim, np.ndarray]:  # fmt: skip
    """Return what is known of an array of targets, and its rows in the form in which everything is compared."""
    found = class_count(stored) if spec.turns(name) else None
    classes = None if found is None else max(found, many)
    labels = stored[: spec.rows]
    y = labels.astype(np.float64) if classes is None else one_hot(labels, classes, ignored)
    flat = y.ndim == 1
    y = y[:, None] if flat else y
    return Aim(name=name, shape=y.shape[1:], raw=stored, classes=classes, flat=flat), y


def _weights(stored: np.ndarray | None, steps: tuple[int, ...], spec: DataSpec) -> np.ndarray | None:
    """Return sample weights as losses meet them, (rows, *steps): the weight of a row is that of each of its steps."""
    if stored is None:
        return None
    rows = stored[: spec.rows].astype(np.float64)
    if stored.shape[1:] in ((), (1,)):
        rows = np.broadcast_to(rows.reshape(len(rows), *(1,) * len(steps)), (len(rows), *steps))
    elif stored.shape[1:] != steps:
        shapes = ["(N,)", "(N, 1)", *([f"(N, {', '.join(map(str, steps))})"] if steps else [])]
        raise DataError(
            f"data.sample_weights: {spec.sample_weights} has shape {stored.shape}; expected one number for each row"
            f"{' or step' if steps else ''}: {' or '.join(shapes)}"
        )
    return np.ascontiguousarray(rows)


def split(data: Dataset, share: float) -> Dataset:
    """Return a set whose last rows are kept for validation, as Keras takes ``validation_split``.

    Args:
        data: all rows, in their own order.
        share: of the rows that are kept, between 0 and 1; floor(rows * (1 - share)) are trained on, in floating point
            as Keras has it: 0.8 of 10 rows trains on 1, since 10 * (1 - 0.8) is a little less than 2.

    Raises:
        DataError: nothing is left to train on, or nothing to validate on.
    """
    rows = len(data.x)
    first = training_rows(rows, share)
    if first in (0, rows):
        raise DataError(
            f"data.validation_split is {share}, but of {rows} rows that leaves {first} to train on and {rows - first} "
            "to validate on; expected at least one of each; give another share, or more rows"
        )
    return replace(
        data,
        x=data.x[:first],
        y=data.y[:first],
        x_val=data.x[first:],
        y_val=data.y[first:],
        weights=None if data.weights is None else data.weights[:first],
        weights_val=None if data.weights is None else data.weights[first:],
        description=f"{data.description}; {first} to train on, the last {rows - first} to validate on",
    )


def read(spec: DataSpec, *, file: Path | None = None) -> Raw:
    """Return the rows of a spec as they are stored, before any check or preprocessing.

    Args:
        spec: the source, a name or a path from the current folder, and what its arrays are called.
        file: an .npz or .csv that gives the content in the source's place.

    Raises:
        DataError: there is no such source, or it cannot be read.
    """
    source = sources().get(spec.source)
    if source is not None and spec.sample_weights is not None:
        raise DataError(
            f"data source {spec.source} has no sample weights; data.sample_weights names an array of a file of "
            "your own: say data.source: FILE.npz, or leave it out"
        )
    if source is not None:
        if file is None:
            return _named(source.read(), spec)
        column = source.csv_target if file.suffix.lower() == ".csv" and spec.y == DEFAULT_TARGET else None
        return source.read_given(file, x=spec.x, y=column or spec.y)
    if file is not None:
        return read_file(file, x=spec.x, y=spec.y, weights=spec.sample_weights)
    path = Path(spec.source)
    if path.suffix.lower() not in SUFFIXES and path.name == spec.source:
        raise DataError(
            f"data source {shortened(repr(spec.source), 80)}: no source has this name; expected {listed(sources())}, "
            f"or the path of an .npz or .csv file; {did_you_mean(spec.source, list(sources())) or 'name one of them'}"
        )
    return read_file(path, x=spec.x, y=spec.y, weights=spec.sample_weights)


def _named(raw: Raw, spec: DataSpec) -> Raw:
    """Return the rows of a named source with the inputs and targets that a spec names, in its order.

    Raises:
        DataError: the source has others.
    """
    return replace(
        raw, several=_as_named(raw.several, spec.arrays, spec, "input", "x"),
        aims=_as_named(raw.aims, spec.goals, spec, "output", "y"),
    )  # fmt: skip


def _as_named(
    there: Mapping[str, np.ndarray], wanted: Sequence[str], spec: DataSpec, what: str, field: str
) -> dict[str, np.ndarray]:  # fmt: skip
    """Return the arrays of a source that a model names, in its order; nothing where both have one."""
    if not there and len(wanted) == 1:
        return {}
    if set(there) != set(wanted):
        has = f"the {what}s {', '.join(there)}" if there else f"one {what}"
        said = ", ".join(wanted) if len(wanted) > 1 else f"one {what}"
        raise DataError(
            f"data source {spec.source} has {has}, the model {said}; call model.{what}s as it does, or say data.{field}"
        )
    return {name: there[name] for name in wanted}


def own_inputs(file: str, rows: int) -> np.ndarray:
    """Return the rows that a program is given in place of a spec's.

    Args:
        file: an .npz with an array ``X``.
        rows: that there must be.

    Raises:
        DataError: when it does not hold them.
    """
    found = read_npz(Path(file), "X", "X").x
    if len(found) != rows:
        raise DataError(f"data file {file}: {len(found)} rows; expected {rows}, as many as the spec has")
    return found


def standardized(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows with each column at mean 0 and standard deviation 1; one that never changes is only centred."""
    # Asking std == 0 instead would miss constant columns whose mean is rounded: 0.1 three times has std 1e-17.
    return (x - x.mean(axis=0)) / np.where(np.ptp(x, axis=0) == 0, 1, x.std(axis=0))


def preprocess(x: np.ndarray, spec: DataSpec) -> NDArray[np.float64]:
    """Return inputs ready for a model: rows, scale, standardize, reshape, transpose, in float64.

    Args:
        x: inputs as they are stored, (rows, ...), integers or floats.
        spec: what to do to them.

    Returns:
        (rows, *model input)

    Raises:
        DataError: there are too few rows, the shape does not fit, or a step leaves the range of float64.
    """
    if spec.rows is not None and spec.rows > len(x):
        raise DataError(
            f"data.rows is {spec.rows}, but there are {len(x)} rows; give at most {len(x)}, or leave it out"
        )
    with np.errstate(all="ignore"):  # what overflows is found below, and said in words
        out: NDArray[np.float64] = x[: spec.rows].astype(np.float64)
        if spec.scale != 1:
            out = out * spec.scale
        if spec.standardize:
            out = standardized(out)
    if not np.isfinite(out).all():
        steps = " and ".join(["scale"] * (spec.scale != 1) + ["standardize"] * spec.standardize)
        raise DataError(
            f"data: after {steps or 'reading'}, values are no longer finite in float64; use a smaller scale"
        )
    if spec.reshape is not None:
        row = out.shape[1:]
        if math.prod(spec.reshape) != math.prod(row):
            raise DataError(
                f"data.reshape is {list(spec.reshape)}, {math.prod(spec.reshape)} values, but a row has shape "
                f"{list(row)}, {math.prod(row)} values; give a shape whose product is {math.prod(row)}"
            )
        out = out.reshape(len(out), *spec.reshape)
    if spec.transpose is not None:
        if len(spec.transpose) != out.ndim - 1:
            raise DataError(
                f"data.transpose is {list(spec.transpose)}, but a row has shape {list(out.shape[1:])}; "
                f"name each of its {out.ndim - 1} axes once, counted from 0 without the batch axis"
            )
        out = out.transpose(0, *(axis + 1 for axis in spec.transpose))
    return np.ascontiguousarray(out)


def one_hot(y: np.ndarray, classes: int, ignored: int | None = None) -> NDArray[np.float64]:
    """Return class labels as rows with a single 1.

    Args:
        y: labels 0..classes - 1, (rows, ...), integers.
        classes: number of classes.
        ignored: a label that may be none of them; its rows hold it throughout.

    Returns:
        (rows, ..., classes)

    Raises:
        DataError: the labels are no integers, or not all of them between 0 and classes - 1.
    """
    check_labels(y, classes, ignored=ignored)
    outside = y < 0
    rows: NDArray[np.float64] = np.eye(classes)[np.where(outside, 0, y)]
    rows[outside] = y[outside][:, None]
    return rows


def class_count(y: np.ndarray) -> int | None:
    """Return the number of classes, the largest label and one more; None for targets that are no integers.

    Args:
        y: all labels or targets of a set, before ``rows`` takes some of them.
    """
    return int(y.max()) + 1 if y.dtype.kind in "iu" and y.size else None


def fingerprint(dataset: Dataset) -> str:
    """Return the sha256 over type, shape and bytes of a set's preprocessed inputs and targets, validation's last."""
    digest = hashlib.sha256()
    kept = [] if dataset.x_val is None or dataset.y_val is None else [dataset.x_val, dataset.y_val]
    counts = [one for one in (dataset.weights, dataset.weights_val) if one is not None]
    for array in (dataset.x, dataset.y, *kept, *counts):
        digest.update(f"{array.dtype.str} {array.shape};".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
