"""What no entry reads: it keeps its place as an opaque layer, and is never guessed.

Of a layer of the program's own in which something is not read, the innermost call is kept whole that gives one tensor.
A function that is not read is kept with the functions around it, as far as the next layers: a program shows what its
layers give, and not what is computed between them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from parity.at_home import pointed_at
from parity.catalog import OPS
from parity.free_names import free_name
from parity.ops import Op
from parity.ops.opaque import Opaque
from parity.reading.entries_of import checked, entry_of, reader_of, shown_word
from parity.reading.odd import Passing, Said
from parity.reading.unread import NoEntryError, Unread, named
from parity.run.told import OWN, Told, ToldCall, ToldNode, call_of


@dataclass(kw_only=True)
class Opened:
    """A program's calls as the layers that they are.

    Args:
        told: the program, what is opaque as one call each.
        said: of each call, the layer that it is.
        unread: what is not even opaque.
        kept: of values that are no more, the call that gives them now, or that they are within.
    """

    told: Told
    said: dict[str, Said | Passing] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)


def opened(told: Told) -> Opened:
    """Return the layers that a program's calls are, opaque where no entry is one."""
    said, faults = dict[str, Said | Passing](), dict[str, str]()
    for node in told.nodes:
        try:
            said[node.name] = said_of(node, told.framework)
        except NoEntryError as error:
            faults[node.name] = str(error)
    found = Opened(told=told, said=said)
    if faults and not reader_of(told.framework).opaque:
        known = {node.name: node for node in told.nodes}
        found.unread = [
            Unread(what=named(known[name]), place=known[name].place, needs=needs) for name, needs in faults.items()
        ]
    elif faults:
        _close_calls(found, faults)
        _close_functions(found, faults)
        _close_nodes(found, faults)
    return found


def said_of(node: ToldNode, framework: str) -> Said | Passing:
    """Return a call as the layer that it is.

    Raises:
        NoEntryError: when it is none.
    """
    odd = reader_of(framework).odd(node)
    if odd is not None:
        if isinstance(odd, Said):
            checked(OPS[odd.kind], odd.fields)
        return odd
    if node.called:
        name, value = next(iter(node.called.items()))
        raise NoEntryError(f"a field that says that it is called with {name}={shown_word(value)}")
    word = {"part": node.part, "arguments": node.arguments, "own": node.own}
    ((kind, fields),) = entry_of(word, framework, "op").items()
    return Said(kind, fields)


def _given(told: Told, inside: Collection[str]) -> list[str]:
    """Return the values of some calls that others read, or that are outputs."""
    wanted = [one for node in told.nodes if node.name not in inside for one in node.reads]
    wanted += [value for _, value in told.outputs]
    return list(dict.fromkeys(one for one in wanted if call_of(one) in inside))


def _alone(told: Told, inside: Collection[str]) -> bool:
    """Return whether calls stand together: they give one tensor, and nothing they read is made of it."""
    if len(_given(told, inside)) != 1:
        return False
    behind = set(inside)
    known = {node.name: node for node in told.nodes}
    read = [call_of(one) for name in inside for one in known[name].reads]
    waiting, met = [one for one in read if one in known and one not in inside], set[str]()
    while waiting:
        name = waiting.pop()
        if name in behind:
            return False
        if name not in met:
            met.add(name)
            waiting += [call_of(one) for one in known[name].reads if call_of(one) in known]
    return True


def _close_calls(found: Opened, faults: dict[str, str]) -> None:
    """Keep whole each layer of the program's own in which something is not read."""
    calls = {one.name: one for one in found.told.calls}
    wanted: dict[str, str] = {}  # Of a call, the first that is not read in it.
    for name in faults:
        node = next(one for one in found.told.nodes if one.name == name)
        if not node.function and _is_one(found.told, node):
            continue  # It is opaque by itself.
        for within in reversed(node.within):
            inside = [one.name for one in found.told.nodes if within in one.within]
            if within in calls and _alone(found.told, inside):
                wanted.setdefault(within, name)
                break
    outer = {one for one in wanted if not any(
        other != one and any({one, other} <= set(node.within) and node.within.index(other) < node.within.index(one)
                             for node in found.told.nodes) for other in wanted)}  # fmt: skip
    for within in outer:
        every = [one for one in found.told.nodes if within in one.within]
        reasons = {one.name: faults[one.name] for one in every if one.name in faults}
        _replace(found, faults, every, calls[within], reasons)


def _close_functions(found: Opened, faults: dict[str, str]) -> None:
    """Keep each function that is not read with the functions around it, as one."""
    for name in list(faults):
        known = {node.name: node for node in found.told.nodes}
        if name not in known or not known[name].function:
            continue
        around = _around(known, name)
        inside = next((one for one in (around, {name}) if _alone(found.told, one)), None)
        if inside is None or (len(inside) == 1 and _given(found.told, inside) != [name]):
            continue
        every = [node for node in found.told.nodes if node.name in inside]
        reasons = {one.name: faults[one.name] for one in every if one.name in faults}
        parts = dict.fromkeys(known[one].part for one in reasons)
        places = [known[one].place for one in reasons if known[one].place]
        drawn = [known[one.name].random for one in every]
        call = ToldCall(
            name="", part=", ".join(parts), label=name, gives=[], place=places[0] if places else "", path="",
            random=OWN if OWN in drawn else [one for each in drawn for one in each],
        )  # fmt: skip
        _replace(found, faults, every, call, reasons)


def _around(known: Mapping[str, ToldNode], name: str) -> set[str]:
    """Return the functions that are joined with one by nothing but functions."""
    found, waiting = set[str](), [name]
    while waiting:
        one = waiting.pop()
        if one in found or one not in known or not known[one].function:
            continue
        found.add(one)
        waiting += [call_of(read) for read in known[one].reads]
        waiting += [node.name for node in known.values() if one in map(call_of, node.reads)]
    return found


def _close_nodes(found: Opened, faults: dict[str, str]) -> None:
    """Keep a single layer that no entry is; what gives several tensors, or is called again, is not read at all."""
    for node in [one for one in found.told.nodes if one.name in faults]:
        needs = faults[node.name]
        if not _is_one(found.told, node):
            found.unread.append(Unread(what=named(node), place=node.place, needs=needs))
            continue
        told = [f"{needs}; {node.why}" if node.why else needs]
        found.said[node.name] = _opaque(node, node.part, told, node.tensors, node.random)


def _is_one(told: Told, node: ToldNode) -> bool:
    """Return whether a call can be opaque by itself: called once, of tensors, and giving one of known sizes."""
    shared = node.layer != node.name or sum(one.layer == node.layer for one in told.nodes) > 1
    several = [one for one in _given(told, {node.name}) if one != node.name]
    return not shared and not several and bool(node.reads) and None not in node.shape


def _replace(
    found: Opened, faults: dict[str, str], inside: Sequence[ToldNode], call: ToldCall, reasons: Mapping[str, str]
) -> None:  # fmt: skip
    """Put one opaque call in the place of several."""
    told, names = found.told, {one.name for one in inside}
    (value,) = _given(told, names)
    known = {one.name: one for one in told.nodes}
    last = known[call_of(value)]
    reads = list(dict.fromkeys(one for node in inside for one in node.reads if call_of(one) not in names))
    shapes = {one: shape for node in inside for one, shape in zip(node.reads, node.read_shapes, strict=True)}
    shape = last.shape if value == last.name else next(
        shape for node in told.nodes for one, shape in zip(node.reads, node.read_shapes, strict=True) if one == value
    )  # fmt: skip
    for one in names:
        faults.pop(one, None)
        found.said.pop(one, None)
    again = bool(call.tensors) and sum(one.label == call.label for one in told.calls) > 1
    owned = {one.layer for one in inside if not one.function}
    again |= any(one.layer in owned for one in told.nodes if one.name not in names)
    if not reads or None in shape or again:
        what = f"{call.label!r} ({call.part})"
        found.unread.append(Unread(what=what, place=call.place, needs=next(iter(reasons.values()), "")))
    name = free_name(call.label, {one.name for one in told.nodes if one.name not in names} | _input_names(told))
    node = ToldNode(
        name=name, part=call.part, reads=reads, shape=shape, read_shapes=[shapes[one] for one in reads], layer=name,
        place=call.place, path=call.path, tensors=call.tensors, random=call.random, groups=call.groups,
        trainable=any(one.trainable for one in inside),
    )  # fmt: skip
    found.said[name] = _opaque(node, call.part, list(reasons.values()), call.tensors, call.random)
    nodes: list[ToldNode] = []
    for other in told.nodes:
        if other is last:
            nodes.append(node)
        if other.name not in names:
            nodes.append(replace(other, reads=[name if read == value else read for read in other.reads]))
    outputs = [(output, name if one == value else one) for output, one in told.outputs]
    found.told = replace(told, nodes=nodes, outputs=outputs)
    found.kept |= dict.fromkeys(names, name) | {value: name}


def _input_names(told: Told) -> set[str]:
    return {one.name for one in told.inputs}


def _opaque(node: ToldNode, what: str, needs: Iterable[str], tensors: Mapping[str, Any], random: Any) -> Said:
    fields: dict[str, Any] = {"what": what, "shape": node.shape, "place": node.place}
    fields |= {
        "needs": "; ".join(dict.fromkeys(needs)),
        "tensors": [{"name": name, "shape": one} for name, one in tensors.items()],
        "random": random,
    }
    # Of a row of one number the shape is empty, and is said.
    return Said("opaque", {key: one for key, one in fields.items() if key == "shape" or one not in ("", [], {})})


def opaque_parts(layers: Sequence[Any], losses: Mapping[str, Any]) -> dict[str, str]:
    """Return what is opaque of a spec, as a person would point at it, and what stands in the way of reading it.

    Args:
        layers: as a spec has them.
        losses: of each output, as a spec has it.
    """
    every = [(f"layer {one['opaque']['name']!r}", one["opaque"]) for one in layers if is_opaque(one)]
    every += [(f"the loss of {name}" if name else "the loss", one["opaque"]) for name, one in losses.items()
              if is_opaque(one)]  # fmt: skip
    found = {}
    for who, fields in every:
        place = fields.get("place", "")
        needs = f"; reading it would take {fields['needs']}" if fields.get("needs") else ""
        draws = ", which draws random numbers that nothing deals to it" if fields.get("random") == OWN else ""
        told = f"{who}, {pointed_at(fields['what'], place)}"
        found[f"{who} of {place}" if place else who] = f"Opaque: {told}{draws}{needs}."
    return found


def is_opaque(one: Any) -> bool:
    """Return whether a layer or a loss is opaque, as a spec has it."""
    return isinstance(one, Mapping) and "opaque" in one


def renamed(losses: Any, names: Mapping[str, str]) -> Any:
    """Return a loss, or those of several outputs, with other names for the layers that it reads beside the output."""
    if not isinstance(losses, Mapping):
        return losses
    if not is_opaque(losses):
        return {name: renamed(one, names) for name, one in losses.items()} if len(losses) > 1 else losses
    fields = losses["opaque"]
    reads = {"reads": sorted(names[one] for one in fields["reads"])} if "reads" in fields else {}
    return {"opaque": {**fields, **reads}}


def read_by_losses(losses: Any) -> list[str]:
    """Return the layers that opaque losses read, of a spec's loss or losses."""
    if not isinstance(losses, Mapping):
        return []
    if "opaque" in losses:
        return list(losses["opaque"].get("reads", ()))
    return [name for one in losses.values() for name in read_by_losses(one)]


def as_ordered(op: Op, others: Sequence[Op]) -> Op:
    """Return an opaque layer that reads what the other program's does in that one's order, which says nothing."""
    other = next((one for one in others if one.name == op.name and isinstance(one, Opaque)), None)
    same = other is not None and sorted(op.said_inputs or ()) == sorted(other.said_inputs or ())
    return op.replace(inputs=other.inputs) if same and other is not None and isinstance(op, Opaque) else op


def aligned(models: Sequence[Sequence[Op]], losses: Sequence[Any], names: Sequence[str]) -> list[str]:
    """Return what is to be said of the opaque parts of two programs that stand for each other: a sentence each.

    Args:
        models: layers of both, those that stand for each other under one name.
        losses: of both, as a spec has them.
        names: of the sides.
    """
    first, second = ({str(op.name): op for op in layers if isinstance(op, Opaque)} for layers in models)
    found = []
    for name, one in first.items():
        other = second.get(name)
        if other is None:
            continue
        told = f"Layer {name!r} is opaque in both: {one.pointed_at} and {other.pointed_at}; it is compared as a whole"
        sizes = [sorted(sorted(size for size in one.shape if size != 1) for one in op.tensors)
                 for op in (one, other)]  # fmt: skip
        if sizes[0] != sizes[1]:
            told += f". They keep other parameters: {_kept(one)} in {names[0]}, {_kept(other)} in {names[1]}"
        found.append(f"{told}.")
    parts = [one["opaque"] for one in losses if is_opaque(one)]
    if len(parts) == 2:
        places = [pointed_at(one["what"], one.get("place", "")) for one in parts]
        found.append(f"The loss is opaque in both: {' and '.join(places)}; it is compared as a whole.")
    return found


def _kept(op: Opaque) -> str:
    return ", ".join(f"{one.name} {list(one.shape)}" for one in op.tensors) or "none"
