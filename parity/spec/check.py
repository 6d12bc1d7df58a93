"""Checks that look at more than one part of a spec: changes against layers, layers against shapes.

They read the plain data, not the objects, so that a fault in one place does not hide those in another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from parity.catalog import LOSSES, OPS, OPTIMIZERS
from parity.data.schema import DataSpec
from parity.entries import Entry
from parity.errors import Fault, did_you_mean, listed
from parity.ops import Op, ShapeError
from parity.spec.faults import Loc, Where, faults_of, given
from parity.spec.paths import SECTIONS, auto_names, matching, split
from parity.spec.schema import Config, ModelSpec, TrainingSpec


@dataclass(frozen=True)
class RawLayer:
    """A layer as far as it can be read: its name, and its class unless the kind is unknown."""

    name: str
    op: type[Op] | None


def raw_layers(data: Mapping[str, Any]) -> list[RawLayer]:
    """Return the layers of plain data, faulty ones too."""
    model = data.get("model")
    layers = model.get("layers") if isinstance(model, Mapping) else None
    kinds: list[tuple[str, str | None]] = []
    for item in layers if isinstance(layers, list | tuple) else []:
        if isinstance(item, Op):
            kinds.append((item.kind, item.name))
        elif isinstance(item, Mapping) and len(item) == 1:
            kind, fields = next(iter(item.items()))
            name = fields.get("name") if isinstance(fields, Mapping) else None
            kinds.append((str(kind), name if isinstance(name, str) else None))
        else:
            kinds.append((item if isinstance(item, str) else "layer", None))
    names = auto_names(kinds)
    return [RawLayer(name, OPS.get(kind)) for name, (kind, _) in zip(names, kinds, strict=True)]


def check_changes(data: Mapping[str, Any], where: Where) -> list[Fault]:
    """Return the faults in the sides' changes: paths that match nothing, values that do not fit."""
    layers = raw_layers(data)
    sides = data.get("sides")
    faults = []
    for side, spec in sides.items() if isinstance(sides, Mapping) else ():
        changes = spec.get("changes") if isinstance(spec, Mapping) else getattr(spec, "changes", None)
        for path, value in changes.items() if isinstance(changes, Mapping) else ():
            faults += check_change(str(path), value, layers, where, ("sides", side, "changes", path), data)
    return faults


def check_change(
    path: str, value: Any, layers: list[RawLayer], where: Where, loc: Loc, data: Mapping[str, Any]
) -> list[Fault]:
    """Return the faults of one change.

    Args:
        path: where it applies.
        value: what it sets there.
        layers: the layers there are.
        where: knows the lines.
        loc: where the change itself stands.
        data: the spec, for the kinds of loss and optimizer that are there.
    """
    section, *rest = split(path) or [""]
    if section == "layers":
        return _check_layers(rest, value, layers, where, loc)
    if section not in SECTIONS:
        choices = [*SECTIONS, "layers"]
        return [where.fault(loc, f"path {path!r}", f"a path that starts with {listed(choices)}",
                            did_you_mean(section, choices))]  # fmt: skip
    if not rest:
        return _check_value(Config.model_fields[section], value, where, loc)
    owners: dict[str, type[BaseModel] | None] = {
        "data": DataSpec,
        "training": TrainingSpec,
        "loss": _kind_in(LOSSES, data.get("loss")),
        "optimizer": _kind_in(OPTIMIZERS, data.get("optimizer")),
    }
    return _check_field(owners.get(section), rest, value, where, loc, section)


def _kind_in(family: Mapping[str, type[Entry]], value: Any) -> type[Entry] | None:
    if isinstance(value, Entry):
        return type(value)
    name = next(iter(value)) if isinstance(value, Mapping) and len(value) == 1 else value
    return family.get(name) if isinstance(name, str) else None


def _check_layers(rest: list[str], value: Any, layers: list[RawLayer], where: Where, loc: Loc) -> list[Fault]:
    names = [layer.name for layer in layers]
    if not rest:
        return [where.fault(loc, "path 'layers'", "layers.NAME or layers.NAME.FIELD", f"layers: {', '.join(names)}")]
    pattern, *field = rest
    found = [layer for layer in layers if layer.name in matching(pattern, names)]
    if not layers:
        return []  # That there are none is a fault already.
    if not found:
        return [where.fault(loc, f"no layer matches {pattern!r}", listed(names), did_you_mean(pattern, names))]
    if not field:
        if not isinstance(value, Mapping):
            return [where.fault(loc, given(value), "a mapping of fields to values")]
        return [
            fault
            for name, one in value.items()
            for fault in _check_layers([pattern, str(name)], one, layers, where, (*loc, name))
        ]
    if any(layer.op is None for layer in found):
        return []  # The unknown layer is a fault already; what it would have taken cannot be known.
    having = [layer.op for layer in found if layer.op and field[0] in layer.op.model_fields]
    if not having:
        fields = sorted({name for layer in found if layer.op for name in layer.op.model_fields} - {"name"})
        got = f"no layer that {pattern!r} matches has a field {field[0]!r}"
        return [where.fault(loc, got, listed(fields), did_you_mean(field[0], fields))]
    return _check_field(having[0], field, value, where, loc, having[0].kind)


def _check_field(
    owner: type[BaseModel] | None, rest: list[str], value: Any, where: Where, loc: Loc, title: str
) -> list[Fault]:
    if owner is None:
        return []
    name, *deeper = rest
    if name not in owner.model_fields:
        fields = list(owner.model_fields)
        return [where.fault(loc, f"{title} has no field {name!r}", listed(fields, 20), did_you_mean(name, fields))]
    if deeper:
        return []  # A field of a nested entry: which entry stands there is known once the config is resolved.
    return _check_value(owner.model_fields[name], value, where, loc)


def _check_value(field: FieldInfo, value: Any, where: Where, loc: Loc) -> list[Fault]:
    annotation: Any = field.annotation
    for metadata in field.metadata:
        annotation = Annotated[annotation, metadata]
    if field.discriminator is not None:
        annotation = Annotated[annotation, field.discriminator]
    try:
        TypeAdapter(annotation).validate_python(value)
    except ValidationError as error:
        return faults_of(error, where, loc)
    return []


def check_model(model: ModelSpec, where: Where) -> list[Fault]:
    """Return the faults of a network that only its shapes show, and names used twice."""
    faults = []
    seen: set[str] = set()
    shape = model.input
    for index, op in enumerate(model.layers):
        loc: Loc = ("model", "layers", index, op.kind)
        if op.name and op.name in seen:
            faults.append(where.fault((*loc, "name"), f"a second layer {op.name!r}", "a name used once"))
        seen.add(op.name or "")
        try:
            shape = op.output_shape(shape)
        except ShapeError as error:
            faults.append(where.fault(loc, str(error), "a layer that can read what the one before it gives"))
            break  # What the layers after it are given is not known.
    return faults
