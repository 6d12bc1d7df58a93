"""The emitter of Keras 2: Keras's, as far as what it writes is there in Keras 2, too; a refusal else."""

from __future__ import annotations

from typing import Any

from parity.compile.program import Bindings
from parity.errors import UsageError
from parity.frameworks import title_of
from parity.frameworks.keras.emit import applied as applied
from parity.frameworks.keras.emit import emit as written
from parity.spec.resolve import Resolved

LATER = "keras.ops."
"""Begins what Keras 3 alone has: templates that write something out in it."""

DRAWS = frozenset({"dropout", "spatial_dropout1d", "spatial_dropout2d", "spatial_dropout3d", "gaussian_noise"})
"""Layers whose numbers are dealt from outside here; recurrent ones make masks of their own in another order."""


def emit(side: Resolved) -> tuple[dict[str, Any], Bindings]:
    """Return what the template needs, and where the tensors live.

    Raises:
        UsageError: for what Keras 2 does not have, or nobody has written for it yet.
    """
    optimizer = side.config.optimizer
    drawing = next((layer for layer in side.drawing() if layer.op.kind not in DRAWS), None)
    if drawing is not None:
        raise lacking(side, f"the numbers that layer {drawing.name!r} ({drawing.op.kind}) draws")
    if optimizer.gradient_accumulation_steps > 1 or optimizer.use_ema:
        raise lacking(side, "optimizer.gradient_accumulation_steps and optimizer.use_ema")
    context, bindings = written(side)
    if any("def numbers_of(" in one for one in context["helpers"]):
        raise lacking(side, "rates or decays of some variables, other than no decay,")
    parts = {"the layers": (context["lines"], context["helpers"]), "the loss": context["losses"]}
    for what, part in {**parts, "the optimizer": context["optimizer"]}.items():
        if LATER in repr(part):
            raise lacking(side, f"{what} as this config has them, which Keras 3 writes with {LATER}*")
    return context, bindings


def lacking(side: Resolved, what: str) -> UsageError:
    """Return that a side cannot be written, and what to do."""
    return UsageError(
        f"side {side.name}: {title_of(side.framework)} does not have {what}, yet; change that for this side"
    )
