"""How each side's training went, epoch by epoch: the running mean of the loss beside the end-of-epoch values.

The two are easily taken for each other. Keras's progress bar prints running means: the loss (and its metrics) averaged
over the epoch's batches, each with the weights that it met, dropout on. What parity measures is the state at the end of
the epoch: one set of weights, over all rows, in evaluation mode. Early in training the second is the better value by
an epoch's worth of learning; with dropout it is so throughout.
"""

from __future__ import annotations

from collections.abc import Sequence

from parity.result import formats
from parity.result.schema import Result, SideFact

RUNNING_LOSS = "loss, running mean over the epoch"
"""Heads the column of what Keras prints."""

AT_THE_END = "{} at its end"
"""Heads the column of a metric."""

NOTE = (
    "The running mean is what Keras prints: the training loss of the epoch's batches, each with the weights that it "
    "met, dropout on. The values at its end are those of the weights after it, over all rows, in evaluation mode; val_ "
    "stands before those of the rows kept for validation, on which nothing was trained."
)
"""Said under the table."""

MOST = 12
"""Epochs of a side that are shown; of more, as many at even distances, the first and the last among them."""


def measured(result: Result) -> bool:
    """Say whether there is anything to show epoch by epoch."""
    return any(epoch.running_loss is not None for side in result.sides for epoch in side.epochs)


def names(result: Result) -> list[str]:
    """List the metrics measured at the end of an epoch, in the order of the specs."""
    return list(dict.fromkeys(name for side in result.sides for epoch in side.epochs for name in epoch.metrics))


def head(result: Result) -> list[str]:
    """Give the heads of the columns; numbers start with the second."""
    return ["side", "epoch", "steps", RUNNING_LOSS, *(AT_THE_END.format(name) for name in names(result))]


def rows(result: Result) -> list[list[str]]:
    """Give the cells of every epoch shown, side after side."""
    columns = names(result)
    return [
        [
            side.name,
            f"{epoch.epoch:,}",
            f"{epoch.step:,}",
            formats.loss(epoch.running_loss),
            *(formats.metric(epoch.metrics.get(name)) for name in columns),
        ]
        for side in result.sides
        for epoch in (side.epochs[index] for index in shown(side.epochs))
    ]


def shown(epochs: Sequence[object]) -> list[int]:
    """Choose which of the epochs are shown.

    >>> shown(range(3)), shown(range(100))
    ([0, 1, 2], [0, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90, 99])
    """
    last = len(epochs) - 1
    if last < MOST:
        return list(range(last + 1))
    return [round(number * last / (MOST - 1)) for number in range(MOST)]


def side_metrics(sides: Sequence[SideFact], metric: str | None) -> list[str]:
    """List what stands for the outcome beside each side: the metric and, where it was measured, its ``val_`` twin."""
    if metric is None:
        return []
    twin = f"val_{metric}"
    return [metric, *([twin] if any(twin in side.metrics for side in sides) else [])]
