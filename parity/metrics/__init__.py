"""Metrics: one file each, computed in NumPy from predictions, so that every side is judged by the same code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from parity.entries import Entry, Shape, entry_type
from parity.lazy import np


@dataclass(frozen=True, kw_only=True)
class TakenMetric:
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

    degree: ClassVar[int | None] = None
    """Power of the targets' unit in which it is measured; None where it is a share, or what it is depends on more."""

    def value(self, predictions: np.ndarray, targets: np.ndarray) -> float:
        """Return the metric.

        Args:
            predictions: model outputs, (rows, ...).
            targets: (rows, ...).
        """
        raise TypeError(f"{type(self).__name__} has no meaning")

    def classes(self, targets: np.ndarray, outputs: Shape) -> np.ndarray | None:
        """Return the number of the class by which each row is judged; None where rows are not judged by a class.

        Args:
            targets: (rows, ...).
            outputs: shape of a row of the outputs.
        """
        return None

    def constant(self, trained: np.ndarray, targets: np.ndarray, outputs: Shape) -> float | None:
        """Return what the best prediction gets that is the same for every row; None where that is not known.

        Of classes that is the share of the one that most rows have.

        Args:
            trained: targets that the prediction is chosen by, (rows, ...).
            targets: those that it is held against, (rows, ...).
            outputs: shape of a row of the outputs.
        """
        chosen, judged = self.classes(trained, outputs), self.classes(targets, outputs)
        if chosen is None or judged is None:
            return None
        counts = np.stack([(chosen == number).sum(axis=0) for number in range(int(chosen.max(initial=0)) + 1)])
        return float((judged == counts.argmax(axis=0)).mean())

    def taken(self, targets: Shape, outputs: Shape) -> TakenMetric:
        """Return what is computed under this name: the metric itself, unless the shapes decide.

        Args:
            targets: shape of a row of the targets.
            outputs: shape of a row of the outputs.
        """
        return TakenMetric(name=self.kind, metric=self)

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
