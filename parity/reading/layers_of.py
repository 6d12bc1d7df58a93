"""Calls as the layers of a spec: in an order in which most read the one above, under names that a spec can have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from parity.catalog import OPS
from parity.free_names import free_name
from parity.ops import Op
from parity.reading.masks_of import mask_faults
from parity.reading.odd import Passing, Said
from parity.reading.opaque import Opened, opened
from parity.reading.unread import Unread, named
from parity.run.told import Told, ToldNode, call_of
from parity.spec.names import name_faults
from parity.spec.plain import brief


@dataclass
class Layers:
    """What was made of a program's calls.

    Args:
        inputs: shape of each input, and what its readers take it for.
        layers: as a spec has them.
        outputs: of each output, the layer that gives it.
        names: of each call that is a layer, the layer's name.
        reads: of each output, layers that its loss reads beside it.
        unread: what is no layer.
        told: the program, what is opaque as one call each.
    """

    inputs: dict[str, Any] = field(default_factory=dict)
    layers: list[Any] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    reads: dict[str, list[str]] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    told: Told = field(default_factory=lambda: Told(framework=""))


def layers_of(told: Told) -> Layers:
    """Return the layers of a spec that a program's calls are."""
    told = _firsts_named(told)
    laid = opened(told)
    found = Layers(told=laid.told, unread=list(laid.unread))
    found.unread += [_of_another(node) for node in told.nodes if node.tied and node.name in laid.kept]
    told = laid.told
    passed: dict[str, str] = {}
    kept: list[tuple[ToldNode, Said]] = []
    for node in told.nodes:
        if node.name not in laid.said:
            continue
        said = laid.said[node.name]
        if isinstance(said, Passing):
            source = node.reads[said.read]
            passed[node.name] = passed.get(source, source)
        else:
            reads = [node.reads[number] for number in said.reads] if said.reads is not None else node.reads
            for one in reads:
                if "[" in one:
                    what = f"{named(node)}, which reads {one}, another output of that layer than its first,"
                    found.unread.append(Unread(what=what, place=node.place, needs="a layer that gives several"))
            kept.append((replace(node, reads=[passed.get(one, one) for one in reads]), said))
    inputs = _input_names(told)
    ops = _named_ops(kept, set(inputs.values()))
    found.unread += mask_faults(kept, ops, told, passed)
    found.names = {node.name: str(op.name) for (node, _), op in zip(kept, ops, strict=True)}
    found.reads = _read_by_losses(told, laid, passed, found.names)
    values = inputs | found.names
    above = next(iter(inputs.values()), "")
    for (node, _), op in zip(kept, ops, strict=True):
        reads = [values[one] for one in node.reads if one in values]
        if node.layer != node.name:
            op = OPS["again"].model_validate({"name": op.name, "layer": found.names[node.layer]})
        elif node.tied:
            op = _tied(op, node, found)
        if reads != [above] or (len(inputs) > 1 and not found.layers):
            op = op.replace(inputs=reads[0] if len(reads) == 1 else tuple(reads))
        found.layers.append(brief(op))
        above = str(op.name)
    integers = _whole_numbers(kept, told)
    found.inputs = {
        inputs[one.name]: {"shape": one.shape, "dtype": "integer"} if one.name in integers else one.shape
        for one in told.inputs
    }
    for name, value in told.outputs:
        given = passed.get(value, value)
        found.outputs[free_name(_valid(name), set(found.outputs))] = found.names.get(given, "")
        if given in inputs or "[" in given:
            what = "an input as it is" if given in inputs else f"{given}, another output of that layer than its first"
            found.unread.append(Unread(what=f"output {name!r}, which is {what},", needs="a layer that gives it"))
        first = next(one for one, other in told.outputs if passed.get(other, other) == given)
        if first != name:
            what = f"output {name!r}, the same tensor as output {first!r},"
            found.unread.append(Unread(what=what, needs="a layer of its own for each output"))
    return found


def _tied(op: Op, node: ToldNode, found: Layers) -> Op:
    """Return a layer whose kernel is the table of a layer above it."""
    (table,) = node.tied.values()
    names = [next(iter(one.values()))["name"] for one in found.layers]
    name = found.names.get(table)
    if name in names and "kernel_of" in type(op).model_fields:
        return op.replace(kernel_of=name)
    found.unread.append(_of_another(node))
    return op


def _of_another(node: ToldNode) -> Unread:
    """Return that a layer has a tensor of another one, which stands nowhere in the spec."""
    what = f"{named(node)}, which has a tensor of layer {next(iter(node.tied.values()))!r},"
    return Unread(what=what, place=node.place, needs="an embedding above it, both of them read")


def _firsts_named(told: Told) -> Told:
    """Return a program such that of the calls of one layer the first in the list has the layer's own name."""
    nodes, calls = in_order(told), dict[str, list[str]]()
    for node in nodes:
        calls.setdefault(node.layer, []).append(node.name)
    back = {one: name for every in calls.values() for one, name in zip(every, sorted(every, key=_number), strict=True)}
    return replace(
        told,
        nodes=[
            replace(
                node,
                name=back[node.name],
                layer=back[calls[node.layer][0]],
                reads=[back.get(x, x) for x in node.reads],
                tied={name: back[calls[one][0]] if one in calls else one for name, one in node.tied.items()},
            )
            for node in nodes
        ],
        outputs=[(name, back.get(value, value)) for name, value in told.outputs],
        losses=[replace(one, reads=[back.get(x, x) for x in one.reads]) for one in told.losses],
    )


def _read_by_losses(
    told: Told, laid: Opened, passed: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, list[str]]:  # fmt: skip
    """Return, by output, the layers that a loss reads beside it; what stands within an opaque layer is its own."""
    found: dict[str, list[str]] = {}
    for loss in told.losses:
        read = [laid.kept.get(one, one) for one in loss.reads]
        layers = [names[key] for one in read if (key := passed.get(one, one)) in names]
        found[loss.output] = sorted(set(layers))
    return found


def _number(name: str) -> tuple[int, str]:
    return len(name), name


def in_order(told: Told) -> list[ToldNode]:
    """Return the calls on the way to an output, each behind what it reads, and branches one behind the other."""
    known, found = {node.name: node for node in told.nodes}, dict[str, ToldNode]()
    waiting = [value for _, value in reversed(told.outputs)]
    while waiting:
        name = call_of(waiting[-1])
        node = known.get(name)
        left = (
            [] if node is None else [one for one in node.reads if (key := call_of(one)) in known and key not in found]
        )
        if node is None or name in found or not left:
            waiting.pop()
            if node is not None:
                found.setdefault(name, node)
        else:
            waiting += reversed(left)
    return list(found.values())


def _valid(name: str) -> str:
    """Return a name as a spec can have it."""
    found = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    return found if re.match(r"[A-Za-z]", found) else f"layer_{found}" if found else "layer"


def _input_names(told: Told) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in told.inputs:
        found[one.name] = free_name(_valid(one.name), set(found.values()))
    return found


def _named_ops(kept: Sequence[tuple[ToldNode, Said]], inputs: set[str]) -> list[Op]:
    """Return the layers, each under a name that no other has and that every program can have."""
    ops: list[Op] = []
    taken = set(inputs)
    for node, said in kept:
        name = free_name(_valid(node.name), taken)
        taken.add(name)
        fields = {**said.fields, "name": name}
        ops.append(OPS[said.kind].model_validate(fields if node.trainable else {**fields, "trainable": False}))
    for _ in ops:
        faults = name_faults(ops)
        if not faults:
            break
        for index in faults:
            name = free_name(f"{ops[index].name}_1", taken)
            taken.add(name)
            ops[index] = ops[index].replace(name=name)
    return ops


def _whole_numbers(kept: Sequence[tuple[ToldNode, Said]], told: Told) -> set[str]:
    """Return the inputs that are read as numbers of tokens."""
    readers: Mapping[str, list[Said]] = {one.name: [] for one in told.inputs}
    for node, said in kept:
        for one in node.reads:
            if one in readers:
                readers[one].append(said)
    whole = {one.name for one in told.inputs if one.whole}  # What is opaque is given them as the program has them.
    return {
        name
        for name, every in readers.items()
        if every
        and all(
            OPS[said.kind].reads_dtype == "integer" or (OPS[said.kind].reads_dtype == "any" and name in whole)
            for said in every
        )
    }
