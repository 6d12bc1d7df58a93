"""Which parameter of a hand-written program is which: by the explicit map, by name, else by order and shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from parity.code import Parameter
from parity.compile.program import Program, Weight
from parity.errors import UsageError, did_you_mean, listed
from parity.spec.own_program import OwnProgram
from parity.spec.resolve import Resolved
from parity.tensors import layer_of
from parity.tensors import parameter as parameter_name

Found = Mapping[str, Any]
"""A parameter, buffer or layer of the program, as a driver's ``inventory`` tells it."""


def expanded(side: Resolved, own: OwnProgram, compiled: Program, inventory: Mapping[str, Any]) -> dict[str, str]:
    """Return the explicit map with the parameters of the layers it names; arguments as of :func:`parity.compile.match`.

    Raises:
        UsageError: when it names what is not there.
    """
    parameters, layers = side.parameters(), {layer.name: layer for layer in side.layers()}
    there = [one["path"] for one in (*inventory["parameters"], *inventory["layers"], *inventory.get("holders", ()))]
    layers_there = {one["path"] for one in inventory["layers"]}
    found: dict[str, str] = {}
    for name, path in own.map.items():
        known = [*layers, *parameters]
        if name not in known:
            told = [f"map {name!r}: the spec has no such layer or parameter", did_you_mean(name, known)]
            raise UsageError("; ".join(filter(None, told)))
        tensors: dict[str, str] = {}
        for parameter in layers[name].parameters if name in layers else ():
            own_name = compiled.bindings.weights[parameter_name(name, parameter)].attribute
            # As the compiled program would have it, if the layer had that name: where variables are no module's.
            called = f"{path}{own_name.removeprefix(name)}" if own_name.startswith(name) else ""
            for candidate in (called, f"{path}.{own_name.rpartition('.')[2]}", f"{path}.{parameter}"):
                if candidate in there:
                    tensors.setdefault(parameter_name(name, parameter), candidate)
        if name in parameters and path in layers_there:  # The module that it lies in.
            own_name = compiled.bindings.weights[name].attribute.rpartition(".")[2]
            inside = [f"{path}.{one}" for one in (own_name, name.rpartition(".")[2], "kernel")]
            path = next((one for one in inside if one in there), path)
        if path in there:
            found[name] = path
        elif not tensors:
            told = [f"map {name}: {own.shown} has no {path!r}", listed(there, 30), did_you_mean(path, there)]
            raise UsageError("; ".join(filter(None, told)))
        found |= {name: one for name, one in tensors.items() if name not in found}
    return found


def weights_of(
    side: Resolved,
    mapped: Mapping[str, str],
    compiled: Program,
    parameters: Sequence[Found],
    own: OwnProgram,
    *,
    called: bool = False,
) -> tuple[dict[str, Weight], list[str], list[Found]]:
    """Return where each canonical parameter is in the program, those it does not have, and those it has beyond them.

    Names go before the order. Where that is the order in which modules are called, and names cross it while it fits
    everything without them, they do not: a program may count its layers from another number than the spec.

    Args:
        side: whose config it is meant to be.
        mapped: what the explicit map says, its layers' parameters included.
        compiled: the program that the config compiles to.
        parameters: of the program, in order.
        own: the program.
        called: their order is that of the calls.

    Raises:
        UsageError: when the map names what does not fit.
    """
    named = _taken(side, mapped, compiled, parameters, own, by_name=True)
    places = [str(one["path"]) for one in parameters]
    # Of branches each may be called first, whatever the order of the list: there names say more than calls.
    if called and side.graph.is_chain and not _in_order(named[0], places):
        ordered = _taken(side, mapped, compiled, parameters, own, by_name=False)
        if _in_order(ordered[0], places) and len(ordered[0]) >= len(named[0]):
            return ordered
    return named


def _in_order(weights: Mapping[str, Weight], paths: Sequence[str]) -> bool:
    """Return whether the modules that the spec's layers are matched to stand in the program in the spec's order."""
    found = [paths.index(place.attribute) for place in weights.values() if place.trainable]
    layers = [layer_of(name) for name, place in weights.items() if place.trainable]
    firsts = {layer: min(at for at, one in zip(found, layers, strict=True) if one == layer) for layer in layers}
    return list(firsts.values()) == sorted(firsts.values())


def _taken(
    side: Resolved,
    mapped: Mapping[str, str],
    compiled: Program,
    parameters: Sequence[Found],
    own: OwnProgram,
    *,
    by_name: bool,
) -> tuple[dict[str, Weight], list[str], list[Found]]:
    left = {one["path"]: one for one in parameters}
    weights: dict[str, Weight] = {}
    wanted = side.parameters()

    def take(name: str, paths: Iterator[str]) -> None:
        if compiled.bindings.weights[name].beside:
            found = _several(compiled.bindings.weights[name], wanted[name], left, list(paths))
            if found is not None:
                weights[name] = found
                for path in (found.attribute, *found.beside):
                    del left[path]
                return
        places = [
            (path, place)
            for path in paths
            if (place := _place(compiled.bindings.weights[name], wanted[name].shape, left[path])) is not None
            and wanted[name].trainable >= left[path]["trainable"]
        ]
        if places:
            path, place = min(places, key=lambda one: one[1].lies is not None)  # With the very axes before others.
            weights[name] = replace(place, attribute=path, trainable=wanted[name].trainable)
            del left[path]

    for name in (one for one in wanted if one in mapped):
        take(name, iter([mapped[name]] if mapped[name] in left else []))
        if name in own.map and name not in weights:
            raise UsageError(_misfit(name, own, wanted[name], left, parameters))
    for name in wanted:
        if by_name and name not in weights:
            names = _names(name, compiled)
            # A layer of a block may lie in the block: res_1_conv.weight in res_1.conv.weight.
            flat = {one.replace(".", "_") for one in names}
            alike = [path for path in left if path.replace(".", "_") in flat]
            take(name, iter(sorted(alike, key=lambda path: path not in names)))
    for name in wanted:
        if name not in weights:
            # A layer's parameters come from one module: beside those of it that are matched, before any other.
            layer = layer_of(name)
            homes = {place.attribute.rpartition(".")[0] for one, place in weights.items() if layer_of(one) == layer}
            alike = sorted(
                left,
                key=lambda path: (
                    bool(left[path]["trainable"]) is not wanted[name].trainable,
                    bool(homes - {""}) and path.rpartition(".")[0] not in homes,
                ),
            )
            take(name, iter(alike))
    return (
        {name: weights[name] for name in wanted if name in weights},
        [name for name in wanted if name not in weights],
        list(left.values()),
    )


def as_called(parameters: Sequence[Found], called: Sequence[str] | None) -> Sequence[Found] | None:
    """Return parameters in the order in which the modules that own them are called; None unless each has such one."""
    order = {path: number for number, path in reversed(list(enumerate(called or ())))}
    owners = [str(one["path"]).rpartition(".")[0] for one in parameters]
    # What a layer keeps in a layer of its own, as Keras's recurrent ones do in a cell, is its.
    owners = [owner if owner in order else owner.partition(".")[0] for owner in owners]
    if not parameters or any(owner not in order for owner in owners):
        return None
    return [one for _, one in sorted(zip(owners, parameters, strict=True), key=lambda pair: order[pair[0]])]


def either_way(
    side: Resolved, weights: Mapping[str, Weight], layers: Sequence[Found], parameters: Sequence[Found] = ()
) -> list[str]:
    """Return the kernels that fit their places either way: square, and not known to lie in one."""
    known = {one["path"] for one in layers if one.get("known")}
    told = {one["path"] for one in parameters if one.get("canonical")}
    return [
        name
        for name, parameter in side.parameters().items()
        if name in weights and len(parameter.shape) == 2 and parameter.shape[0] == parameter.shape[1] > 1
        and weights[name].attribute.rpartition(".")[0] not in known and weights[name].attribute not in told
    ]  # fmt: skip


def _misfit(
    name: str, own: OwnProgram, wanted: Parameter, left: Mapping[str, Found], parameters: Sequence[Found]
) -> str:
    """Return why a parameter cannot be what the map says it is."""
    path, kind = own.map[name], "" if wanted.trainable else ", a running statistic,"
    shape = next((tuple(one["shape"]) for one in parameters if one["path"] == path), None)
    if shape is None:
        why = "is no parameter"
    else:
        why = f"has shape {shape}" if path in left else f"has shape {shape} and is mapped already"
    return f"map {name}: {path} of {own.shown} {why}; it cannot be {name}{kind} of shape {wanted.shape}"


def _names(name: str, compiled: Program) -> set[str]:
    """Return what a program might call a parameter, if it names it as the spec does."""
    layer, _, parameter = name.rpartition(".")
    return {compiled.bindings.weights[name].attribute, name, f"{layer}_{parameter}"}


def _several(
    expected: Weight, wanted: Parameter, left: Mapping[str, Found], paths: Sequence[str]
) -> Weight | None:  # fmt: skip
    """Return the tensors of one module that a parameter is kept in, called as the framework's own calls them."""
    first, *rest = (one.rpartition(".")[2] for one in (expected.attribute, *expected.beside))
    for path in paths or list(left):
        home, _, leaf = path.rpartition(".")
        others = tuple(f"{home}.{one}" if home else one for one in rest)
        shapes = [tuple(left[one]["shape"]) for one in (path, *others) if one in left]
        if leaf == first and shapes == [wanted.shape[1:]] * (1 + len(rest)):
            return replace(expected, attribute=path, beside=others, trainable=wanted.trainable)
    return None


def _place(expected: Weight, shape: Sequence[int], found: Found) -> Weight | None:
    """Return how a parameter lies that has the expected shape, or the canonical one; None where it has neither.

    Axes of length one may be more or fewer: a bias of (1, n), a dense layer written as a convolution of one cell.
    """
    own = expected.attribute.split(".")[-2:]
    if expected.lies is not None and found["path"].split(".")[-2:] == own and prod(found["shape"]) == prod(shape):
        return expected  # As the framework's own layer keeps it: an attention has an axis of heads.
    # The last is how somebody else's framework has it: a raw TensorFlow kernel of (out, in).
    every = (None,) if found.get("canonical") else (expected.axes, None, (1, 0))
    for axes in every if len(shape) == 2 else (expected.axes, None):
        laid = tuple(shape[axis] for axis in axes) if axes else tuple(shape)
        if tuple(found["shape"]) == laid:
            return Weight(attribute="", axes=axes, blocks=expected.blocks if axes == expected.axes else None)
    for axes in (expected.axes, None):
        laid = tuple(shape[axis] for axis in axes) if axes else tuple(shape)
        if [size for size in found["shape"] if size != 1] == [size for size in laid if size != 1]:
            return Weight(attribute="", axes=axes, lies=laid)
    return None
