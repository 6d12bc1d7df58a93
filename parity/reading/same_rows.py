"""The data of two programs: the rows of one file, as far as they are the same, and what each side says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from parity.data.refusing import one_hot_rows
from parity.errors import UsageError
from parity.free_names import free_name
from parity.lazy import np
from parity.reading.prepared import alike, prepared
from parity.rows import numbers_of, training_rows
from parity.spec.per_output import each_loss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from parity.reading.pair_side import PairSide
    from parity.spec.sections import Spec


@dataclass(kw_only=True)
class SharedRows:
    """The data of two programs.

    Args:
        arrays: as the file holds them.
        data: what the ``data`` of the spec says, and the changes that the second side makes to it, by path.
        others: arrays of the second side's own file, where it learns from other rows.
        notes: what a reader should know, in sentences.
    """

    arrays: dict[str, Any]
    data: tuple[dict[str, Any], dict[str, Any]] = field(default_factory=lambda: ({}, {}))
    others: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


WEIGHTS = "sample_weights"
"""Array of what rows count."""


def shared_rows(sides: Sequence[PairSide], specs: Sequence[Spec], others: str) -> SharedRows:
    """Return the data of two programs.

    A program that brings none learns from the other's. Labels and the rows with a single 1 that stand for them are the
    same, as are (N,) and (N, 1) but for what a loss makes of them, which each side is given as it has it.

    Args:
        sides: of the pair.
        specs: of the readings.
        others: what the spec calls the file of the second side's own rows, where it has such.

    Raises:
        UsageError: when the rows of neither fit both.
    """
    first, second = sides
    mine, theirs = (laid(one) for one in sides)
    splits = [spec.data.validation_split for spec in specs]
    if second.reading.made_up or first.reading.made_up:
        one, other = (first, second) if second.reading.made_up else (second, first)
        found = SharedRows(arrays=mine if one is first else theirs)
        if not one.reading.made_up:
            found.notes.append(f"{other.name} brings no data: it learns from those of {one.name}.")
        found.data = ({"validation_split": splits[0 if one is first else 1]}, {})
        return found
    weighs = _weighs_alone(sides, specs, mine, theirs)
    _names_alike(sides, mine, theirs)
    if first.reading.redrawn or second.reading.redrawn:
        return _weighed(_one_reading(sides, mine, theirs, splits), weighs, sides)
    kept = _kept_alike(mine, theirs, splits, bool((second if splits[0] else first).ahead))
    if kept is not None:
        mine, theirs, splits = kept
    found = SharedRows(arrays=dict(mine))
    changes: dict[str, Any] = {} if splits[0] == splits[1] else {"data.validation_split": splits[1]}
    for name, array in mine.items():
        other = theirs[name]
        if alike(array, other):
            if name == "X" and second.ahead:  # Its program makes them itself, in full.
                found.arrays[name] = other
            continue
        flat = _flat(array, other)
        if flat is not None:
            found.data[0]["targets"], changes["data.targets"] = flat
            continue
        labels = _labels(array, other)
        if labels is not None:
            found.arrays[name] = labels
            continue
        factor = _factor(array, other)
        if factor is not None and name == "X":
            changes["data.scale"] = factor
            continue
        if name == WEIGHTS and array.shape == other.shape:
            own = free_name(f"{second.name}_weights", set(mine))
            found.arrays[own], changes["data.sample_weights"] = other, own
            found.notes.append(f"Their rows have other weights{_how_far(array, other)}.")
            continue
        found.others = dict(theirs)
        changes["data.source"] = others
        found.notes.append(
            f"They learn from other rows: {name} is {_told(array)} in {first.name} and {_told(other)} in {second.name}"
            f"{_how_far(array, other)}."
        )
        break
    found.data[1].update(changes)
    if splits[0] or splits[1] or specs[0].data.validation_split:
        found.data[0]["validation_split"] = splits[0]
    return _weighed(found, weighs, sides)


@dataclass(frozen=True)
class _Weighs:
    """Of two programs, the one that alone says what rows count.

    Args:
        side: which.
        weights: of its rows.
    """

    side: PairSide
    weights: NDArray[Any]


def _weighs_alone(
    sides: Sequence[PairSide], specs: Sequence[Spec], mine: dict[str, Any], theirs: dict[str, Any]
) -> _Weighs | None:
    """Take the weights of rows out of the arrays, where one program has such and the other counts all alike.

    None where the other one's loss counts some classes more, or cannot be read: that may be the same.
    """
    if set(mine) ^ set(theirs) != {WEIGHTS}:
        return None
    at = 0 if WEIGHTS in mine else 1
    losses = each_loss(specs[1 - at].loss).values()
    if any(one.at_home or getattr(one, "class_weight", None) is not None for one in losses):
        return None
    return _Weighs(sides[at], (mine, theirs)[at].pop(WEIGHTS))


def _weighed(found: SharedRows, weighs: _Weighs | None, sides: Sequence[PairSide]) -> SharedRows:
    """Return the data with what the rows count in one of both programs.

    Raises:
        UsageError: when they are the weights of other rows.
    """
    if weighs is None:
        if WEIGHTS in found.arrays:  # Which the first program need not call so.
            found.data[0]["sample_weights"] = WEIGHTS
        return found
    if found.others or any(len(one) != len(weighs.weights) for one in found.arrays.values()):
        raise UsageError(_weighs_said(weighs.side, next(one for one in sides if one is not weighs.side)))
    found.arrays[WEIGHTS] = weighs.weights
    found.data[1]["data.sample_weights"] = None if weighs.side is sides[0] else WEIGHTS
    return found


def _weighs_said(one: PairSide, other: PairSide) -> str:
    loss = other.reading.spec["loss"]
    if isinstance(loss, Mapping) and any(
        isinstance(said, Mapping) and "class_weight" in said for said in loss.values()
    ):
        return (
            f"{one.name} weighs its rows and {other.name} its classes (class_weight), which may be the same: give both "
            "weights of classes, or both those of rows"
        )
    return (
        f"{one.name} weighs its rows, by sample_weight or class_weight, and {other.name} does not, or in its loss "
        "(pos_weight): give both the same weights of rows, or neither"
    )


def _kept_alike(
    mine: dict[str, Any], theirs: dict[str, Any], splits: Sequence[float], prepares: bool
) -> tuple[dict[str, Any], dict[str, Any], list[float]] | None:
    """Return the rows of two programs that train on the same, each with the rows for validation that one of them shows.

    What a loop validates on beside its training is not seen, so that it has no such rows; they change nothing of what
    is learned. None where both have rows of their own for it, or train on others. A program that prepares its rows is
    given its own and no further ones: then neither has rows for validation.
    """
    if (splits[0] > 0.0) == (splits[1] > 0.0):
        return None
    shows, other = (mine, theirs) if splits[0] else (theirs, mine)
    split = max(splits)
    longer: dict[str, Any] = {}
    shorter: dict[str, Any] = {}
    for name, array in shows.items():
        count = training_rows(len(array), split)
        more = in_form(array[count:], array[:count], other[name])
        if more is None:
            return None
        longer[name], shorter[name] = np.concatenate([other[name], more]), array[:count]
    if prepares:
        return (shorter, theirs, [0.0, 0.0]) if shows is mine else (mine, shorter, [0.0, 0.0])
    return (mine, longer, [split, split]) if shows is mine else (longer, theirs, [split, split])


def in_form(more: NDArray[Any], one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any] | None:
    """Return further rows of one array in the form that another one has the same rows in; None where it has others."""
    if alike(one, other):
        return more
    if _flat(one, other) is not None:
        return more.reshape(len(more), *other.shape[1:])
    if _labels(one, other) is not None:
        return more.argmax(axis=-1) if more.ndim > other.ndim else np.eye(other.shape[-1], dtype=other.dtype)[more]
    factor = _factor(one, other)
    return None if factor is None else more * factor


def _one_reading(
    sides: Sequence[PairSide], mine: dict[str, Any], theirs: dict[str, Any], splits: Sequence[float]
) -> SharedRows:  # fmt: skip
    """Return the rows of two programs of which at least one reads others each time: both learn from the same.

    What is drawn anew is no difference of the programs; nor is it told from one.

    Raises:
        UsageError: when the rows of one do not fit the other.
    """
    first, second = sides
    shapes = [{name: array.shape[1:] for name, array in rows.items()} for rows in (mine, theirs)]
    if shapes[0] != shapes[1]:
        raise UsageError(
            f"the rows of {first.name} and {second.name} have other shapes, and those of "
            f"{(first if first.reading.redrawn else second).name} are drawn: {shapes[0]} and {shapes[1]}"
        )
    found = SharedRows(arrays=mine if not first.reading.redrawn or second.reading.redrawn else theirs)
    kept = first if found.arrays is mine else second
    drawn = [one for one in sides if one.reading.redrawn]
    told = " and ".join(f"those of {one.name} are other ones each time they are read" for one in drawn)
    found.notes.append(
        f"Whether their rows differ is not told: {told}. Both learn from one reading of the rows of {kept.name}."
        if kept.reading.redrawn else
        f"Whether their rows differ is not told: {told}. Both learn from the rows of {kept.name}, which are not."
    )  # fmt: skip
    if splits[0] or splits[1]:
        found.data[0]["validation_split"] = splits[0 if kept is first else 1]
    return found


def laid(side: PairSide) -> dict[str, Any]:
    """Return a side's arrays as its model in the common spec reads them.

    Args:
        side: of a pair.
    """
    arrays = dict(side.reading.arrays)
    if side.ahead:
        arrays["X"] = prepared(arrays["X"], side.ahead)
    if side.moved:
        arrays["X"] = np.moveaxis(arrays["X"], 1, -1)
    if side.ends_moved:
        arrays["y"] = np.moveaxis(arrays["y"], 1, -1)
    return arrays | side.instead


def _names_alike(sides: Sequence[PairSide], mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """Refuse programs that learn from arrays of which one alone has some.

    Raises:
        UsageError: when they do.
    """
    if set(mine) == set(theirs):
        return
    first, second = sides
    found = f"the programs do not learn from the same arrays: {first.name} from {', '.join(mine)} and {second.name} "
    found += f"from {', '.join(theirs)}"
    if set(mine) ^ set(theirs) == {WEIGHTS}:
        found += f"; {_weighs_said(*(sides if WEIGHTS in mine else sides[::-1]))}"
    raise UsageError(found)


def same_rows(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Return whether two arrays hold the same, as far as the shorter goes, in whatever form."""
    count = min(len(one), len(other))
    return in_form(one[:0], one[:count], other[:count]) is not None


def _flat(one: NDArray[Any], other: NDArray[Any]) -> tuple[str, str] | None:
    """Return the forms of targets of which one has an axis of length 1 behind the other's, (N,) and (N, 1)."""
    for short, long, forms in ((one, other, ("flat", "column")), (other, one, ("column", "flat"))):
        if short.ndim == 1 and long.shape == (*short.shape, 1) and alike(short, long[:, 0]):
            return forms
    return None


def _labels(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any] | None:
    """Return class labels of which one array has the numbers and the other a row with a single 1 each."""
    for numbers, rows in ((one, other), (other, one)):
        if numbers.dtype.kind in "iu" and rows.ndim == numbers.ndim + 1 and one_hot_rows(rows):
            return numbers if np.array_equal(rows.argmax(axis=-1), numbers) else None
    return None


def class_numbers(y: NDArray[Any]) -> NDArray[Any] | None:
    """Return labels as numbers of classes, of rows with a single 1 these; None where they are none."""
    if y.dtype.kind in "iu":
        return y
    return numbers_of(y) if y.ndim > 1 and one_hot_rows(y) else None


def _factor(one: NDArray[Any], other: NDArray[Any]) -> float | None:
    """Return the number that one array times is the other; None where there is none."""
    if one.shape != other.shape or not np.any(one) or not np.any(other):
        return None
    at = np.unravel_index(np.abs(one).argmax(), one.shape)
    factor = float(other[at]) / float(one[at])
    return _short(factor) if factor and alike(one * factor, other) else None


def _short(factor: float) -> float:
    """Return the simplest number that a factor is to seven digits: one over a whole number, or a decimal."""
    for simple in (1.0 / round(1.0 / factor) if abs(factor) < 1.0 else float(round(factor)), float(f"{factor:.7g}")):
        if abs(simple - factor) <= 1e-6 * abs(factor):
            return simple
    return factor


def _told(array: NDArray[Any]) -> str:
    return f"{'x'.join(map(str, array.shape))} {array.dtype}"


def _how_far(one: NDArray[Any], other: NDArray[Any]) -> str:
    if one.size == other.size and abs(one.ndim - other.ndim) == 1 and 1 in (one.shape[-1], other.shape[-1]):
        one, other = one.reshape(len(one), -1), other.reshape(len(other), -1)  # (N,) and (N, 1) are one.
    if one.shape != other.shape:
        return ""

    def order(array: NDArray[Any]) -> NDArray[Any]:
        rows = array.reshape(len(array), -1)
        return rows[np.lexsort(rows.T[::-1])]

    if alike(order(one), order(other)):
        return ", the same rows in another order"
    return f", apart by up to {float(np.abs(one.astype(float) - other.astype(float)).max()):.3g}"
