"""One of two programs in the terms of their common spec, and where it says what."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from parity.ops import Op
from parity.reading.resolved import MEASURED
from parity.reading.whole import ReadProgram
from parity.spec.sections import ModelSpec
from parity.tensors import parameter


@dataclass(kw_only=True)
class PairSide:
    """One of two programs in the terms of their common spec.

    Args:
        name: of the side.
        reading: of the program.
        model: as the spec has it.
        names: of each layer of the spec, the layer of the reading.
        moved: its program reads channels first what the spec has channels last.
        ends_moved: its program gives channels first what the spec has channels last.
        ahead: layers that its program begins with and the spec has not: what they make of its rows is the spec's data.
        padded: of layers that have zeros taken in, which their program has around what it gives them, the one by whose
            name it has these.
        cut: of layers whose ends their program cuts off behind them, the one that does.
        flattened: layers whose features its program counts with the channels first, where the spec counts them last.
        parts: of layers that are two in its program, by the later one's name, whose kernel a parameter of theirs is.
        instead: arrays of the spec in place of its program's, or beside these: labels that are of other numbers where
            its loss counts none, what rows count where it knows that of classes.
        masks_ignored: what its loss ignores by a number below 0 in the spec, its program leaves out by a mask.
        decays: the l2 penalties of the spec are weight decay of its program's optimizer.
        loss: as the spec has it.
    """

    name: str
    reading: ReadProgram
    model: ModelSpec
    names: dict[str, str] = field(default_factory=dict)
    moved: bool = False
    ends_moved: bool = False
    ahead: tuple[Op, ...] = ()
    padded: dict[str, str] = field(default_factory=dict)
    cut: dict[str, str] = field(default_factory=dict)
    flattened: tuple[str, ...] = ()
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    instead: dict[str, Any] = field(default_factory=dict)
    masks_ignored: bool = False
    decays: bool = False
    loss: Any = None

    def paths(self) -> dict[str, str]:
        """Return of each layer of the spec what the program itself calls it, where it has a name for it."""
        found = self.reading.places(self.names)
        for name, own in self.names.items():
            for tensor, layer in self.parts.get(own, {}).items():
                apart = self.reading.places({name: layer})  # A layer, or its kernel where that lies by itself.
                path = apart.get(parameter(name, "kernel"), apart.get(name))
                found |= {parameter(name, tensor): path} if path else {}
        return found

    @property
    def around(self) -> dict[str, list[str]]:
        """Layers of the spec around whose module its program pads, or behind whose it cuts, as a side says them."""
        every = {"padded": self.padded, "cut": self.cut}
        found = {key: [name for name, own in self.names.items() if own in layers] for key, layers in every.items()}
        return {key: names for key, names in found.items() if names}

    @property
    def own_rows(self) -> str:
        """File of the rows that its program is given, where its first layers prepare them."""
        return f"{self.name}_given.npz"

    def seen(self, name: str) -> bool:
        """Return whether it was seen what its program says of a field of training."""
        return getattr(self.reading.told.training, name, False) is not None

    def said_at(self, folder: str) -> dict[str, str]:
        """Return where the program says things: by path, ``FILE:LINE``.

        Args:
            folder: that its files are looked for in.
        """
        places, told = self.reading.told.places, self.reading.told
        found = {path: places[key] for path, key in SAID_AT if places.get(key)}
        lines = {self.reading.names[node.name]: node.place for node in told.nodes if node.name in self.reading.names}
        found |= {f"layers.{name}": lines[own] for name, own in self.names.items() if lines.get(own)}
        for around in (self.cut, self.padded):
            found |= {f"layers.{name}.padding": lines[around[own]] for name, own in self.names.items()
                      if lines.get(around.get(own, ""))}  # fmt: skip
        shown = {path: _in(folder, place) for path, place in found.items()}
        if self.decays and "optimizer" in shown:
            shown |= {f"layers.{op.name}.{name}": shown["optimizer"] for op in self.model.layers
                      for name in type(op).model_fields if name.endswith("_regularizer")}  # fmt: skip
        for path, how in self._measured():
            place = shown.get(path.rpartition(".")[0])
            shown[path] = f"{place} (measured {how})" if place else f"measured {how}"
        return shown

    def _measured(self) -> Iterator[tuple[str, str]]:
        """Give the paths of the initializers that were measured, and by what."""
        told, layers = self.reading.told, {str(op.name): op for op in self.model.layers}
        here = {own: name for name, own in self.names.items()}
        for node in told.nodes:
            op = layers.get(here.get(self.reading.names.get(node.name, ""), ""))
            if op is None:
                continue
            begins = f"{MEASURED}{node.name}."
            for key in [one for one in told.places if one.startswith(begins)]:
                yield f"layers.{op.name}.{_field(op, key.removeprefix(begins), told.framework)}", told.places[key]


def _field(op: Op, tensor: str, framework: str) -> str:
    """Return the field that says how a tensor starts, of the name that the program's framework has for it."""
    native = type(op).natives.get(framework)
    names = {} if native is None else {told[0]: canonical for canonical, told in native.weights.items()}
    name = names.get(tensor)
    return tensor if name is None else f"{type(op).said_as.get(name, name)}_initializer"


def _in(folder: str, place: str) -> str:
    """Return a line as an editor reads it, its file from here.

    >>> _in("", "train.py, line 12")
    'train.py:12'
    """
    file, _, line = place.partition(", line ")
    path = os.path.join(folder, file)
    return f"{path if os.path.isfile(path) else file}:{line}"


SAID_AT = (
    ("loss", "compile"), ("loss", "loss"), ("optimizer", "compile"), ("optimizer", "optimizer"),
    ("optimizer.learning_rate", "schedule"), ("training", "train"), ("data", "train"), ("data", "data"),
    ("metrics", "compile"),
)  # fmt: skip
"""Sections of a spec, and what a watcher calls the line that says them; of two, the later one where it is known."""
