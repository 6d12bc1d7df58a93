"""Initializers of two programs in one form, where both draw the same numbers: a rule of the fans, or its decimals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parity.initializers import Initializer
from parity.lazy import np
from parity.ops.embedding import Embedding
from parity.reading.drawn_by import EXACT, GRID
from parity.reading.plainly import counterparts, having

if TYPE_CHECKING:
    from parity.code import Parameter
    from parity.spec.sections import ModelSpec


def started_alike(model: ModelSpec, other: ModelSpec) -> ModelSpec:
    """Return a model whose parameters start by the initializers of another one, where theirs draw the same numbers.

    Of ``nn.init.trunc_normal_(w, std=s, a=-2 * s, b=2 * s)`` with the ``s`` that ``he_normal`` has, that.

    Args:
        model: of a spec.
        other: of a spec, whose layers have the same names where they are one.
    """
    changes: dict[str, dict[str, Initializer]] = {}
    for layer, like in counterparts(model, other):
        for name in (one for one in layer.op.started if one in layer.parameters and one in like.parameters):
            mine, theirs = layer.parameters[name], like.parameters[name]
            field = layer.op.field_of(name, "initializer")
            if field in type(layer.op).model_fields and mine.initializer != theirs.initializer and _one(mine, theirs):
                changes.setdefault(layer.name, {})[field] = theirs.initializer
    return having(model, changes)


def padding_alike(model: ModelSpec, other: ModelSpec) -> ModelSpec:
    """Return a model whose tables without a row for padding say of its start what the other one's do: it has none.

    That one program has such a row is a difference by itself; how it starts is one of two that have it.

    Args:
        model: of a spec.
        other: of a spec, whose layers have the same names where they are one.
    """
    tables = {str(op.name): op for op in model.layers if isinstance(op, Embedding) and op.padding_idx is None}
    theirs = {str(op.name): op for op in other.layers if isinstance(op, Embedding) and str(op.name) in tables}
    return having(model, {name: {"padding_starts_at_0": op.padding_starts_at_0} for name, op in theirs.items()})


def _one(mine: Parameter, theirs: Parameter) -> bool:
    """Return whether two parameters start at the same numbers, but for the decimals of float32."""
    both = (mine.initializer, theirs.initializer)
    if mine.shape != theirs.shape or not all(one.elementwise and one.random for one in both):
        return False
    drawn, wanted = (one.initializer.sample(np.array(GRID), one) for one in (mine, theirs))
    return bool(np.allclose(drawn, wanted, rtol=EXACT, atol=0.0))
