"""mae: mean absolute error."""

from __future__ import annotations

from typing import ClassVar, Literal

from parity.code import Case
from parity.entries import Shape, read_in
from parity.lazy import np
from parity.metrics import Metric


class MAE(Metric):
    """mean over all elements of |predictions - targets|, in the targets' own unit; lower is better."""

    kind: ClassVar[str] = "mae"
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    degree: ClassVar[int | None] = 1
    source: ClassVar = read_in(keras="metrics/regression_metrics")

    def value(self, predictions: np.ndarray, targets: np.ndarray) -> float:
        """Return the mean, 0 or more."""
        return float(np.abs(predictions - targets).mean())

    def constant(self, trained: np.ndarray, targets: np.ndarray, outputs: Shape) -> float | None:
        """Return what the median gets.

        >>> import numpy
        >>> MAE().constant(numpy.array([0.0, 1.0, 5.0]), numpy.array([0.0, 2.0]), ())
        1.0
        """
        return self.value(np.median(trained, axis=0), targets)

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="1, 2, 0 and 3 over 4 elements", fields={}, x=[[1.0, 2.0], [3.0, -1.0]],
                 targets=[[0.0, 4.0], [3.0, 2.0]], expected=1.5),
        ]  # fmt: skip
