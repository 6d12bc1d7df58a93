"""What two programs are judged by that name no metric themselves: what fits the loss of the first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from parity.losses.crossentropies import CrossEntropy
from parity.losses.mae import MAE
from parity.losses.opaque import Opaque

if TYPE_CHECKING:
    from parity.losses import Loss
    from parity.spec.sections import Spec


def judged_by(spec: Spec) -> Any:
    """Return metrics as a spec says them, of each output where there are several; empty where nothing fits.

    Args:
        spec: of the first program.
    """
    if not isinstance(spec.loss, Mapping):
        return _fitting(spec.loss)
    every = {name: _fitting(loss) for name, loss in spec.loss.items()}
    return {name: found for name, found in every.items() if found}


def _fitting(loss: Loss) -> list[str]:
    """Return the metric that fits a loss: how many are right of classes, else how far off the outputs are."""
    if isinstance(loss, Opaque):
        return []
    return ["accuracy" if isinstance(loss, CrossEntropy) else "mae" if isinstance(loss, MAE) else "mse"]


def told_of(metrics: Any) -> str:
    """Return metrics as a sentence names them.

    >>> told_of({"digit": ["accuracy"], "ink": ["mse"]})
    'accuracy of digit and mse of ink'
    """
    if isinstance(metrics, Mapping):
        return " and ".join(f"{told_of(one)} of {name}" for name, one in metrics.items())
    return " and ".join(metrics)
