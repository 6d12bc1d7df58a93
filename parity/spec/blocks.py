"""Blocks written out: a model whose layers are all named, each block as the layers that it stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parity.ops import Op
from parity.ops.block import INPUT, Block
from parity.spec.paths import auto_names
from parity.spec.sections import Scope

Place = tuple[str | int, ...]
"""Where a layer is written, below ``model.layers``."""


@dataclass(frozen=True)
class Named:
    """A layer as it stands in the model, named, where it is written, and the blocks that it came from."""

    op: Op
    place: Place
    scopes: tuple[Scope, ...] = ()


def written_out(layers: Sequence[Op], first: str) -> list[Named]:
    """Return the layers of a model, each block as those that it stands for.

    Args:
        layers: as a spec has them, named or not.
        first: name of the input that a first layer reads.
    """
    return list(_out(layers, first, (), {}, ()))


def _out(
    layers: Sequence[Op], above: str, place: Place, outer: dict[str, str], scopes: tuple[Scope, ...]
) -> Iterator[Named]:  # fmt: skip
    """Yield layers, named; what they read by the names that it has in the model.

    Args:
        layers: of the model or of a block.
        above: name of what a first layer reads.
        place: where the list is written.
        outer: names that mean something around it, and what they are called in the model.
        scopes: blocks that the list stands in, the outermost first.
    """
    prefix = scopes[-1].prefix if scopes else ""
    names = auto_names([(op.kind, op.name) for op in layers])
    known = outer | {name: f"{prefix}{name}" for name in names}
    for index, (op, name) in enumerate(zip(layers, names, strict=True)):
        here = (*place, index)
        reads = None if op.said_inputs is None else tuple(known.get(one, one) for one in op.said_inputs)
        if not isinstance(op, Block):
            changes: dict[str, Any] = {"name": f"{prefix}{name}"}
            if reads is not None:
                changes["inputs"] = reads[0] if isinstance(op.inputs, str) else reads
            changes |= op.called_anew(known)
            above = changes["name"]
            yield Named(op.model_copy(update=changes), here, scopes)
            continue
        read = reads[0] if reads else above
        for number in range(op.repeat):
            inside = f"{prefix}{name}_{number + 1}_" if op.repeat > 1 else f"{prefix}{name}_"
            within = (*scopes, Scope(inside, name))
            every = list(_out(op.layers, read, (*here, op.kind, "layers"), known | {INPUT: read}, within))
            if number == 0 and reads and every[0].op.inputs is None:
                every[0] = replace(every[0], op=every[0].op.model_copy(update={"inputs": read}))
            yield from every
            read = str(every[-1].op.name)
        above = read
        known[name] = above  # Whoever reads a block by its name reads what it gives.
