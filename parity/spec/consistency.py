"""Checks that look at more than one part of a spec: changes against layers, layers against shapes.

They read plain data as well as objects, so that a fault in one place does not hide those in another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from parity.catalog import LOSSES, OPS, OPTIMIZERS
from parity.data.section import DataSpec
from parity.entries import Entry, Shape
from parity.errors import Fault, did_you_mean, listed
from parity.losses import Loss
from parity.ops import Op
from parity.ops.block import Block
from parity.spec import channels
from parity.spec.ends import GraphError
from parity.spec.faults import Loc, Where, faults_of, given
from parity.spec.graph import Graph, graph_of, named
from parity.spec.known import field_hint
from parity.spec.lists import PLACES, is_structural, read_layers
from parity.spec.names import name_faults
from parity.spec.paths import alternatives, auto_names, matching, split
from parity.spec.sections import SECTIONS, Config, ModelSpec, NumericsSpec, TrainingSpec


@dataclass(frozen=True)
class Reached:
    """A part of a spec that a change may reach, as far as it is known.

    Args:
        owner: its class, None where what stands there cannot be known.
        value: the object itself, None where only its class is known.
    """

    owner: type[BaseModel] | None
    value: BaseModel | None = None


Layers = Mapping[str, Reached]
"""The layers by name, faulty ones too."""


def raw_layers(data: Mapping[str, Any]) -> Layers:
    """Return the layers of plain data, as far as they can be read."""
    model = data.get("model")
    layers = model.get("layers") if isinstance(model, Mapping) else getattr(model, "layers", None)
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
    return {name: Reached(OPS.get(kind)) for name, (kind, _) in zip(auto_names(kinds), kinds, strict=True)}


def check_changes(data: Mapping[str, Any], where: Where) -> list[Fault]:
    """Return the faults in the sides' changes, as far as faulty data show them.

    A spec without other faults is checked by resolving its sides, which also knows what a nested entry is.
    """
    sides = data.get("sides")
    faults = []
    for side, spec in sides.items() if isinstance(sides, Mapping) else ():
        layers = raw_layers(data)
        changes = spec.get("changes") if isinstance(spec, Mapping) else getattr(spec, "changes", None)
        parts = {
            "data": Reached(DataSpec),
            "training": Reached(TrainingSpec),
            "numerics": Reached(NumericsSpec),
            "loss": Reached(_kind_in(LOSSES, data.get("loss"))),
            "optimizer": Reached(_kind_in(OPTIMIZERS, data.get("optimizer"))),
        }
        for path, value in changes.items() if isinstance(changes, Mapping) else ():
            if not isinstance(path, str):
                continue  # A key that is no text is a fault already.
            faults += check_change(path, value, layers, parts, where, ("sides", side, "changes", path))
            if path.startswith("layers") and is_structural(split(path)[1:], value):
                layers = {}  # Which there are from here on is known once there are no other faults.
            if path == "loss":
                parts[path] = Reached(_kind_in(LOSSES, value))
            elif path == "optimizer":
                parts[path] = Reached(_kind_in(OPTIMIZERS, value))
    return faults


def _kind_in(family: Mapping[str, type[Entry]], value: Any) -> type[Entry] | None:
    if isinstance(value, Entry):
        return type(value)
    name = next(iter(value)) if isinstance(value, Mapping) and len(value) == 1 else value
    return family.get(name) if isinstance(name, str) else None


def check_change(
    path: str, value: Any, layers: Layers, parts: Mapping[str, Reached], where: Where, loc: Loc
) -> list[Fault]:
    """Return the faults of one change.

    Args:
        path: where it applies.
        value: what it sets there.
        layers: the layers there are.
        parts: the sections there are, beside the layers.
        where: knows the lines.
        loc: where the change itself stands.
    """
    section, *rest = split(path) or [""]
    if section == "layers":
        return _check_layers(rest, value, layers, where, loc)
    if section not in SECTIONS:
        choices = [*SECTIONS, "layers"]
        fix = "layers are reached as layers.NAME.FIELD" if section == "model" else did_you_mean(section, choices)
        return [where.fault(loc, f"no section {section!r}", f"a path that starts with {listed(choices)}", fix)]
    if not rest:
        return _check_value(Config, section, value, where, loc)
    if section == "metrics":
        return [where.fault(loc, "metrics have no fields", "metrics: a list", "change the whole list")]
    return _check_field(parts[section], rest, value, where, loc, section)


def _check_layers(rest: list[str], value: Any, layers: Layers, where: Where, loc: Loc) -> list[Fault]:
    names = list(layers)
    if not rest:
        if isinstance(value, list | tuple):
            return _check_new_layers(value, where, loc)
        fix = f"the layers are {', '.join(names)}"
        expected = "layers.NAME.FIELD, layers.NAME: {FIELD: VALUE}, or a list of layers"
        return [where.fault(loc, "no layer is named", expected, fix)]
    if not layers:
        return []  # That there are none is a fault already, or which there are is not known.
    pattern, *field = rest
    missing = [one for one in alternatives(pattern) if not matching(one, names)]
    if missing:
        return [
            where.fault(loc, f"no layer matches {one!r}", listed(names, 20), did_you_mean(one, names))
            for one in missing
        ]
    found = {name: layers[name] for name in matching(pattern, names)}
    if is_structural(rest, value):
        if not field and len(found) == len(layers):
            return [where.fault(loc, "no layer is left", "a network of at least one layer")]
        return _check_new_layers(value, where, loc) if field else []
    if field:
        return _check_layer_field(pattern, found, field, value, where, loc)
    if not isinstance(value, Mapping):
        return [where.fault(loc, f"got {given(value)}", "a mapping of fields to values")]
    faults = []
    for name, one in value.items():
        keys = split(str(name)) or [""]
        if keys[0] in PLACES:
            own = f"a change of its own, layers.{pattern}.{keys[0]}"
            faults.append(where.fault((*loc, name), f"{keys[0]} among fields", own))
        elif len(keys) == 1 or keys[0] not in value:  # Else the same mapping says what stands there.
            faults += _check_layer_field(pattern, found, keys, one, where, (*loc, name))
    return faults


def _check_new_layers(value: Any, where: Where, loc: Loc) -> list[Fault]:
    try:
        layers = read_layers(value)
    except ValidationError as error:
        several = isinstance(value, list | tuple)
        return faults_of(error, where, loc, inside=0 if several else 1)
    if layers:
        return []
    return [where.fault(loc, "an empty list", "a layer, or a list of them", "null as a layer's value takes it out")]


def _check_layer_field(
    pattern: str, found: Layers, field: list[str], value: Any, where: Where, loc: Loc
) -> list[Fault]:
    name = field[0]
    if name == "name":
        return [where.fault(loc, "a side cannot rename a layer", "one name in every side", "set it under model")]
    having = [part for part in found.values() if part.owner and name in part.owner.model_fields]
    if not having:
        if any(part.owner is None for part in found.values()):
            return []  # The unknown layer is a fault already; what it would have taken cannot be known.
        fields = sorted({one for part in found.values() if part.owner for one in part.owner.model_fields} - {"name"})
        who = pattern if pattern in found else f"no layer that {pattern!r} matches"
        verb = "has no field" if pattern in found else "has a field"
        return [where.fault(loc, f"{who} {verb} {given(name)}", listed(fields, 20), field_hint(name, fields, who))]
    faults = [fault for part in having for fault in _check_field(part, field, value, where, loc, str(name))]
    return list(dict.fromkeys(faults))


def _check_field(part: Reached, keys: list[str], value: Any, where: Where, loc: Loc, title: str) -> list[Fault]:
    if part.owner is None:
        return []
    name, *deeper = keys
    if name not in part.owner.model_fields:
        who = part.owner.kind if issubclass(part.owner, Entry) else title
        fields = list(part.owner.model_fields)
        expected = listed(fields, 20) if fields else f"{who} as it is, it has no fields"
        return [where.fault(loc, f"{who} has no field {given(name)}", expected, field_hint(name, fields, who))]
    if not deeper:
        return _check_value(part.owner, name, value, where, loc)
    if part.value is None:
        return []  # Which entry stands there is known once there are no other faults.
    inner = getattr(part.value, name)
    if not isinstance(inner, BaseModel):
        return [where.fault(loc, f"{name} is a value, it has no field {deeper[0]!r}", f"a path that ends in {name}")]
    return _check_field(Reached(type(inner), inner), deeper, value, where, loc, name)


def _check_value(owner: type[BaseModel], name: str, value: Any, where: Where, loc: Loc) -> list[Fault]:
    try:
        reads(owner, name).validate_python(value)
    except ValidationError as error:
        return faults_of(error, where, loc)
    return []


@cache
def reads(owner: type[BaseModel], name: str) -> TypeAdapter[Any]:
    """Return what reads the value of a field: made once, since making it takes longer than all it is asked."""
    field = owner.model_fields[name]
    annotation: Any = field.annotation
    for metadata in field.metadata:
        annotation = Annotated[annotation, metadata]
    if field.discriminator is not None:
        annotation = Annotated[annotation, field.discriminator]
    return TypeAdapter(annotation)


def hidden_faults(loss: Loss, graph: Graph, where: Where, loc: Loc = ("loss",)) -> list[Fault]:
    """Return the fault of a loss that looks behind an activation whose values others read, too.

    In Keras nothing hinders it. In the other frameworks the loss applies the activation, and the model does not.

    Args:
        loss: of a side.
        graph: its model.
        where: knows the lines.
        loc: of what says the loss.
    """
    last, ending = graph.last, graph.ending
    if ending is None or not loss.fused(ending) or not (graph.readers(last.name) or last.owner in graph.shared):
        return []
    got = f"{loss.kind} works on what is behind the {ending.kind} of {last.name}, which is used elsewhere, too"
    return [where.fault(loc, got, "recover_logits: false, or logits as the output", "say one of them")]


def loss_faults(loss: Loss, shape: Shape, weighs: bool, where: Where, loc: Loc) -> list[Fault]:
    """Return the fault of a loss that cannot be of what the model puts out.

    Args:
        loss: of a side.
        shape: of an output, without the batch axis.
        weighs: rows have weights.
        where: knows the lines.
        loc: of what says the loss.
    """
    told = loss.fault(shape) or (loss.unweighed(shape) if weighs else "")
    return [where.fault(loc, f"{loss.kind} of outputs {shape}: {told}")] if told else []


def check_model(
    model: ModelSpec,
    where: Where,
    places: Mapping[str, Loc] | None = None,
    written: Mapping[str, tuple[str | int, ...]] | None = None,
    data: DataSpec | None = None,
) -> list[Fault]:
    """Return the faults of a network that only its shapes show, and names that cannot be used.

    Args:
        model: the network.
        where: knows the lines.
        places: of the changes that made a layer as it is, by name; its own place if not said.
        written: where in the spec's own list each layer is written, by name; as the model has it if not said.
        data: the rows' own order of axes, for what to set where they look channels first.
    """
    faults = []
    whole = any(isinstance(op, Block) for op in model.layers)
    names = name_faults(named(model).layers if whole else model.layers)
    model, changed = named(model), places or {}
    placed = written or model.placed

    def own(index: int) -> Loc:
        op = model.layers[index]
        return ("model", "layers", *placed.get(str(op.name), (index,)), op.kind)

    for index, (got, fix) in names.items():
        at = changed.get(str(model.layers[index].name), (*own(index), "name"))
        faults.append(where.fault(at, got, "a name that nothing else in the model has", fix))
    try:
        graph_of(model)
    except GraphError as error:
        if error.output:
            place: Loc = ("model", "outputs", error.output)
            return [*faults, where.fault(next(reversed(list(changed.values())), place), str(error))]
        op = model.layers[error.at]
        # The last change on the way here, which may be one of an earlier layer.
        blame = next((name for one in model.layers[error.at :: -1] if (name := str(one.name)) in changed), "")
        who = f"layer {op.name}: " if blame not in ("", op.name) else ""
        fix = channels.fix(model.row, channels.read_by(model.layers), data.transpose if data else None)
        place = (*own(error.at), error.about) if error.about in op.model_fields_set else own(error.at)
        faults.append(where.fault(changed.get(blame, place), f"{who}{error}", fix="" if error.about else fix))
    return faults
