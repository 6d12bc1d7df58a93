"""A scale and an offset in several layers and in one: ``(x - 0.5) / 0.25`` and ``Rescaling(4.0, -2.0)``."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from parity.ops.rescaling import Rescaling
from parity.reading.plainly import own_call, without
from parity.spec.graph import graph_of, named

if TYPE_CHECKING:
    from parity.ops import Op
    from parity.spec.sections import ModelSpec


def rescalings_joined(model: ModelSpec, kept: Collection[str] = ()) -> ModelSpec:
    """Return a model in which a rescaling of a rescaling is one.

    Args:
        model: of a spec.
        kept: layers whose outputs are read from outside of it, and stay what they are.
    """
    graph = graph_of(named(model))
    fixed = {value.name for value in graph.outputs} | set(kept) | graph.shared
    ops: dict[str, Op] = {layer.name: own_call(layer) for layer in graph.layers}
    gone: dict[str, str] = {}
    for layer in graph.layers:
        name = layer.reads[0].name
        outer, inner = ops[layer.name], ops.get(name)
        alone = name not in fixed and layer.name not in graph.shared and graph.readers(name) == [layer]
        if isinstance(outer, Rescaling) and isinstance(inner, Rescaling) and alone:
            scale, offset = inner.scale * outer.scale, inner.offset * outer.scale + outer.offset
            ops[layer.name] = outer.replace(scale=_written(scale), offset=_written(offset))
            read = graph.by_name[name].reads[0].name
            gone[name] = gone.get(read, read)
    return without(model, graph, ops, gone) if gone else model


def _written(number: float) -> float:
    """Return a number as a person writes it: 127.5 times 1 / 127.5 may come to one beside 1."""
    short = float(f"{number:.15g}")
    return short if len(repr(short)) + 3 < len(repr(number)) else number
