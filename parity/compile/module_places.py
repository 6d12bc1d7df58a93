"""Which module of a hand-written program is which layer of a config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parity.catalog import ACTIVATIONS
from parity.compile.program import Weight
from parity.entries import Entry
from parity.spec.graph import Layer
from parity.spec.resolve import Resolved
from parity.tensors import parameter as parameter_name


def module_places(
    side: Resolved, mapped: Mapping[str, str], weights: Mapping[str, Weight], there: Mapping[str, str]
) -> dict[str, str]:
    """Return the module of each layer: by the map, by the parameters it owns, else by name, else by order and kind.

    Args:
        side: whose config a program is meant to be.
        mapped: what the explicit map says, its layers' parameters included.
        weights: where its parameters are.
        there: the program's layers, by their paths, and their classes.
    """
    found: dict[str, str] = {}
    for layer in side.layers():
        owned = [weights[parameter_name(layer.name, name)].attribute.rpartition(".")[0] for name in layer.parameters
                 if parameter_name(layer.name, name) in weights]  # fmt: skip
        inside = (path.partition(".")[0] for path in owned)  # Of what is kept in a layer in the layer.
        for path in (mapped.get(layer.name), *owned, layer.name, *inside):
            if path is not None and path in there:
                found.setdefault(layer.name, path)
    paths, free = list(there), [path for path in there if path not in found.values()]
    for layer in (one for one in side.layers() if one.name not in found):
        bounds = _between(layer, side.layers(), found, paths)
        kinds = _kinds(layer)
        match_ = next(
            (path for path in free if there[path] in kinds and bounds[0] < paths.index(path) < bounds[1]), None
        )
        if match_ is not None:
            found[layer.name] = match_
            free.remove(match_)
    return found


def _between(
    layer: Layer, layers: Sequence[Layer], found: Mapping[str, str], paths: Sequence[str]
) -> tuple[int, int]:  # fmt: skip
    """Return the places of the matched neighbours, between which a layer without parameters must stand."""
    names = [one.name for one in layers]
    at = names.index(layer.name)
    before = [paths.index(found[name]) for name in names[:at] if name in found]
    after = [paths.index(found[name]) for name in names[at + 1 :] if name in found]
    return max(before, default=-1), min(after, default=len(paths))


def _kinds(layer: Layer) -> set[str]:
    """Return the classes that a layer without parameters may be of."""
    if layer.parameters:  # It is known by these, or not at all.
        return set()
    entries: list[type[Entry]] = [type(layer.op)]
    if layer.op.ending() is not None:  # Which activation, the values tell.
        entries += ACTIVATIONS.values()
    return {part.title for entry in entries for part in entry.natives.values()}
