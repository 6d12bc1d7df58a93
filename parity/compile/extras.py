"""What programs written by hand have beyond their spec, matched between the programs: by name, then order and shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parity.compile.program import Weight
from parity.compile.weights import Found


def canonical(path: str) -> str:
    """Return the name of a parameter that the spec does not have: its path in the first program that has it."""
    return path if "." in path else f"model.{path}"


def paired(reference: Sequence[Found], other: Sequence[Found]) -> dict[str, Weight]:
    """Return where another program keeps what a first one has beyond the spec, by canonical name.

    What does not train is the same where it is called the same: of one shape are a deviation and a variance, too.

    Args:
        reference: the first program's, in order.
        other: the other program's, in order.
    """
    left = {str(one["path"]): one for one in other}
    found: dict[str, Weight] = {}

    def take(one: Found, paths: Sequence[str]) -> None:
        for path in paths:
            axes = _axes(one["shape"], left[path]["shape"])
            alike = bool(one["trainable"]) is bool(left[path]["trainable"])
            if axes is not False and alike and (one["trainable"] or _leaf(path) == _leaf(str(one["path"]))):
                found[canonical(one["path"])] = Weight(attribute=path, axes=axes, trainable=bool(one["trainable"]))
                del left[path]
                return

    for one in reference:
        take(one, [one["path"]] if one["path"] in left else [])
    for one in reference:
        if canonical(one["path"]) not in found:
            layer = str(one["path"]).rpartition(".")[0]
            take(one, [path for path in left if layer and path.rpartition(".")[0] == layer])
    for one in reference:
        if canonical(one["path"]) not in found:
            take(one, list(left))
    names = [canonical(one["path"]) for one in reference]
    return {name: found[name] for name in names if name in found}


def bound(extras: Sequence[Found], reference: Sequence[Found]) -> dict[str, Weight]:
    """Return the places of all that a program has beyond the spec, by the names that the first program gives them.

    Args:
        extras: the program's.
        reference: the first program's; the same for the first program itself.
    """
    found = paired(reference, extras)
    taken = {place.attribute for place in found.values()}
    names = {canonical(one["path"]) for one in reference}
    for one in extras:
        if one["path"] not in taken:
            name = canonical(one["path"])
            # Not the name of something else in the first program.
            name = f"own_{name}" if name in names else name
            found[name] = Weight(attribute=one["path"], trainable=bool(one["trainable"]))
    return found


def _leaf(path: str) -> str:
    return path.rpartition(".")[2]


def _axes(shape: Sequence[int], other: Sequence[int]) -> Any:
    """Return how a tensor of the first program lies in the other: alike, as PyTorch has it, or False."""
    if list(shape) == list(other):
        return None
    rank = len(shape)
    if rank == len(other) > 1:
        for axes in ((rank - 1, rank - 2, *range(rank - 2)), (*range(2, rank), 1, 0)):
            if [shape[axis] for axis in axes] == list(other):
                return axes
    return False
