"""Metrics: one file each, computed in NumPy from predictions, so that every side is judged by the same code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import SkipValidation

from parity.discovery import entry_type
from parity.entries import Entry, Shape
from parity.lazy import np
from parity.rows import apart

VALIDATION = "val_"
"""Stands before a metric's name where it is that of the validation rows, as in Keras."""


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

    @property
    def name(self) -> str:
        """Return under which name its values are reported."""
        return self.kind

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

    def size(self, targets: np.ndarray) -> int:
        """Return the number of the target values it is about."""
        return targets.size


class OfMetric(Metric):
    """Base of metrics that are another one of a part of predictions and targets."""

    metric: SkipValidation[Metric]

    @property
    def name(self) -> str:
        return self.metric.name

    @property
    def kind(self) -> str:  # type: ignore[override]
        """Return the kind of the metric itself."""
        return self.metric.kind

    @property
    def better(self) -> Literal["higher", "lower"]:  # type: ignore[override]
        """Return which values of it are the better ones."""
        return self.metric.better

    @property
    def degree(self) -> int | None:  # type: ignore[override]
        """Return the power of the targets' unit in which it is measured."""
        return self.metric.degree


class OfOutput(OfMetric):
    """A metric of one output of several, whose predictions and targets stand side by side in a row.

    Its name is Keras's: ``label_accuracy`` for the accuracy of ``label``.
    """

    output: str
    places: tuple[Mapping[str, Any], ...]

    @property
    def name(self) -> str:
        return f"{self.output}_{self.metric.name}"

    @property
    def _at(self) -> int:
        return [place["name"] for place in self.places].index(self.output)

    @property
    def _shape(self) -> Shape:
        return tuple(self.places[self._at]["shape"])

    def _own(self, rows: np.ndarray) -> np.ndarray:
        return apart(rows, self.places)[self._at]

    def value(self, predictions: np.ndarray, targets: np.ndarray) -> float:
        return self.metric.value(self._own(predictions), self._own(targets))

    def classes(self, targets: np.ndarray, outputs: Shape) -> np.ndarray | None:
        return self.metric.classes(self._own(targets), self._shape)

    def constant(self, trained: np.ndarray, targets: np.ndarray, outputs: Shape) -> float | None:
        return self.metric.constant(self._own(trained), self._own(targets), self._shape)

    def taken(self, targets: Shape, outputs: Shape) -> TakenMetric:
        found = self.metric.taken(self._shape, self._shape)
        metric = OfOutput(output=self.output, metric=found.metric, places=self.places)
        return TakenMetric(name=self.name, metric=metric, reason=found.reason)

    def reachable(self, targets: np.ndarray) -> int | None:
        return self.metric.reachable(self._own(targets))

    def size(self, targets: np.ndarray) -> int:
        return self._own(targets).size

    def label(self) -> str:
        return f"{self.metric.label()} of {self.output}"


if TYPE_CHECKING:
    AnyMetric = Metric
else:
    AnyMetric: Any = entry_type(Metric, "parity.metrics")
