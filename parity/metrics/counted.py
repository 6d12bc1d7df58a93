"""A metric of the targets that a loss counts, where it leaves out those of one number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parity.entries import Shape
from parity.lazy import np
from parity.metrics import OfMetric, TakenMetric
from parity.rows import numbers_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class OfCounted(OfMetric):
    """A metric of classes, of the targets that count alone; its name stays what it is."""

    ignored: int

    def _seen(self, targets: np.ndarray) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = numbers_of(targets) != self.ignored
        return found

    def value(self, predictions: np.ndarray, targets: np.ndarray) -> float:
        seen = self._seen(targets)
        return self.metric.value(predictions[seen], targets[seen]) if seen.any() else float("nan")

    def classes(self, targets: np.ndarray, outputs: Shape) -> np.ndarray | None:
        seen = self._seen(targets)
        return self.metric.classes(targets[seen], outputs[-1:])

    def constant(self, trained: np.ndarray, targets: np.ndarray, outputs: Shape) -> float | None:
        if self.classes(targets, outputs) is None:
            return None
        chosen, judged, width = numbers_of(trained), numbers_of(targets), outputs[-1]
        counts = np.stack([((chosen == number) & (chosen != self.ignored)).sum(axis=0) for number in range(width)])
        return float((judged == counts.argmax(axis=0))[judged != self.ignored].mean())

    def taken(self, targets: Shape, outputs: Shape) -> TakenMetric:
        found = self.metric.taken(targets, outputs)
        return TakenMetric(name=self.name, metric=OfCounted(metric=found.metric, ignored=self.ignored),
                           reason=found.reason)  # fmt: skip

    def reachable(self, targets: np.ndarray) -> int | None:
        return self.metric.reachable(targets[self._seen(targets)])

    def size(self, targets: np.ndarray) -> int:
        return int(targets[self._seen(targets)].size)

    def label(self) -> str:
        return f"{self.metric.label()} of targets other than {self.ignored}"
