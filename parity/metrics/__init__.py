"""Metrics: one file each, computed in NumPy from predictions, so that every side is judged by the same code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from parity.entries import Entry, entry_type

if TYPE_CHECKING:
    import numpy as np


class Metric(Entry):
    """Base of the metrics."""

    better: ClassVar[Literal["higher", "lower"]] = "higher"
    """Which way it improves."""

    def value(self, predictions: np.ndarray, targets: np.ndarray) -> float:
        """Return the metric.

        Args:
            predictions: model outputs, (rows, ...).
            targets: (rows, ...).
        """
        raise TypeError(f"{type(self).__name__} has no meaning")


if TYPE_CHECKING:
    AnyMetric = Metric
else:
    AnyMetric: Any = entry_type(Metric, "parity.metrics")
