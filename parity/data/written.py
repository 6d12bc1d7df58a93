"""The lines of an exported program that prepare its data: as NumPy, what :mod:`parity.data.loading` does.

Both give the same bits, so that the program trains on exactly the rows that the harness used.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from parity.data.section import DataSpec


def preprocess_source(
    spec: DataSpec, classes: int | None, *, form: str | None = None, flat: bool = False,
    kinds: Mapping[str, str] = MappingProxyType({}), aims: Mapping[str, TargetLines] = MappingProxyType({}),
    weights: WeightLines | None = None,
) -> list[str]:  # fmt: skip
    r"""Return lines of NumPy that turn the stored arrays ``X``, ``y`` into a model's ``x``, ``y``.

    Where rows are kept for validation, they also make ``x_val``, ``y_val``.

    Args:
        spec: what to do to the rows; a step it does not ask for is not written.
        classes: number of classes (:func:`class_count` of the stored labels); None for targets that are no classes.
        form: in which the program takes its targets; None for that in which they are stored, labels as one-hot rows.
        flat: the stored targets are one number a row, (rows,).
        kinds: dtype of each of the model's inputs, by name; one float input if not said.
        aims: of each of several outputs, what is done to its targets; ``y`` is then a dict.
        weights: what ``sample_weights`` are, where each row's loss counts differently.

    Example:
        >>> spec = DataSpec(source="leaf", standardize=True, reshape=(3, 64), transpose=(1, 0))
        >>> print("\n".join(preprocess_source(spec, 99)))
        x = X.astype(np.float64)
        x = (x - x.mean(axis=0)) / np.where(np.ptp(x, axis=0) == 0, 1, x.std(axis=0))
        x = x.reshape(len(x), 3, 64)
        x = x.transpose(0, 2, 1)
        y = np.eye(99)[y]
    """
    many, keys = len(kinds) > 1, bool(aims)
    lines = (
        []
        if spec.rows is None
        else [f"X, y = {_each('X', many, f'[:{spec.rows}]')}, {_of_all('y', keys, f'[:{spec.rows}]')}"]
    )
    types = [f"np.{'int64' if kind == 'integer' else 'float64'}" for kind in kinds.values()] or ["np.float64"]
    if many:
        lines.append(f"x = tuple(one.astype(kind) for one, kind in zip(X, ({', '.join(types)})))")
    else:
        lines.append(f"x = X.astype({types[0]})")
    if spec.scale != 1:
        lines.append(f"x = x * {spec.scale!r}")
    if spec.standardize:
        lines.append("x = (x - x.mean(axis=0)) / np.where(np.ptp(x, axis=0) == 0, 1, x.std(axis=0))")
    if spec.reshape is not None:
        lines.append(f"x = x.reshape(len(x), {', '.join(map(str, spec.reshape))})")
    if spec.transpose is not None:
        lines.append(f"x = x.transpose(0, {', '.join(str(axis + 1) for axis in spec.transpose)})")
    if keys:
        lines += [_targets_source(*one, f'y["{name}"]') for name, one in aims.items()]
    else:
        lines.append(_targets_source(classes if spec.one_hot or form == "index" else None, form, flat))
    if weights is not None:
        lines += _weights_source(spec.rows, *weights)
    if spec.validation_split:
        lines += _split_source(spec.validation_split, many, keys)
        if weights is not None:
            lines.append("sample_weights, weights_val = sample_weights[:first], sample_weights[first:]")
    return lines


TargetLines = tuple["int | None", "str | None", bool]
"""Of an array of targets: number of classes, the form in which the program takes it, whether it is stored flat."""


WeightLines = tuple["tuple[int, ...]", "tuple[int, ...]"]
"""Of sample weights: the shape of a row as it is stored, and the steps that it has where the loss meets it."""


def _weights_source(rows: int | None, stored: tuple[int, ...], steps: tuple[int, ...]) -> list[str]:
    """Return the lines that turn stored sample weights into what each row's loss, or each step's, counts."""
    name = "sample_weights"
    lines = [f"{name} = {name}{'' if rows is None else f'[:{rows}]'}.astype(np.float64)"]
    if stored == steps:
        return lines
    shape = ", ".join([f"len({name})", *("1" for _ in steps)])
    moved = f"{name}.reshape({shape})"
    if steps:
        moved = f"np.broadcast_to({moved}, (len({name}), {', '.join(map(str, steps))}))"
    return [*lines, f"{name} = {moved}"]


def _each(name: str, many: bool, taken: str) -> str:
    """Return the source of rows of an array, or of each of a tuple of such."""
    return f"tuple(one{taken} for one in {name})" if many else f"{name}{taken}"


def _of_all(name: str, keys: bool, taken: str) -> str:
    """Return the source of rows of an array, or of each in a dict of such."""
    return f"{{key: one{taken} for key, one in {name}.items()}}" if keys else f"{name}{taken}"


def _split_source(share: float, many: bool, keys: bool) -> list[str]:
    """Return the lines that keep the last rows for validation; int() is floor() here, and needs no import."""
    if not (many or keys):
        return [
            f"first = int(len(x) * (1.0 - {share!r}))",
            "x, y, x_val, y_val = x[:first], y[:first], x[first:], y[first:]",
        ]
    counted = "x[0]" if many and keys else "y" if many else "x"
    return [
        f"first = int(len({counted}) * (1.0 - {share!r}))",
        f"x, x_val = {_each('x', many, '[:first]')}, {_each('x', many, '[first:]')}",
        f"y, y_val = {_of_all('y', keys, '[:first]')}, {_of_all('y', keys, '[first:]')}",
    ]


def _targets_source(classes: int | None, form: str | None, flat: bool, name: str = "y") -> str:
    """Return the line that turns a stored array of targets into targets of a form."""
    if form == "index":
        return f"{name} = {name}.astype(np.int64)" if classes is not None else f"{name} = {name}.argmax(axis=-1)"
    if classes is not None:
        return f"{name} = np.eye({classes})[{name}]"
    column, plain = f".reshape(len({name}), 1)", f".reshape(len({name}))"
    moved = {("column", True): column, ("flat", False): plain}.get((str(form), flat), "")
    return f"{name} = {name}.astype(np.float64){moved}"
