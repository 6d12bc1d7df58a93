"""What an optimizer treats otherwise in some parameters: patterns that mean none, and two optimizers held against it.

Two sides differ in what their parameters have, not in how it is written: patterns that mean the same are no difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from parity.errors import Fault, did_you_mean, listed
from parity.ops.opaque import Opaque
from parity.optimizers import Optimizer
from parity.optimizers.per_parameter import DECAY, DECAYS, FACTORS
from parity.spec.faults import Loc, Where
from parity.spec.graph import Graph, Layer
from parity.tensors import fits, layer_of, own_name, parameter, patterns_of, said_of

if TYPE_CHECKING:
    from parity.spec.resolve import Resolved

BASES = {DECAYS: DECAY, FACTORS: "learning_rate"}
"""Fields of what some parameters have, and the field of what all others have."""

NAMED = 4
"""So many parameters are named each by itself; of more, patterns say which they are."""

NEAR = 1e-12
"""Numbers that are as near are one: a rate, or a smaller one times a factor."""


@dataclass(frozen=True)
class Unequal:
    """One place at which two values differ, and both as text."""

    path: tuple[str, ...]
    a: str
    b: str


def movable(graph: Graph) -> list[str]:
    """Return the parameters that an optimizer may move, ``layer.parameter``; those of frozen layers among them."""
    return [parameter(layer.name, name) for layer in graph.layers for name in _own_names(layer)]


def _own_names(layer: Layer) -> list[str]:
    """Return the parameters of a layer, of what is opaque as its program calls them; no running statistics."""
    if isinstance(layer.op, Opaque):
        return [one.name for one in layer.op.tensors]
    return [name for name in layer.parameters if name not in layer.op.statistics] if layer.owns else []


def pattern_faults(
    optimizer: Optimizer, names: Sequence[str], where: Where, changes: Mapping[str, object] = {}, loc: Loc = (),
    before: Sequence[str] = (),
) -> list[Fault]:  # fmt: skip
    """Return the faults of patterns that mean no parameter.

    Args:
        optimizer: of a side.
        names: of the parameters that there are (:func:`movable`).
        where: knows the lines.
        changes: of the side.
        loc: their place.
        before: names ahead of the changes, which may have taken away the layers that a pattern of the spec means.
    """
    known, faults = [*names, *before], []
    for field in (one for one in BASES if one in type(optimizer).model_fields):
        for pattern in getattr(optimizer, field):
            if any(fits(pattern, name) for name in known):
                continue
            said = [path for path in changes if path in ("optimizer", f"optimizer.{field}")]
            inner = (optimizer.kind, field) if not said or said[-1] == "optimizer" else ()
            at: Loc = (*((*loc, said[-1]) if said else ("optimizer",)), *inner, pattern)
            choices = [*names, *(f"*.{own_name(name)}" for name in names), *map(layer_of, names)]
            fix = did_you_mean(pattern, list(dict.fromkeys(choices)))
            faults.append(where.fault(at, f"no parameter fits {pattern!r}", listed(names, 20), fix))
    return faults


def settled(found: Iterable[Unequal], a: Resolved, b: Resolved) -> list[Unequal]:
    """Return what two optimizers differ in, of those fields in which they were found to differ.

    Args:
        found: where the fields differ as they are written.
        a: first side.
        b: second side.
    """
    left = list(found)
    optimizers = a.config.optimizer, b.config.optimizer
    names = list(dict.fromkeys(name for side in (a, b) for name in movable(side.graph) if _moves(side, name)))
    for field, base in BASES.items():
        if all(field in type(one).model_fields for one in optimizers):
            left = _settled(left, field, base, _Numbers(*optimizers, field, base, names))
    return left


def _settled(found: Sequence[Unequal], field: str, base: str, numbers: _Numbers) -> list[Unequal]:
    """Return what is left where each parameter has the same, or where only the way in which it is written differs."""
    if not any(numbers.tables):
        return list(found)
    mine, theirs = numbers.of(0, 0), numbers.of(1, 1)
    apart = {
        name for name in numbers.names
        if not (_near(mine[name], numbers.of(0, 1)[name]) and _near(theirs[name], numbers.of(1, 0)[name]))
    }  # fmt: skip
    alike = all(_near(mine[name], theirs[name]) for name in numbers.names)
    left = []
    for one in found:
        if one.path == ("optimizer", field):
            if apart and not alike:
                left.append(replace(one, a=numbers.told(0, apart), b=numbers.told(1, apart)))
        elif one.path != ("optimizer", base) or not alike or not numbers.known:
            left.append(one)
    return left


class _Numbers:
    """What each parameter has on two sides.

    Args:
        a: optimizer of the first side.
        b: optimizer of the second side.
        field: of what some have.
        base: field of what all others have.
        names: of the parameters.
    """

    def __init__(self, a: Optimizer, b: Optimizer, field: str, base: str, names: Sequence[str]) -> None:
        self.names, self.field = names, field
        self.tables: tuple[Mapping[str, float], ...] = getattr(a, field), getattr(b, field)
        said = getattr(a, base), getattr(b, base)
        self.known = all(isinstance(one, float) for one in said)
        """Whether the base of both is a number, and no schedule."""
        self.bases = said if self.known else (1.0, 1.0)

    def of(self, base: int, table: int) -> dict[str, float]:
        """Return the numbers with the base of one side and what the other, or the same one, says of some."""
        other, said = self.bases[base], self.tables[table]
        if self.field == FACTORS:
            return {name: other * said_of(name, said, 1.0) for name in self.names}
        return {name: said_of(name, said, other) for name in self.names}

    def told(self, side: int, apart: set[str]) -> str:
        """Return what some parameters have on a side, as text."""
        other = 1.0 if self.field == FACTORS else self.bases[side]
        found: dict[float, list[str]] = {}
        for name in (one for one in self.names if one in apart):
            found.setdefault(said_of(name, self.tables[side], other), []).append(name)
        every = [names if len(names) <= NAMED else patterns_of(names, self.names) for names in found.values()]
        return "; ".join(f"{number!r} of {', '.join(who)}" for number, who in zip(found, every, strict=True))


def _moves(side: Resolved, name: str) -> bool:
    known = side.parameters().get(name)
    return side.graph.by_name[layer_of(name)].op.trainable if known is None else known.trainable


def _near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=NEAR)
