"""Inputs and outputs of two programs under one name: what a framework has no names for is told by its order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from parity.errors import UsageError
from parity.frameworks import frameworks
from parity.reading.same_rows import same_rows

if TYPE_CHECKING:
    from parity.reading.whole import ReadProgram

Shapes = Mapping[str, tuple[int, ...]]


def called_alike(a: ReadProgram, b: ReadProgram) -> ReadProgram:
    """Return the second of two programs with the names that the first has for its several inputs and outputs.

    They stand for each other in their order where shapes and rows do not say otherwise; else the names stay.

    Raises:
        UsageError: when an input would have the name of a layer.
    """
    inputs = stand_for(_inputs(a), _inputs(b), lambda one, other: _same(a, b, one, other))
    outputs = stand_for(_outputs(a), _outputs(b), lambda one, other: _same(a, b, one, other))
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

    Args:
        mine: shapes of the first program's, in order; empty where it has a single one.
        theirs: of the second's.
        same: returns whether the rows of one of the first and one of the second are the same.
    """
    if set(mine) == set(theirs) or list(mine.values()) != list(theirs.values()):
        return {}
    pairs = dict(zip(theirs, mine, strict=True))
    for their, own in pairs.items():
        others = [one for one, shape in mine.items() if one != own and shape == theirs[their]]
        if any(same(one, their) for one in others) and not same(own, their):
            return {}  # The second takes them in another order.
    return pairs


def _inputs(program: ReadProgram) -> dict[str, tuple[int, ...]]:
    given = program.spec["model"].get("inputs", {})
    found = {name: tuple(one["shape"] if isinstance(one, Mapping) else one) for name, one in given.items()}
    return found if len(found) > 1 else {}


def _outputs(program: ReadProgram) -> dict[str, tuple[int, ...]]:
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
