"""Metrics: one file each, computed in NumPy from predictions, so that every side is judged by the same code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from parity.entries import Entry, Shape, entry_type

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What is computed under a metric's name.

    Args:
        name: that the spec gives, under which values are reported.
        metric: that is computed.
        reason: why, where the name leaves it open; empty where the name says it.
    """

    name: str
    metric: Metric
    reason: str = ""


class Metric(Entry):
    """Base of the metrics."""

    better: ClassVar[Literal["higher", "lower"]] = "higher"
    """Which values are the better ones."""

    def value(self, predictions: np.ndarray, targets: np.ndarray) -> float:
        """Return the metric.

        Args:
            predictions: model outputs, (rows, ...).
            targets: (rows, ...).
        """
        raise TypeError(f"{type(self).__name__} has no meaning")

    def taken(self, targets: Shape, outputs: Shape) -> Taken:
        """Return what is computed under this name: the metric itself, unless the shapes decide.

        Args:
            targets: shape of a row of the targets.
            outputs: shape of a row of the outputs.
        """
        return Taken(name=self.kind, metric=self)

    def reachable(self, targets: np.ndarray) -> int | None:
        """Return how many of the target values any prediction at all could be right about; None where not counted.

        Args:
            targets: (rows, ...).
        """
        return None


if TYPE_CHECKING:
    AnyMetric = Metric
else:
    AnyMetric: Any = entry_type(Metric, "parity.metrics")
