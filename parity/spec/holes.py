"""Entries that a side's framework does not have: never, with the reason, or not yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from parity.entries import Entry
from parity.errors import Fault, listed
from parity.frameworks import Hole, title_of
from parity.optimizers.around import Around
from parity.spec.exactness import numerics_faults
from parity.spec.faults import Loc, Where
from parity.spec.paths import split, walk
from parity.spec.sections import Config

if TYPE_CHECKING:
    from parity.spec.resolve import Resolved


RUN_AT_HOME = "run the program itself: parity read proves what was read of it, parity compare holds it against another"


def unsaid_faults(
    framework: str,
    config: Config,
    where: Where,
    changes: Mapping[str, Any],
    loc: Loc,
    layers: Mapping[str, Loc],
    by_hand: bool = False,
) -> list[Fault]:
    """Return the faults of what a framework does not have, or cannot be told.

    Args:
        framework: that is to run the config.
        config: of the side.
        where: knows the lines.
        changes: of the side, for the one that made it so.
        loc: their place.
        layers: where each layer stands, in the spec or in a change.
        by_hand: the side has a program of its own, in which what is opaque takes part as it is.
    """
    faults = _holes(framework, config, where, changes, loc, layers, by_hand)
    return faults or numerics_faults(framework, config, where, changes, loc)


def apart_faults(
    side: Resolved, where: Where, changes: Mapping[str, Any], loc: Loc, layers: Mapping[str, Loc]
) -> list[Fault]:  # fmt: skip
    """Return the faults of what takes a parameter as a whole that a framework keeps in several tensors.

    A norm of it, where it is trained, and an initializer of matrices.

    Args:
        side: that is to be compiled.
        where: knows the lines.
        changes: of the side, for the one that made it so.
        loc: their place.
        layers: where each layer stands, in the spec or in a change.
    """
    optimizer = side.config.optimizer
    measured, one = optimizer.measured(), "reset_after: false, which has one bias"
    named = next((key for key in reversed(list(changes)) if key.partition(".")[0] == "optimizer"), None)
    at: Loc = (*loc, named) if named is not None else ("optimizer",)
    faults = []
    for layer in (layer for layer in side.graph.layers if layer.owns):
        for name in layer.op.in_parts(side.framework, any(mask is not None for mask in layer.masks)):
            parameter = layer.parameters[name]
            kept = f"{title_of(side.framework)} keeps {layer.name}.{name} in several tensors"
            if measured and parameter.trainable:
                told = f"got {measured}; {kept}, and would take the norm of each by itself"
                other = "" if optimizer.clipnorm is None else "take global_clipnorm for clipnorm, or "
                faults.append(where.fault(at, told, fix=f"{other}say {one}"))
            if parameter.initializer.fault(parameter.shape[1:]):
                told = f"{parameter.initializer.kind} starts {layer.name}.{name}; {kept}, none of which it can start"
                faults.append(where.fault(layers[layer.name], told, fix=f"start it by another one, or say {one}"))
    return faults


def _hole_of(part: Entry, framework: str) -> Hole | None:
    """Return why an entry cannot be said in a framework, with the fields that it has; None where it can."""
    return part.hole_of(framework) if isinstance(part, Around) else part.hole(framework)


def says_fields(framework: str, config: Config) -> bool:
    """Return whether a framework that has the entries of a config can say them with the fields that they have.

    Args:
        framework: its name.
        config: of a side.
    """
    parts = [part for _, part in walk(config) if isinstance(part, Entry)]
    return all(part.hole(framework) is not None or _hole_of(part, framework) is None for part in parts)


def reading_faults(config: Config, where: Where, loc: Loc) -> list[Fault]:
    """Return the faults of an opaque loss that reads what is no layer.

    Args:
        config: of a side, its layers named.
        where: knows the lines.
        loc: of the loss.
    """
    known = [str(op.name) for op in config.model.layers]
    read = [name for name in getattr(config.loss, "reads", ()) if name not in known]
    at: Loc = (*loc, config.loss.kind, "reads")
    return [where.fault(at, f"got {name!r}, which is no layer of the model", listed(known, 20)) for name in read]


def _holes(
    framework: str, config: Config, where: Where, changes: Mapping[str, Any], loc: Loc, layers: Mapping[str, Loc],
    by_hand: bool,
) -> list[Fault]:  # fmt: skip
    faults = []
    for path, part in walk(config):
        if not isinstance(part, Entry) or (by_hand and part.at_home) or (hole := _hole_of(part, framework)) is None:
            continue
        section, *rest = split(path)
        layer, deeper = (rest[0], rest[1:]) if section == "layers" else ("", rest)
        at: Loc = layers[layer] if layer else (*loc, path) if path in changes else (section,)
        title = title_of(framework)
        why = f"{title} can never have it: {hole.why}" if hole.why else f"{title} does not have it yet"
        others = f"{framework} runs what `parity catalog` says it does; write this one as a program of your own"
        if part.at_home:
            faults.append(where.fault((*at, *deeper), f"got {part.label()}; {hole.why}", fix=RUN_AT_HOME))
            continue
        got = part.kind if part.hole(framework) else part.label()
        faults.append(where.fault((*at, *deeper), f"got {got}; {why}", fix=hole.fix or others))
    return faults
