"""Where a value of one side's configuration was written: the file and the line a person has to go to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parity.entries import Entry
from parity.spec.faults import Lines, Loc, Where
from parity.spec.lists import is_structural
from parity.spec.paths import alternatives, auto_names, matching, split
from parity.spec.resolve import Resolved
from parity.spec.sections import Spec

DEFAULTS = " default"
"""How the origin of what nobody said ends, be it parity's own default or a framework's."""

SIDE = "side "
"""How the origin of what a side changes begins."""


def line_of(spec: Spec, lines: Lines, side: Resolved, path: str) -> int | None:
    """Return the line on which the value at a path was written.

    Args:
        spec: as it was read.
        lines: of its file.
        side: whose value it is.
        path: of the value; its pattern may name several layers, of which the first counts.

    Returns:
        The line, or that of the nearest part above which the file has; None without a file, and for what the command
        line changed.
    """
    concrete = first_of(path)
    while (origin := side.origin(concrete)).endswith(DEFAULTS) and "." in concrete:
        concrete = concrete.rpartition(".")[0]  # Nobody said it: what it is a field of, somebody did.
    if origin.startswith("--"):
        return None
    own: Loc = ("model", *path.split(".")[1:]) if path.startswith("model.") else ()
    if path == "program":
        own = ("sides", side.name, "program")
    changed = change_of(spec, origin.removeprefix(SIDE), concrete) if origin.startswith(SIDE) else ()
    return Where(lines).line(own or changed or written(spec, concrete))


def first_of(path: str) -> str:
    """Return the path with one layer in the place of several: ``layers.{a,b}.units`` to ``layers.a.units``."""
    section, *rest = split(path)
    if section == "layers" and rest:
        rest[0] = alternatives(rest[0])[0]
    return ".".join([section, *rest])


def change_of(spec: Spec, side: str, path: str) -> Loc:
    """Return the place of the last change of a side that says what stands at a path; empty where none does."""
    found: Loc = ()
    changes: Mapping[str, Any] = spec.sides[side].changes if side in spec.sides else {}
    for key, value in changes.items():
        loc: Loc = ("sides", side, "changes", key)
        if covers(key, path):
            found = loc
        elif isinstance(value, Mapping) and not brings_layers(key, value):
            found = next(((*loc, one) for one in value if covers(f"{key}.{one}", path)), found)
        elif not found and (covers(path, key) or brings_layers(key, value)):
            found = loc  # A field of what was asked for, or what put the layer in.
    return found


def brings_layers(change: str, value: Any) -> bool:
    """Return whether a change puts layers in, so that what stands there may come from it."""
    section, *rest = split(change)
    return section == "layers" and value is not None and is_structural(rest, value)


def covers(change: str, path: str) -> bool:
    """Return whether a change, whose layers may be a pattern, sets a path or what it is a part of."""
    ours, theirs = split(change), split(path)
    if len(ours) > len(theirs):
        return False
    return all(a == b or (i == 1 and ours[0] == "layers" and bool(matching(a, [b])))
               for i, (a, b) in enumerate(zip(ours, theirs, strict=False)))  # fmt: skip


def written(spec: Spec, path: str) -> Loc:
    """Return the place of a path in the spec's own part of the file."""
    section, *rest = split(path)
    if section == "layers" and rest:
        names = auto_names([(op.kind, op.name) for op in spec.model.layers])
        if rest[0] not in names:
            return ("model", "layers")
        index = names.index(rest[0])
        return ("model", "layers", index, spec.model.layers[index].kind, *rest[1:])
    part = getattr(spec, section, None)
    return (section, *([part.kind] if isinstance(part, Entry) else []), *rest)
