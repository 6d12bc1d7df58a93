"""What two programs come to: how long both train, and what they are judged by where neither names a metric.

That is what fits the loss of the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from parity.losses.crossentropies import CrossEntropy
from parity.losses.huber import Huber
from parity.losses.log_cosh import LogCosh
from parity.losses.mae import MAE
from parity.losses.mse import MSE
from parity.losses.poisson import Poisson
from parity.losses.smooth_l1 import SmoothL1
from parity.spec.per_output import each_loss

if TYPE_CHECKING:
    from parity.losses import Loss
    from parity.reading.pair_side import PairSide
    from parity.spec.sections import Spec


NEAR_THE_MEAN = (MSE, Huber, SmoothL1, LogCosh, Poisson)
"""Losses that are least near the mean of the targets, as the squared error is; not margins, ratios or angles."""


def as_either_says(spec: dict[str, Any], sides: Sequence[PairSide], specs: Sequence[Spec]) -> list[str]:
    """Say in the common spec what only the second program does, or neither: how long it trains, what it is judged by.

    Args:
        spec: as plain data, so far what the first program says; changed.
        sides: of the pair.
        specs: of the readings.

    Returns:
        What a reader should know, in sentences.
    """
    first, second = sides
    if not first.seen("epochs") and second.seen("epochs"):
        spec["training"] = {**spec["training"], "epochs": specs[1].training.epochs}
    if "metrics" not in spec and "metrics" in second.reading.spec:
        spec["metrics"] = second.reading.spec["metrics"]
    judged = {} if "metrics" in spec else judged_by(specs[0])
    if not judged:
        return []
    spec["metrics"] = judged
    say = "say" if isinstance(judged, Mapping) and len(judged) > 1 else "says"
    return [f"Neither names a metric: {told_of(judged)} {say} which does better."]


def judged_by(spec: Spec) -> Any:
    """Return metrics as a spec says them, of each output where there are several; empty where nothing fits.

    Args:
        spec: of the first program.
    """
    every = {name: _fitting(loss) for name, loss in each_loss(spec.loss).items()}
    if "" in every:
        return every[""]
    return {name: found for name, found in every.items() if found}


def _fitting(loss: Loss) -> list[str]:
    """Return the metric that fits a loss: how many are right of classes, how far off the outputs are of numbers."""
    if isinstance(loss, CrossEntropy):
        return ["accuracy"]
    return ["mae"] if isinstance(loss, MAE) else ["mse"] if isinstance(loss, NEAR_THE_MEAN) else []


def told_of(metrics: Any) -> str:
    """Return metrics as a sentence names them.

    >>> told_of({"digit": ["accuracy"], "ink": ["mse"]})
    'accuracy of digit and mse of ink'
    """
    if isinstance(metrics, Mapping):
        return " and ".join(f"{told_of(one)} of {name}" for name, one in metrics.items())
    return " and ".join(metrics)
