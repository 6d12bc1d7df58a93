"""Inputs and outputs of two programs under one name: what a framework has no names for is told by its order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from parity.errors import UsageError
from parity.frameworks import frameworks
from parity.reading.same_rows import same_rows

if TYPE_CHECKING:
    from parity.reading.whole import ReadProgram

Shapes = Mapping[str, tuple[int | str, ...]]


def called_alike(a: ReadProgram, b: ReadProgram) -> tuple[ReadProgram, ReadProgram]:
    """Return two programs of which the second has the names that the first has for its several inputs and outputs.

    They stand for each other by their rows, by shapes that no other has, or in their order; else the names stay. Where
    they stand in another order, a program that takes its inputs by it is given them so.

    Raises:
        UsageError: when an input would have the name of a layer, or none of both takes inputs by their order.
    """
    inputs: dict[str, str] = {}
    for typed in (True, False):  # What is opaque does not say that it reads whole numbers.
        shapes = _inputs(a, typed), _inputs(b, typed)
        inputs = inputs or stand_for(*shapes, lambda one, other: _same(a, b, one, other))
    if not inputs and set(_inputs(b)) == set(_inputs(a)):
        inputs = {name: name for name in _inputs(b)}
    order = [inputs[name] for name in _inputs(b)] if inputs else []
    mine = list(_inputs(a))
    if order != mine and order and frameworks()[b.framework].takes_in_order:
        b = _taking(b, sorted(_inputs(b), key=lambda name: mine.index(inputs[name])))
    elif order != mine and order and frameworks()[a.framework].takes_in_order:
        a = _taking(a, order)
    outputs = stand_for(_outputs(a), _outputs(b), lambda one, other: _same(a, b, one, other))
    return a, _called(b, inputs, outputs)


def _taking(program: ReadProgram, order: list[str]) -> ReadProgram:
    """Return a program that takes its inputs by their order as one whose spec has them in another one."""
    model = program.spec["model"]
    takes = tuple(order.index(name) for name in model["inputs"])
    inputs = {name: model["inputs"][name] for name in order}
    return replace(program, spec={**program.spec, "model": {**model, "inputs": inputs}}, takes=takes)


def _called(b: ReadProgram, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> ReadProgram:
    """Return a program with other names for its inputs and outputs.

    Raises:
        UsageError: when an input would have the name of a layer.
    """
    if all(one == other for names in (inputs, outputs) for one, other in names.items()):
        return b
    layers = [fields for one in b.spec["model"]["layers"] if isinstance(one, Mapping) for fields in one.values()]
    known = {fields.get("name") for fields in layers if isinstance(fields, Mapping)}
    taken = next((name for name in inputs.values() if name in known), None)
    if taken is not None:
        whose = f"the first program is called {taken!r}, as a layer of the second is"
        raise UsageError(f"an input of {whose}; give that input another name")
    model = {**b.spec["model"], "layers": [_reading(one, inputs) for one in b.spec["model"]["layers"]]}
    for section, names in (("inputs", inputs), ("outputs", outputs)):
        if section in model:
            model[section] = {names.get(name, name): one for name, one in model[section].items()}
    spec = {**b.spec, "model": model}
    if outputs:
        spec |= {part: {outputs.get(name, name): one for name, one in spec[part].items()}
                 for part in ("loss", "metrics") if isinstance(spec.get(part), Mapping)}  # fmt: skip
    called = {**inputs, **outputs}
    return replace(b, spec=spec, arrays={called.get(name, name): one for name, one in b.arrays.items()})


def ordered_alike(a: ReadProgram, b: ReadProgram) -> tuple[ReadProgram, ReadProgram]:
    """Return two programs whose outputs of the same names stand in one order: of one that gives them by it, its own.

    Raises:
        UsageError: when both give them by their order, and in another one.
    """
    orders = [list(one.spec["model"].get("outputs", ())) for one in (a, b)]
    if orders[0] == orders[1] or set(orders[0]) != set(orders[1]):
        return a, b
    fixed = [frameworks()[one.framework].gives_in_order for one in (a, b)]
    if all(fixed):
        told = " and ".join(", ".join(one) for one in orders)
        raise UsageError(f"the programs give their outputs in another order: {told}; let their losses be added in one")
    return (_in_order(orders[1], a), b) if fixed[1] else (a, _in_order(orders[0], b))


def _in_order(order: list[str], program: ReadProgram) -> ReadProgram:
    spec = program.spec

    def ordered(said: Any) -> Any:
        return {name: said[name] for name in order} if isinstance(said, Mapping) and set(said) == set(order) else said

    model = {**spec["model"], "outputs": ordered(spec["model"]["outputs"])}
    parts: dict[str, Any] = {part: ordered(spec[part]) for part in ("loss", "metrics") if part in spec}
    return replace(program, spec={**spec, "model": model, **parts})


def stand_for(mine: Shapes, theirs: Shapes, same: Callable[[str, str], bool]) -> dict[str, str]:
    """Return of each name of a second program the first's that it stands for; none where that is not clear.

    >>> stand_for({"a": (2,), "b": (3,)}, {"input_1": (2,), "input_2": (3,)}, lambda one, other: True)
    {'input_1': 'a', 'input_2': 'b'}
    >>> stand_for({"a": (2,), "b": (3,)}, {"input_1": (3,), "input_2": (2,)}, lambda one, other: False)
    {'input_1': 'b', 'input_2': 'a'}

    Args:
        mine: shapes of the first program's, in order; empty where it has a single one.
        theirs: of the second's.
        same: returns whether the rows of one of the first and one of the second are the same.
    """
    numbered = all(NUMBERED.fullmatch(one) for one in (*mine, *theirs))
    if len(mine) != len(theirs) or (set(mine) == set(theirs) and not numbered):
        return {}
    by_rows = {their: [own for own in mine if mine[own] == theirs[their] and same(own, their)] for their in theirs}
    by_shape = {their: [own for own in mine if mine[own] == theirs[their]] for their in theirs}
    for found in (by_rows, by_shape):
        if all(len(one) == 1 for one in found.values()) and len({one[0] for one in found.values()}) == len(mine):
            return {their: one[0] for their, one in found.items()}
    if list(mine.values()) != list(theirs.values()):
        return {}
    pairs = dict(zip(theirs, mine, strict=True))
    if any(one and pairs[their] not in one for their, one in by_rows.items()):
        return {}  # The second takes some in another order.
    return pairs


NUMBERED = re.compile(r"(input|output)(_\d+)?")
"""What an input or output is called that a framework has no name for."""


def _inputs(program: ReadProgram, typed: bool = False) -> dict[str, tuple[int | str, ...]]:
    """Return the shapes of the inputs, if there are several; with what they hold, where that is asked for."""
    found: dict[str, tuple[int | str, ...]] = {}
    for name, one in program.spec["model"].get("inputs", {}).items():
        said = one if isinstance(one, Mapping) else {"shape": one}
        found[name] = (*said["shape"], *([str(said.get("dtype", "float"))] if typed else []))
    return found if len(found) > 1 else {}


def _outputs(program: ReadProgram) -> dict[str, tuple[int | str, ...]]:
    """Return the outputs, if there are several; of shapes no more than that is known here."""
    return dict.fromkeys(program.spec["model"].get("outputs", {}), ())


def _same(a: ReadProgram, b: ReadProgram, one: str, other: str) -> bool:
    return one in a.arrays and other in b.arrays and same_rows(a.arrays[one], b.arrays[other])


def _reading(layer: Any, names: Mapping[str, str]) -> Any:
    """Return a layer, as a spec has it, that reads inputs under other names."""
    if not isinstance(layer, Mapping):
        return layer
    ((kind, fields),) = layer.items()
    if not isinstance(fields, Mapping) or "inputs" not in fields:
        return layer
    reads = fields["inputs"]
    called = names.get(reads, reads) if isinstance(reads, str) else [names.get(one, one) for one in reads]
    return {kind: {**fields, "inputs": called}}
