"""An l2 penalty in the layers of one program, and weight decay in the optimizer of the other: one form, penalties.

What PyTorch's optimizers, but AdamW, call ``weight_decay=d`` adds d w to a gradient, which is the l2 penalty d / 2 of
every parameter: who ports a ``kernel_regularizer`` writes that. What is left of it, a factor of 2 that was forgotten,
or biases that decay and had no penalty, is then a difference by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from parity.optimizers.per_parameter import DECAY, DECAYS
from parity.reading.groups_of import called_anew
from parity.reading.plainly import having
from parity.regularizers.l2 import L2
from parity.spec.graph import graph_of, named
from parity.tensors import layer_of, parameter

if TYPE_CHECKING:
    from parity.optimizers import Optimizer
    from parity.reading.pair_side import PairSide
    from parity.spec.sections import ModelSpec, Spec


def decayed_alike(sides: Sequence[PairSide], specs: list[Spec]) -> list[str]:
    """Say the weight decay of one program as l2 penalties, where the other one has such and decays nothing.

    Args:
        sides: of a pair, their layers under one name each; a side's model, and that it decays, are changed.
        specs: of both readings; an optimizer is changed.

    Returns:
        What was said in another way, in sentences.
    """
    for number, (side, other) in enumerate((sides, sides[::-1])):
        mine, theirs = (called_anew(spec.optimizer, one.model, one.names)
                        for spec, one in ((specs[number], side), (specs[1 - number], other)))  # fmt: skip
        if not (mine.couples_decay and mine.decays_some()) or theirs.decays_some() or _around(mine):
            continue
        if _penalised(side.model) or not _penalised(other.model):
            continue
        side.model, left = _with_penalties(side.model, mine)
        side.decays = True
        own = {f"{side.names[layer_of(name)]}.{name.partition('.')[2]}": decay for name, decay in left.items()}
        changes = {"optimizer": specs[number].optimizer.replace(**{DECAY: 0.0, DECAYS: own})}
        specs[number] = specs[number].model_copy(update=changes)
        return [
            f"{side.name} has weight decay in its optimizer, {other.name} l2 penalties: half of the decay is one, and "
            "what losses and gradients come to with that is compared."
        ]
    return []


def _around(optimizer: Optimizer) -> bool:
    """Return whether something is done to gradients ahead of what is added to them, as a penalty is not."""
    return optimizer.clip() is not None or optimizer.gradient_accumulation_steps > 1


def _penalised(model: ModelSpec) -> bool:
    """Return whether any parameter of a model has an l2 penalty, or another one."""
    return any(parameter.regularizer is not None for parameter in graph_of(named(model)).parameters.values())


def _with_penalties(model: ModelSpec, optimizer: Optimizer) -> tuple[ModelSpec, dict[str, float]]:
    """Return a model whose parameters have the penalties that their decay comes to, and the decay of those without."""
    changes: dict[str, dict[str, Any]] = {}
    left: dict[str, float] = {}
    for layer in graph_of(named(model)).layers:
        decays = {
            name: optimizer.decay_of(parameter(layer.name, name))
            for name, one in layer.parameters.items() if one.trainable and layer.owns
        }  # fmt: skip
        by_field: dict[str, set[float]] = {}
        for name, decay in decays.items():
            by_field.setdefault(layer.op.field_of(name, "regularizer"), set()).add(decay)
        for name, decay in decays.items():
            field = layer.op.field_of(name, "regularizer")
            if decay and field in type(layer.op).model_fields and len(by_field[field]) == 1:
                changes.setdefault(layer.name, {})[field] = L2(factor=decay / 2.0)
            elif decay:  # It has no such field, or shares it with what decays otherwise.
                left[parameter(layer.name, name)] = decay
    return having(model, changes), left
