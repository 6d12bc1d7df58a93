"""What an optimizer may do otherwise for some parameters than its config says, as changes of the fields that say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from parity.explain.changes import Change, Knob, field_change
from parity.optimizers.per_parameter import DECAYS, FACTORS
from parity.spec.resolve import Resolved
from parity.tensors import own_name, patterns_of

BIAS = "bias"
"""What the names of biases end in."""


def of_groups(side: Resolved) -> Iterator[Change]:
    """Yield the decays that programs leave some parameters out of, or leave none out of, and one rate for all.

    Left out are biases, or all that has one axis: the two recipes of transformers and of image models.
    """
    optimizer = side.config.optimizer
    shapes = {name: one.shape for name, one in side.parameters().items() if one.trainable}
    if optimizer.decays_some() and DECAYS in type(optimizer).model_fields:
        bare = [[], [name for name in shapes if own_name(name).endswith(BIAS)],
                [name for name, shape in shapes.items() if len(shape) < 2]]  # fmt: skip
        now = {name: optimizer.decay_of(name) for name in shapes}
        for left in bare:
            said = dict.fromkeys(patterns_of(left, shapes), 0.0)
            other = optimizer.model_copy(update={DECAYS: said})
            if {name: other.decay_of(name) for name in shapes} != now:
                yield field_change(side, [f"optimizer.{DECAYS}"], said)
    if optimizer.learning_rate_factor_of:
        yield field_change(side, [f"optimizer.{FACTORS}"], {})


def group_knobs(side: Resolved) -> list[Knob]:
    """Return the numbers to solve for: of each pattern, what its parameters have of their own."""
    optimizer = side.config.optimizer
    found = []
    for field in (FACTORS, DECAYS):
        said: Mapping[str, float] = getattr(optimizer, field, {})
        found += [_knob(side, field, said, pattern) for pattern in said]
    return found


def _knob(side: Resolved, field: str, said: Mapping[str, float], pattern: str) -> Knob:
    def change(number: float) -> Change:
        value: Any = {**said, pattern: number}
        return field_change(side, [f"optimizer.{field}"], value)

    return Knob(start=said[pattern], step=1e-3 * (said[pattern] or 1.0), change=change)
