"""Differences: the paths at which two resolved configs differ, and configs that have some of them.

The same change on many layers is one difference. A change of kind is split: the kind, with the fields only it
has, is one difference; each field that both kinds share is another. Layers are paired by name
(``parity.spec.align``); those without a counterpart, and layers of another kind, are differences as a whole
(``parity.spec.layer_units``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from parity.entries import Entry, shown
from parity.ops import Op, ShapeError
from parity.ops.activation import ActivationOp
from parity.spec.align import by_name
from parity.spec.apart import Unequal, settled
from parity.spec.edges import Edges, plain, reading
from parity.spec.graph import Layer, graph_of
from parity.spec.inert import (
    GIVEN,
    Column,
    again_reason,
    given_weights,
    layer_reason,
    mask_reason,
    section_reason,
)
from parity.spec.kept import KEPT
from parity.spec.layer_units import LayerUnit, paired, units
from parity.spec.paths import pattern_of
from parity.spec.resolve import Resolved
from parity.spec.sections import SECTIONS, Config
from parity.spec.targets import unsaid

READS = "inputs"
"""Field of a layer that says what it reads."""

LINKS = ("name", READS)
"""Fields of a layer that tie it to others: what two sides have there is compared by what it means."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One path at which two sides differ.

    Args:
        path: as a user would write it in ``changes``; several layers are one pattern.
        paths: the concrete paths it stands for.
        a: value on the first side, as text.
        b: value on the second side, as text.
        a_origin: where the first side's value came from.
        b_origin: where the second side's value came from.
        layers: the layers it touches.
        reason: why it provably does nothing, empty where it may do something.
        values: both values at each of the paths, where several layers come or go; the same at all if not said.
        parts: what it was joined from, where differences cannot be apart (``parity.spec.heads``).
    """

    path: str
    paths: tuple[str, ...]
    a: str
    b: str
    a_origin: str
    b_origin: str
    layers: tuple[str, ...] = ()
    reason: str = ""
    values: tuple[tuple[str, str], ...] = ()
    parts: tuple[Difference, ...] = ()

    @property
    def inert(self) -> bool:
        """Return whether it provably does nothing."""
        return bool(self.reason)


def differences(a: Resolved, b: Resolved, rows: int | None = None, gpus: bool = True) -> list[Difference]:
    """Return the differences of two sides, in the order of the spec's sections.

    Args:
        a: first side.
        b: second side.
        rows: rows of the training set, where known: tells whether the last batch is full anyway.
        gpus: whether the machine may have a GPU.
    """
    found: list[Difference] = []
    for section in ("data", "layers", *SECTIONS[1:]):
        if section == "layers":
            found += _layer_differences(a, b)
            continue
        apart = _compare((section,), getattr(a.config, section), getattr(b.config, section))
        for one in settled(apart, a, b) if section == "optimizer" else apart:
            path, reason = ".".join(one.path), section_reason(one.path, a, b, rows, gpus)
            if path == "data.targets" and reason and unsaid(a) and unsaid(b):
                continue  # Each is given the same in the form that it takes: nobody made a difference there.
            found.append(_made(a, b, path, (path,), one, reason=reason))
    return found


def _layer_differences(a: Resolved, b: Resolved) -> list[Difference]:
    """Return what differs in the layers, in their order, what one side lacks before what stands behind it."""
    order: dict[str, int] = {}
    for left, right in by_name(a.config.model.layers, b.config.model.layers):
        order.setdefault(str((left or right).name), len(order))  # type: ignore[union-attr]
    whole = _unit_differences(a, b, order)
    taken = {path for one in whole for path in one.paths}
    return sorted([*_field_differences(a, b, taken), *whole], key=lambda one: min(order[name] for name in one.layers))


def _unit_differences(a: Resolved, b: Resolved, order: Mapping[str, int]) -> list[Difference]:
    def can_flip(paths: Iterable[str]) -> bool:
        taken = set(paths)
        try:
            mixed(a.config, b.config, taken)
            mixed(b.config, a.config, taken)
        except ValueError:
            return False
        return True

    columns = by_name(a.config.model.layers, b.config.model.layers)
    last = {value.name for side in (a, b) for value in side.graph.outputs}
    groups: dict[Any, list[LayerUnit]] = {}
    layers = a.config.model.layers, b.config.model.layers
    edges = None if all(map(plain, layers)) else Edges(*layers, a.config.model.first)
    for unit in units(*layers, can_flip, edges):
        groups.setdefault(unit.content, []).append(unit)
    found = []
    for members in groups.values():
        paths = tuple(path for unit in members for path in unit.paths)
        touched = tuple(dict.fromkeys(path.split(".")[1] for path in paths))
        names = sorted(touched, key=order.__getitem__)
        times = f" ({len(members)} times)" if len(members) > 1 and len(members[0].paths) > 1 else ""
        one = Unequal((), *(text + times for text in members[0].told()))
        pattern = pattern_of(names)
        # At the end a layer that does nothing may still hide from the loss the softmax it stands behind.
        idle = not last & set(names) and all(op.passes_on() for unit in members for op in (*unit.a, *unit.b))
        reason = "it hands on what it is given" if idle else "" if last & set(names) else _again(columns, members)
        values = tuple(value for unit in members for value in unit.values)
        made = _made(a, b, f"layers.{pattern}", paths, one, layers=touched, reason=reason)
        found.append(replace(made, values=values if len(set(values)) > 1 else ()))
    return found


def _again(columns: Sequence[Column], members: Sequence[LayerUnit]) -> str:
    """Return why layers that come or go do nothing for what stands around them, empty where they may do something."""
    if not all(len(unit.names) == 1 and isinstance((*unit.a, *unit.b)[0], ActivationOp) for unit in members):
        return ""
    reasons = [again_reason(columns, unit.names[0]) for unit in members]
    return reasons[0] if all(reasons) else ""


def _field_differences(a: Resolved, b: Resolved, taken: set[str]) -> list[Difference]:
    """Return what differs in the fields of layers that both sides have, apart from paths that are told already."""
    layers_a = a.layers()
    before, after = ({layer.name: layer for layer in layers} for layers in (layers_a, b.layers()))
    aligned = by_name(a.config.model.layers, b.config.model.layers)
    last = {value.name for side in (a, b) for value in side.graph.outputs}
    columns = [column for column in aligned if paired(column)]
    branched = not (plain(a.config.model.layers) and plain(b.config.model.layers))
    edges = Edges(a.config.model.layers, b.config.model.layers, a.config.model.first)
    groups: dict[tuple[tuple[str, ...], str, str], list[tuple[Layer, Layer, Unequal]]] = {}
    for name in (str(left.name) for left, _ in columns if left is not None):
        left, right = before[name], after[name]
        reads = edges.differ(name) if branched else None
        read = [] if reads is None else [Unequal((READS,), *(shown(_one(side)) for side in reads))]
        for one in [*read, *_own_fields(left.op, right.op)]:
            if ".".join(["layers", name, *one.path]) not in taken:
                groups.setdefault((one.path, one.a, one.b), []).append((left, right, one))
    found = []
    for (keys, _, _), members in groups.items():
        names = tuple(left.name for left, _, _ in members)
        having = [layer.name for layer in layers_a if keys[0] in type(layer.op).model_fields]
        pattern = "*" if len(names) > 1 and list(names) == having else pattern_of(names)
        reasons = [layer_reason(left, right, keys) for left, right, _ in members]
        if keys[0] == members[0][0].op.activation_field and not last & set(names):
            reasons = [again_reason(aligned, name, keys[0]) for name in names]
        if members[0][0].op.about(keys[0])[1] == "initializer" and given_weights(a, b):
            reasons = [GIVEN]
        if keys == ("mask_zero",):
            reasons = [mask_reason(a, b, name) for name in names]
        found.append(
            _made(
                a,
                b,
                ".".join(["layers", pattern, *keys]),
                tuple(".".join(["layers", name, *path]) for name in names for path in _with_lent(members[0], keys)),
                members[0][2],
                layers=names,
                reason=reasons[0] if all(reasons) else "",
            )
        )
    return found


def _own_fields(mine: Op, theirs: Op) -> Iterator[Unequal]:
    """Yield the fields in which two layers differ; what is said of a parameter that one borrows goes with that."""
    every = list(_compare((), mine, theirs))
    apart = {mine.lends[one.path[0]] for one in every if one.path and one.path[0] in mine.lends}
    yield from (one for one in every if not one.path or mine.about(one.path[0])[0] not in apart)


def _with_lent(member: tuple[Layer, Layer, Unequal], keys: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the path of a field of a layer, and of what goes with it."""
    left, right, _ = member
    parameter = left.op.lends.get(keys[0]) if keys else None
    both = set(type(left.op).model_fields) & set(type(right.op).model_fields)
    more = sorted(one for one in both if parameter and left.op.about(one)[0] == parameter
                  and getattr(left.op, one) != getattr(right.op, one))  # fmt: skip
    return [keys, *((one,) for one in more)]


def _one(names: tuple[str, ...]) -> str | tuple[str, ...]:
    return names[0] if len(names) == 1 else names


def _made(
    a: Resolved, b: Resolved, path: str, paths: tuple[str, ...], one: Unequal, reason: str, layers: tuple[str, ...] = ()
) -> Difference:
    return Difference(
        path=path, paths=paths, a=one.a, b=one.b, a_origin=a.origin(paths[0]), b_origin=b.origin(paths[0]),
        layers=layers, reason=reason,
    )  # fmt: skip


def _compare(path: tuple[str, ...], a: Any, b: Any) -> Iterator[Unequal]:
    """Yield where two values differ."""
    if isinstance(a, Entry) and isinstance(b, Entry):
        shared = [name for name in type(a).model_fields if name in type(b).model_fields and name not in LINKS]
        shared = [name for name in shared if name not in type(a).descriptive]
        if a.kind != b.kind:
            yield Unequal(path, _without(a, shared), _without(b, shared))
    elif isinstance(a, BaseModel) and type(a) is type(b):
        shared = list(type(a).model_fields)
    else:
        if a != b:
            yield Unequal(path, shown(a), shown(b))
        return
    for name in shared:
        yield from _compare((*path, name), getattr(a, name), getattr(b, name))


def _without(entry: Entry, shared: list[str]) -> str:
    """Return the entry as text, without the fields that both kinds have."""
    fields = type(entry).model_fields
    idle = [name for name in entry.quiet if getattr(entry, name) == fields[name].get_default(call_default_factory=True)]
    left_out = {*shared, *LINKS, *idle, *entry.descriptive}
    parts = [f"{name}={shown(getattr(entry, name))}" for name in fields if name not in left_out]
    return f"{entry.kind}({', '.join(parts)})" if parts else entry.kind


def mixed(a: Config, b: Config, taken: set[str]) -> Config:
    """Return ``a`` with the values of ``b`` at the concrete paths ``taken``.

    Taking every path of every difference gives ``b``; taking none gives ``a``. A path ``layers.NAME`` takes a whole
    layer: out where only ``a`` has it, in where only ``b`` has it, else as ``b`` has it.

    Args:
        a: a side's config.
        b: another side's config.
        taken: concrete paths, as :attr:`Difference.paths` has them.

    Raises:
        ValueError: when some of the values cannot stand together; a :class:`~parity.ops.ShapeError` when the layers
            cannot read what they are given.
    """
    sections = {section: _mix(section, getattr(a, section), getattr(b, section), taken) for section in SECTIONS}
    layers: list[Op] = []
    branched = not (plain(a.model.layers) and plain(b.model.layers))
    for left, right in by_name(a.model.layers, b.model.layers):
        op = left if left is not None else right
        path = f"layers.{op.name}"  # type: ignore[union-attr]
        if left is not None and right is not None:
            layers.append(_mix(path, left, right, taken) if paired((left, right)) else right if path in taken else left)
        elif op is not None and (path in taken) is (left is None):
            layers.append(op)
    if branched:
        edges, there = Edges(a.model.layers, b.model.layers, a.model.first), {str(op.name) for op in layers}
        whole = {path.split(".")[1] for path in taken if path.startswith("layers.") and path.count(".") == 1}
        other = whole | {name for name in there if f"layers.{name}.{READS}" in taken}
        reads = {name: edges.mixed(name, name in other, whole) for name in there}
        layers = list(reading(layers, reads, a.model.first))
    if branched or [op.name for op in a.model.layers] != [op.name for op in b.model.layers]:
        _check_shapes(layers, a, b)
    changes = {"layers": tuple(layers), "outputs": _outputs(a, b, layers)}
    return a.model_copy(update={**sections, "model": a.model.model_copy(update=changes)})


def with_numbers_of(a: Resolved, b: Resolved) -> Resolved | None:
    """Return a side with those numbers of another that are the same to float32; None where there are no such.

    Args:
        a: whose config is kept in all else.
        b: whose numbers are taken.
    """
    paths = {path for one in differences(a, b) if one.reason == KEPT for path in one.paths}
    return a.having(mixed(a.config, b.config, paths)) if paths else None


def _outputs(a: Config, b: Config, layers: Sequence[Op]) -> dict[str, str]:
    """Return which layers give the outputs, some being of one side and some of the other: of two the later one."""
    places = {str(op.name): index for index, op in enumerate(layers)}
    pairs = {name: (layer, b.model.outputs.get(name, layer)) for name, layer in a.model.outputs.items()}
    return {name: max(pair, key=lambda layer: places.get(layer, -1)) for name, pair in pairs.items()}


def _check_shapes(layers: Sequence[Op], a: Config, b: Config) -> None:
    """Check that layers, some of one side and some of the other, can read each other and end as one of the sides does.

    Raises:
        ShapeError: when they cannot.
    """
    if not layers:
        raise ShapeError("no layer is left")
    ends = [graph_of(side.model).outputs for side in (a, b)]
    changes = {"layers": tuple(layers), "outputs": _outputs(a, b, layers)}
    outputs = graph_of(a.model.model_copy(update=changes)).outputs
    for number, last in enumerate(outputs):
        shapes = [one[number].shape for one in ends]
        if last.shape not in shapes:
            raise ShapeError(f"the last layer, {last.name}, gives {last.shape} where {shapes[0]} is expected")


def _mix(path: str, a: Any, b: Any, taken: set[str]) -> Any:
    if not (isinstance(a, BaseModel) and isinstance(b, BaseModel) and isinstance(a, Entry) is isinstance(b, Entry)):
        return b if path in taken else a
    base = b if isinstance(a, Entry) and path in taken and type(a) is not type(b) else a
    values = {}
    for name in type(base).model_fields:
        if name in type(a).model_fields and name in type(b).model_fields:
            values[name] = _mix(f"{path}.{name}", getattr(a, name), getattr(b, name), taken)
        else:
            values[name] = getattr(base, name)
    return type(base).model_validate(values)
