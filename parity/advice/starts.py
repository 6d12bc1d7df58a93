"""What weights start from, for the rules that look at it: initializers, or a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from parity.spec.paths import at as value_at
from parity.spec.paths import pattern_of

if TYPE_CHECKING:
    from parity.spec.resolve import Resolved

FROM_FILE = "training.initial_weights"

USUAL = {"kernel_initializer": "glorot_uniform", "bias_initializer": "zeros"}
"""What starts a layer as is usual, by field."""


def restarted(side: Resolved, layers: Mapping[str, Sequence[str]]) -> dict[str, str | None]:
    """Return the paths and values with which layers start as is usual; of weights from a file: that they are drawn.

    Args:
        side: whose layers they are.
        layers: their names, by the field that is to be another one; those without the field are left out.
    """
    if side.config.training.initial_weights is not None:
        return {FROM_FILE: None}
    ops = {layer.name: layer.op for layer in side.layers()}
    found: dict[str, str | None] = {}
    for field, value in USUAL.items():
        names = [name for name in layers.get(field, ()) if field in type(ops[name]).model_fields]
        if names:
            found[f"layers.{pattern_of(names)}.{field}"] = value
    return found


def started(side: Resolved, path: str) -> str:
    """Return how the layers of a path of :func:`restarted` start."""
    if path == FROM_FILE:
        return f"{path} is {side.config.training.initial_weights}"
    _, pattern, field = path.split(".")
    names = pattern.strip("{}").split(",")
    how = value_at(side.config, f"layers.{names[0]}.{field}").label()
    return f"{field} of {', '.join(names)} is {how}"
