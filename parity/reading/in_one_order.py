"""Layers of two programs in one order: where branches are written in another one, that is no difference."""

from __future__ import annotations

from parity.spec.edges import reading, reads_of
from parity.spec.sections import ModelSpec


def in_one_order(model: ModelSpec, other: ModelSpec) -> ModelSpec:
    """Return a model with its layers in the order of another one's, as far as what they read is ahead of them.

    Layers that draw keep their own order, by which numbers are dealt to them.

    Args:
        model: whose layers have names, those of the other's that they stand for.
        other: in whose order they are put.
    """
    reads, rank = reads_of(model.layers, model.first), {str(op.name): n for n, op in enumerate(other.layers)}
    places, above = {}, (-1.0, 0)
    for number, op in enumerate(model.layers):  # One that the other has not stays behind the one that it is behind.
        name = str(op.name)
        above = (float(rank[name]), 0) if name in rank else (above[0], number + 1)
        places[name] = above
    left, found, done = list(model.layers), [], set(model.named_inputs())
    while left:
        ready = [op for op in left if all(_made(one, done) for one in reads[str(op.name)])]
        if not ready:
            return model
        op = min(ready, key=lambda one: places[str(one.name)])
        left.remove(op)
        found.append(op)
        done.add(str(op.name))
    drawn = [[op.name for op in layers if op.draws] for layers in (model.layers, found)]
    if drawn[0] != drawn[1] or [op.name for op in found] == [op.name for op in model.layers]:
        return model
    return model.model_copy(update={"layers": reading(found, reads, model.first)})


def _made(value: str, done: set[str]) -> bool:
    """Return whether a value is there: of a layer, or another output of one."""
    return value in done or value.rpartition(".")[0] in done
