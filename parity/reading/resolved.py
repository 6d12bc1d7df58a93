"""What a watcher tells by numbers, as words that say it: initializers, and optimizers that a program writes out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from parity.reading.fitted import fitted
from parity.reading.measured import measured, rules_for, said_exactly
from parity.reading.unread import Unread
from parity.run.told import Told, ToldNode, Word

if TYPE_CHECKING:
    from numpy.typing import NDArray


def resolved(told: Told, arrays: Mapping[str, NDArray[Any]], unread: list[Unread]) -> Told:
    """Return a program in which every word says what it is.

    ``{"start": ...}`` is how a tensor starts: its ``shape``, and of what TensorFlow's or PyTorch's generator drew
    ``drawn``, the family, the middle and the scale; else the name of the ``array`` that it starts at. ``{"fit": ...}``
    is an update: names of its ``weights`` and ``gradients``, and the ``numbers`` that the program writes.

    Args:
        told: what a watcher told.
        arrays: that it wrote.
        unread: takes what the numbers do not tell.
    """
    notes = list(told.notes)
    nodes = [_node(node, arrays, unread, notes) for node in told.nodes]
    optimizer = told.optimizer
    if isinstance(optimizer, Mapping) and "fit" in optimizer:
        said = optimizer["fit"]
        found = fitted(arrays[said["weights"]], arrays[said["gradients"]], said["numbers"])
        notes += [f"The optimizer is written out in the program: {found.sentence}."] if found.entry else []
        optimizer = {"entry": found.entry or "sgd"}
        if found.entry is None:
            unread.append(Unread(what=f"an update that is written out ({found.sentence})", place=said["place"],
                                 needs="an optimizer with that rule"))  # fmt: skip
    return replace(told, nodes=nodes, optimizer=optimizer, notes=notes)


def _node(node: ToldNode, arrays: Mapping[str, NDArray[Any]], unread: list[Unread], notes: list[str]) -> ToldNode:
    said: dict[str, Word] = {}
    for name, word in node.arguments.items():
        if isinstance(word, Mapping) and "start" in word:
            said[name] = _start(word["start"], arrays, unread, notes)
    return replace(node, arguments={**node.arguments, **said}) if said else node


def _start(said: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], unread: list[Unread], notes: list[str]) -> Word:
    fans = fans_of(said["shape"])
    if "drawn" in said:
        family, middle, scale = said["drawn"]
        return {"entry": said_exactly(family, middle, scale, rules_for(said["shape"], **fans))}
    found = measured([arrays[said["array"]]], **fans)
    if found.entry is None:
        unread.append(Unread(what=f"{said['of']}: {found.sentence}; it", place=said.get("place", ""),
                             needs="an initializer that starts it so"))  # fmt: skip
    elif found.entry not in ("zeros", "ones"):
        notes.append(f"{said['of']} is measured: {found.sentence}.")
    return {"entry": found.entry or "zeros"}


def fans_of(shape: list[int]) -> dict[str, int]:
    """Return the fans of a tensor in the canonical layout.

    >>> fans_of([3, 3, 8, 16])
    {'fan_in': 72, 'fan_out': 144}
    """
    if len(shape) < 2:
        return {"fan_in": shape[0] if shape else 1, "fan_out": shape[0] if shape else 1}
    window = math.prod(shape[:-2])
    return {"fan_in": window * shape[-2], "fan_out": window * shape[-1]}
