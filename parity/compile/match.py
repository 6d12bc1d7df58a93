"""Matching a hand-written program to a config: which of its tensors is which, and where its layers can be seen.

Parameters are matched by the explicit map, then by name, then by order and shape. A hand-written program may apply its
activations and reshapes as functions, which nothing can watch; what a layer puts out is therefore seen where the next
layer that is a module takes it in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from parity.activations import Activation
from parity.activations.linear import Linear
from parity.catalog import OPTIMIZERS
from parity.code import Site, Slot
from parity.compile.features import Features, features_of
from parity.compile.layout import arguments_of
from parity.compile.module_places import module_places
from parity.compile.predictions import LOGITS, answer_of, behind_opaque, spoken_by
from parity.compile.program import Bindings, Output, Program, Weight, to_last
from parity.compile.weights import Found, as_called, either_way, expanded, weights_of
from parity.errors import UsageError, did_you_mean
from parity.frameworks import frameworks, part_of
from parity.regularizers.l2 import L2
from parity.spec.graph import Layer
from parity.spec.own_program import OwnProgram
from parity.spec.resolve import Resolved
from parity.tensors import PROBABILITIES, itself, output
from parity.tensors import parameter as parameter_name


@dataclass(kw_only=True)
class Match:
    """What was matched.

    Args:
        bindings: of the program.
        unmatched: in words, what was not.
        missing: canonical parameters that the program does not have.
        extras: parameters and buffers of the program that the spec has none like.
        either_way: kernels that fit their places as they are and transposed.
    """

    bindings: Bindings
    unmatched: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    extras: list[Found] = field(default_factory=list)
    either_way: list[str] = field(default_factory=list)


def match(side: Resolved, own: OwnProgram, compiled: Program, inventory: Mapping[str, Any]) -> Match:
    """Return the bindings of a hand-written program.

    Args:
        side: whose config it is meant to be.
        own: the program.
        compiled: the program that the config compiles to, whose layouts it is expected to have.
        inventory: of its parameters, layers and optimizer, as a driver tells it.

    Raises:
        UsageError: when the explicit map names what is not there.
    """
    mapped, file = expanded(side, own, compiled, inventory), Path(own.shown).name
    ordered = as_called(inventory["parameters"], inventory.get("called"))
    weights, missing, extras = weights_of(
        side, mapped, compiled, ordered or inventory["parameters"], own, called=ordered is not None
    )
    outputs = _outputs(side, own, mapped, weights, compiled, inventory)
    features = _features(side, own)
    weights |= {name: replace(weights[name], counted=shape) for name, shape in features.weights.items()
                if name in weights}  # fmt: skip
    outputs |= {name: replace(one, counted=features.layers[itself(name)]) for name, one in outputs.items()
                if itself(name) in features.layers}  # fmt: skip
    slots, lost = _slots(side, compiled, inventory)
    unmatched = [f"{name} (weights): {file} has no such parameter" for name in missing]
    unmatched += [f"optimizer slot {slot}: not found in {file}, which keeps its own" for slot in lost]
    drawn = [(one.shape, features.layers.get(layer.name, ())) for layer in side.drawing() for one in layer.drawn]
    bindings = replace(
        compiled.bindings, weights=weights, outputs=outputs, slots=slots, names=dict(own.names),
        mask_shapes=tuple(shape for shape, _ in drawn), ending=None, inputs=compiled.bindings.inputs,
        mask_counted=tuple(one for _, one in drawn) if features.layers else (),
        input=own.row or side.config.model.row,
        output=None if side.outputs else side.last.output_shape, in_order=bool(inventory.get("in_order")),
        heads=tuple(replace(head, ending=None) for head in compiled.bindings.heads),
        masks_ignored=own.masks_ignored, decays=decays_of(side) if own.l2_in_optimizer else {},
    ).answering({name: answer_of(one, inventory, name) for name, one in side.views.items()})  # fmt: skip
    seen = {itself(name) for name in outputs}
    unmatched += [
        f"output of layer {one.name}: cannot be seen in {file}" for one in side.layers() if one.name not in seen
    ]
    return Match(
        bindings=bindings, unmatched=unmatched, missing=missing, extras=extras,
        either_way=either_way(side, weights, inventory["layers"], inventory["parameters"]),
    )  # fmt: skip


def decays_of(side: Resolved) -> dict[str, float]:
    """Return the weight decay that l2 penalties of a side come to: factor sum(w^2) adds 2 factor w to a gradient."""
    every = {name: one.regularizer for name, one in side.parameters().items() if one.trainable}
    return {name: 2.0 * one.factor for name, one in every.items() if isinstance(one, L2)}


def _features(side: Resolved, own: OwnProgram) -> Features:
    """Return what of a program has its features with the channels first.

    Raises:
        UsageError: when a layer that is said to give them does not, or what reads them needs them in one order.
    """
    for name in own.channels_first:
        if name not in side.graph.by_name:
            told = [f"channels_first: the spec has no layer {name!r}", did_you_mean(name, list(side.graph.by_name))]
            raise UsageError("; ".join(filter(None, told)))
    try:
        return features_of(side.graph, own.channels_first)
    except ValueError as error:
        raise UsageError(f"channels_first: {error}; expected a flatten that dense layers read") from None


def _outputs(
    side: Resolved,
    own: OwnProgram,
    mapped: Mapping[str, str],
    weights: Mapping[str, Weight],
    compiled: Program,
    inventory: Mapping[str, Any],
) -> dict[str, Output]:
    """Return where each layer's output is seen.

    By name; else at the layer's own module, where the spec has no activation behind it; else where the next matched
    layer takes it in; else at its own module, with the activation that the program applies behind it as a function; of
    the last layer, else what the model returns. What is called twice in a step, or never, is no layer of the spec's.
    """
    layers, called = inventory["layers"], inventory.get("called")
    if called is not None:
        known = {one["path"]: one for one in layers}
        layers = [known[path] for path in called if called.count(path) == 1 and path in known]
    there = {one["path"]: one["kind"] for one in layers}
    plain = {one["path"] for one in layers if one.get("plain")}
    by_name = _by_name(side, own, mapped, there, plain, compiled)
    for name in behind_opaque(side) & set(by_name):
        by_name[name] = replace(by_name[name], point="logits")
    last, ends = side.last, _ends(side)
    alone = len(ends) == 1
    by_name = {name: one for name, one in by_name.items() if name != last.name or not _ends_otherwise(side, inventory)}
    if not frameworks()[side.framework].sees_inputs:  # Methods are seen by name only.
        whole = alone and last.name not in by_name
        return by_name | _whole(side, compiled, inventory) if whole else by_name
    # What is opaque computes nothing that is not in it: its output is what the program's own layer puts out.
    opaque = {one.name: mapped[one.name] for one in side.layers() if one.op.at_home and one.name in mapped}
    found = {name: Output(attribute=path, shape=side.graph.by_name[name].output_shape) for name, path in opaque.items()}
    found, places = by_name | found, module_places(side, mapped, weights, there) | opaque
    ordered = side.layers()
    for one in ordered:
        if one.op.partly and places.get(one.name) in plain:
            del places[one.name]
    whole_in = {one.name for one in ordered if one.name in places and one.name not in own.padded}
    put_out = {one.name for one in ordered if places.get(one.name) in plain and one.name not in own.cut}
    inner = [layer for layer in ordered if layer.name not in ends]
    for layer in inner:  # Of a framework's own layer that nothing is applied behind, its output is the layer's.
        if layer.name not in found and layer.name in put_out and not _activates(layer, side):
            found[layer.name] = _put_out(layer, places[layer.name], side.framework, compiled)
    for before in ordered:
        readers = side.graph.readers(before.name)
        for after in readers:
            # What reads several, or is called again, does not show which of them it takes in; and one reader of several
            # shows what goes back through itself, which is not the whole gradient.
            single = len(readers) == len(after.reads) == 1 and after.owner not in side.graph.shared
            if before.name not in found and after.name in whole_in and single and _whole_there(after, places, weights):
                found[before.name] = _taken_in(before, after, places[after.name], side.framework, compiled)
    for layer in inner:
        if layer.name not in found and layer.name in put_out:
            found[layer.name] = _put_out(layer, places[layer.name], side.framework, compiled)
    for layer in ordered if not alone else ():  # Of several outputs, where its own module computes no more than that.
        point = compiled.bindings.outputs[layer.name].point
        bare = point == "logits" or _behind(layer) is None
        if layer.name in ends and layer.name not in found and layer.name in put_out and bare:
            seen = _put_out(layer, places[layer.name], side.framework, compiled)
            found[layer.name] = replace(seen, point=point, then=None)
    if alone and last.name not in found:
        found |= _whole(side, compiled, inventory)
    names = {itself(name): name for name in found}
    return {names[layer.name]: found[names[layer.name]] for layer in ordered if layer.name in names}


def _by_name(
    side: Resolved, own: OwnProgram, mapped: Mapping[str, str], there: Mapping[str, str], plain: Collection[str],
    compiled: Program,
) -> dict[str, Output]:  # fmt: skip
    """Return the outputs of layers that the program has under the name that the compiled one gives them."""
    return {
        name: replace(output, shape=layer.output_shape)
        for layer in side.layers()
        for name, output in [(layer.name, compiled.bindings.outputs[layer.name])]
        if output.attribute in there
        and name not in mapped
        and name not in own.cut
        and not (layer.op.partly and output.attribute in plain)
        # A Keras layer that applies no activation where the spec's does: it stands in a layer behind it.
        and not (output.attribute == layer.name and output.attribute in plain and _activates(layer, side))
    }


def _ends_otherwise(side: Resolved, inventory: Mapping[str, Any]) -> bool:
    """Return whether a program's model gives no logits, where the spec's does: its last layer activates them."""
    spoken = None if side.outputs else spoken_by(side)
    told = inventory.get("trains", {}).get("")
    return spoken is not None and spoken.predicted == LOGITS and told not in (None, LOGITS)


def _whole_there(layer: Layer, places: Mapping[str, str], weights: Mapping[str, Weight]) -> bool:
    """Return whether all that a layer keeps lies in its module, which then takes in what the layer reads."""
    kept = [weights[name] for one in layer.parameters if (name := parameter_name(layer.name, one)) in weights]
    return all(one.attribute.startswith(f"{places[layer.name]}.") for one in kept)


def _activates(layer: Layer, side: Resolved) -> bool:
    """Return whether a layer of the spec ends in an activation; that of an output the loss may apply."""
    return _behind(layer) is not None and layer.name not in _ends(side)


def _ends(side: Resolved) -> set[str]:
    """Return the layers that give the outputs."""
    return {value.name for value in side.graph.outputs}


def _behind(layer: Layer) -> Activation | None:
    """Return the activation that a layer applies to what it computes; None for one that is nothing else, or linear."""
    ending = layer.op.ending() if layer.parameters else None
    return None if ending is None or isinstance(ending, Linear) else ending


def _site(layer: Layer, framework: str) -> Site:
    """Return where a layer stands in a program of which no more is known than its framework."""
    shapes = tuple(value.shape for value in layer.reads)
    return Site(name=layer.name, input_shape=layer.input_shape, input_shapes=shapes, arguments=arguments_of(layer),
                framework=framework)  # fmt: skip


def _taken_in(before: Layer, after: Layer, path: str, framework: str, compiled: Program) -> Output:
    """Return a layer's output as what the layer after it, a module of the program's, takes in."""
    site, rank = _site(after, framework), len(before.output_shape)
    axes = _axes(after.op.template(framework)(site).reads, rank, before.name, compiled)
    return Output(attribute=path, axes=axes, point="input", shape=before.output_shape)


def _axes(layout: str, rank: int, name: str, compiled: Program) -> tuple[int, ...] | None:
    """Return the permutation that makes a tensor canonical, where its shape does not tell.

    Args:
        layout: that the layer has it in; one that does not care has it as the compiled program does.
        rank: of a row.
        name: of the layer that gives it.
        compiled: the program that the config compiles to.
    """
    if layout == "any" and rank > 1:
        every = compiled.bindings.outputs.items()
        return next((one.axes for key, one in every if itself(key) == name), None)
    return to_last(rank) if layout == "to_first" and rank > 1 else None


def _put_out(layer: Layer, path: str, framework: str, compiled: Program) -> Output:
    """Return a layer's output as what its own module puts out, with the activation that stands behind it."""
    site = _site(layer, framework)
    code, rank = layer.op.template(framework)(site), len(layer.output_shape)
    behind = _behind(layer)
    then = None
    if behind is not None:
        then = part_of(framework, "emit").applied(behind, 1 if rank > 1 and code.writes == "to_first" else -1)
    return Output(
        attribute=path, axes=_axes(code.writes, rank, layer.name, compiled), shape=layer.output_shape, then=then,
        part=getattr(code, "part", ()),
    )  # fmt: skip


def _whole(side: Resolved, compiled: Program, inventory: Mapping[str, Any]) -> dict[str, Output]:
    """Return the last layer's output as what the model itself returns, which may be another form of the spec's."""
    last, spoken = side.last, spoken_by(side)
    point = compiled.bindings.outputs[last.name].point
    whole = Output(attribute="", point=point, shape=last.output_shape)
    told = inventory.get("trains", {}).get("")
    if spoken is None or told is None or told == spoken.tapped == LOGITS:
        return {last.name: whole}
    return {output(last.name, form=PROBABILITIES): replace(whole, point="output", meaning=told, ending=spoken.ending)}


def _slots(
    side: Resolved, compiled: Program, inventory: Mapping[str, Any]
) -> tuple[dict[str, tuple[str, float]], list[str]]:  # fmt: skip
    """Return where the optimizer keeps its slots, and the canonical ones that were not found."""
    optimizer, known = side.config.optimizer, compiled.bindings.slots
    of, there = inventory.get("optimizer_of", side.framework), inventory["attributes"]
    own = optimizer.part(of)
    # A rule and its variants (Adam, AdamW) keep the same slots in the same places.
    related = [one for one in OPTIMIZERS.values() if issubclass(one, type(optimizer)) or isinstance(optimizer, one)]
    parts = [part.title for one in related if (part := one.part(of)) is not None]
    if own is None:
        places = {name: Slot(attribute=attribute, scale=scale) for name, (attribute, scale) in known.items()}
    else:  # Where its attributes are not told, its class says what they are.
        known_class = bool(there) or inventory["optimizer"] in parts
        places = own.kept(optimizer.slots(), inventory["learning_rate"]) if known_class else {}
    found = {
        name: (slot.attribute, slot.scale) for name, slot in places.items() if not there or slot.attribute in there
    }
    return found, [name for name in optimizer.slots() if name not in found]
