"""What an optimizer does otherwise for some parameters of a program, as fields with patterns on a spec's names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from parity.catalog import OPS, OPTIMIZERS
from parity.optimizers import Optimizer
from parity.optimizers.per_parameter import DECAY, DECAYS, FACTORS, by_pattern
from parity.reading.entries_of import reader_of
from parity.reading.layers_of import Layers
from parity.reading.unread import Unread
from parity.reading.unread import named as told_as
from parity.run.told import DECAY_OF_GROUP, FACTOR_OF_GROUP, Told, ToldNode
from parity.spec.apart import movable
from parity.spec.graph import graph_of, named
from parity.spec.plain import brief
from parity.spec.sections import ModelSpec
from parity.tensors import layer_of, parameter, patterns_of


def with_groups(optimizer: Any, told: Told, layers: Layers, unread: list[Unread]) -> Any:
    """Return an optimizer, as a spec says it, with what it does otherwise for some parameters.

    Args:
        optimizer: as a spec says it, of what it does for most.
        told: the program.
        layers: of the spec, and what they were in the program.
        unread: takes what no field says.
    """
    if not told.groups or optimizer is None:
        return optimizer
    kind, fields = next(iter(optimizer.items())) if isinstance(optimizer, Mapping) else (optimizer, {})
    entry = OPTIMIZERS[kind].model_validate(fields)
    groups = dict(_groups(told, layers, unread))
    more: dict[str, Any] = {}
    decay: float = getattr(entry, DECAY, 0.0)
    for what, field, base in ((FACTOR_OF_GROUP, FACTORS, 1.0), (DECAY_OF_GROUP, DECAYS, decay)):
        numbers = {name: told.groups[group].get(what, base) for name, group in groups.items()}
        said = {pattern: number for number in dict.fromkeys(numbers.values()) if number != base
                for pattern in patterns_of([one for one in numbers if numbers[one] == number], numbers)}  # fmt: skip
        if said and field not in type(entry).model_fields:
            needs = f"a field of {kind} that says {field}"
            unread.append(Unread(what="groups of parameters", place=told.places.get("optimizer", ""), needs=needs))
        elif said:
            more[field] = said
    if FACTORS in more and getattr(entry, "momentum", None) and OPTIMIZERS[kind].part(told.framework) is not None:
        more |= _outside(entry, told, unread)
    return brief(entry.replace(**more))


def called_anew(optimizer: Optimizer, model: ModelSpec, names: Mapping[str, str]) -> Optimizer:
    """Return an optimizer that does the same for the parameters of layers that have other names now.

    Args:
        optimizer: its patterns are on the names that the layers had.
        model: with the names that they have.
        names: of each layer, the one that it had.
    """
    if not optimizer.parts:
        return optimizer
    every = movable(graph_of(named(model)))
    had = {parameter(names[layer_of(name)], name.partition(".")[2]): name for name in every}
    fields = {}
    for field, number, base in ((FACTORS, optimizer.factor, 1.0),
                                (DECAYS, optimizer.decay_of, getattr(optimizer, DECAY, 0.0))):  # fmt: skip
        if getattr(optimizer, field, None):
            said, other = by_pattern(had, number, base)
            fields[field] = said if other == base else {**said, "*": other}
    return optimizer.replace(**fields)


def _outside(entry: Any, told: Told, unread: list[Unread]) -> dict[str, Any]:
    """Return what says that a momentum holds no rate, which is another one of some parameters."""
    part = entry.part(told.framework)
    if not part.without_rate(entry.moments()):
        return {}
    if "rate_place" not in type(entry).model_fields:
        needs = f"a field of {entry.kind} that holds the rate of a parameter outside of its momentum"
        unread.append(Unread(what="groups of parameters", place=told.places.get("optimizer", ""), needs=needs))
        return {}
    return {"rate_place": "outside_velocity"}


def _groups(told: Told, layers: Layers, unread: list[Unread]) -> Iterator[tuple[str, int]]:
    """Yield the parameters of a spec, ``layer.parameter``, and the group that each is in."""
    reader, kinds = reader_of(told.framework), dict(map(_kind, layers.layers))
    for node in layers.told.nodes:
        name = layers.names.get(node.name)
        if name is None or not node.groups or node.layer != node.name:
            continue
        found: dict[str, int] = {}
        for tensor, group in node.groups.items():
            for own in reader.canonical(kinds[name], tensor):
                if found.setdefault(own, group) != group:
                    unread.append(_mixed(node, own))
        alone = set(node.groups.values())
        if not found and len(alone) == 1 and kinds[name] != "opaque":
            found = dict.fromkeys(OPS[kinds[name]].started, alone.pop())
        elif not all(reader.canonical(kinds[name], tensor) for tensor in node.groups):
            unread.append(_mixed(node, " and ".join(node.groups)))
        yield from ((parameter(name, own), group) for own, group in found.items())


def _kind(layer: Any) -> tuple[str, str]:
    kind, fields = next(iter(layer.items()))
    return fields["name"], kind


def _mixed(node: ToldNode, what: str) -> Unread:
    """Return that parts of a parameter are in different groups, or that it is not known which parameter is which."""
    needs = "an optimizer that treats all of it alike"
    return Unread(what=f"{told_as(node)}, of which {what} is in several groups of the optimizer,", place=node.place,
                  needs=needs)  # fmt: skip
