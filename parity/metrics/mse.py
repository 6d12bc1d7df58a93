"""mse: mean squared error."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from parity.code import Case
from parity.entries import Shape, read_in
from parity.metrics import Metric

if TYPE_CHECKING:
    import numpy as np


class MSE(Metric):
    """mean over all elements of (predictions - targets)^2; lower is better.

    Of the training rows it is what the loss of that name would be for the weights of one moment, in evaluation mode;
    the loss that is trained with is another number in every batch.
    """

    kind: ClassVar[str] = "mse"
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    degree: ClassVar[int | None] = 2
    source: ClassVar = read_in(keras="metrics/regression_metrics")

    def value(self, predictions: np.ndarray, targets: np.ndarray) -> float:
        """Return the mean, 0 or more."""
        return float(((predictions - targets) ** 2).mean())

    def constant(self, trained: np.ndarray, targets: np.ndarray, outputs: Shape) -> float | None:
        """Return what the mean gets.

        >>> import numpy
        >>> MSE().constant(numpy.array([0.0, 2.0]), numpy.array([0.0, 4.0]), ())
        5.0
        """
        return self.value(trained.mean(axis=0), targets)

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="1, 4, 0 and 9 over 4 elements", fields={}, x=[[1.0, 2.0], [3.0, -1.0]],
                 targets=[[0.0, 4.0], [3.0, 2.0]], expected=3.5),
        ]  # fmt: skip
