"""What stands behind the names of the metrics, as sentences: which one was computed, and how high it can get at all.

Pure functions of a :class:`~parity.result.schema.Result`, used by all reports.
"""

from __future__ import annotations

from parity.result import formats
from parity.result.schema import MetricFact, Result, SideFact

STANDS = 0.02
"""A metric that stays this near to its ceiling from the first epoch on stands still."""

FALLS = 0.9
"""A loss that ends below this share of what it was in the first epoch falls."""


def notes(result: Result) -> list[str]:
    """Say what was computed under each name that leaves it open, its ceiling, and where it stood still for that."""
    return [*resolved(result), *ceilings(result), *plateaus(result)]


def resolved(result: Result) -> list[str]:
    """Say which metric a name stands for that leaves it open, and why."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for side, metric in _each(result):
        if metric.reason:
            found.setdefault((metric.name, metric.computed, metric.reason), []).append(side.name)
    return [
        f"{name} -> {computed}{_of(result, sides)}, since {reason}: Keras decides by these shapes, not by the loss."
        for (name, computed, reason), sides in found.items()
    ]


def ceilings(result: Result) -> list[str]:
    """Say of a binary accuracy on targets that are not all 0 or 1 how high it can get."""
    found: dict[str, list[str]] = {}
    for side, metric in _each(result):
        if metric.ceiling is not None and metric.ceiling < 1:
            found.setdefault(_ceiling(metric), []).append(side.name)
    return [f"{sentence[0].upper()}{sentence[1:]}{_on(result, sides)}." for sentence, sides in found.items()]


def plateaus(result: Result) -> list[str]:
    """Say of a metric that stood at its ceiling since the first epoch, while the loss fell, that it says nothing."""
    return [sentence for side, metric in _each(result) if (sentence := _plateau(side, metric)) is not None]


def _each(result: Result) -> list[tuple[SideFact, MetricFact]]:
    return [(side, metric) for side in result.sides for metric in side.measures]


def _of(result: Result, sides: list[str]) -> str:
    """Name the sides, unless they are all."""
    return "" if len(sides) == len(result.sides) else f" (of {formats.names(sides)})"


def _on(result: Result, sides: list[str]) -> str:
    return "" if len(sides) == len(result.sides) else f" ({formats.names(sides)})"


def _ceiling(metric: MetricFact) -> str:
    exact, values, kept = metric.exact_values, metric.target_values, metric.val_ceiling
    assert exact is not None
    assert values is not None
    also = "" if kept is None else f"; {formats.decimals(kept)} on the validation rows"
    return (
        f"{metric.name} compares each target with an output made 0 or 1, and {exact:,} of the {values:,} target values "
        f"trained on are exactly 0 or 1: whatever is predicted, it cannot rise above {formats.decimals(metric.ceiling)}"
        f"{also}"
    )


def _plateau(side: SideFact, metric: MetricFact) -> str | None:
    ceiling = metric.ceiling
    told = [epoch for epoch in side.epochs if metric.name in epoch.metrics and epoch.running_loss is not None]
    if ceiling is None or ceiling == 1 or len(told) < 2:
        return None
    values = [epoch.metrics[metric.name] for epoch in told]
    losses = [epoch.running_loss for epoch in told if epoch.running_loss is not None]
    if not (all(abs(value - ceiling) <= STANDS for value in values) and losses[-1] < FALLS * losses[0]):
        return None
    ends = [formats.decimals(value) for value in (values[0], values[-1])]
    return (
        f"{side.name}: {metric.name} is {ends[0]} after the first epoch and {ends[1]} after epoch {told[-1].epoch}, "
        f"while the loss falls from {formats.loss(losses[0])} to {formats.loss(losses[-1])} (running means). It stands "
        f"at all it can reach, the share of target values that are exactly 0 or 1 ({formats.decimals(ceiling)}), and "
        "says nothing of how near the others are met. Nothing is trained by a metric: left out, no weight changes."
    )
