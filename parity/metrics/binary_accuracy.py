"""binary_accuracy: share of target values that the outputs, made 0 or 1 by a threshold, are equal to."""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field

from parity.code import Case
from parity.entries import Shape, read_in
from parity.lazy import np
from parity.metrics import Metric


class BinaryAccuracy(Metric):
    """mean over all elements of (1 where predictions > threshold, else 0) == targets.

    The targets are compared as they are, not rounded: a target of 0.3 is never right, whatever is predicted. So on
    targets that are not all 0 or 1 no model gets above the share of those that are, see :meth:`reachable`. Keras
    computes it element by element and takes the mean over all of them, whatever the shape; it also takes a threshold
    of 0.5 for logits. A value that is not finite counts as wrong; Keras takes NaN for 0.
    """

    kind: ClassVar[str] = "binary_accuracy"
    source: ClassVar = read_in(keras="metrics/accuracy_metrics")

    threshold: float = Field(default=0.5, description="outputs above it are taken for 1, others for 0")

    def value(self, predictions: np.ndarray, targets: np.ndarray) -> float:
        """Return the share of values that are right, from 0 to 1."""
        right = (predictions > self.threshold) == targets
        return float((right & np.isfinite(predictions)).mean())

    def classes(self, targets: np.ndarray, outputs: Shape) -> np.ndarray | None:
        """Return the targets where there is one a row, and each is 0 or 1; of several no row is judged as a whole."""
        if math.prod(outputs) != 1 or not np.isin(targets, (0, 1)).all():
            return None
        return targets.reshape(len(targets)).astype(int)

    def constant(self, trained: np.ndarray, targets: np.ndarray, outputs: Shape) -> float | None:
        """Return what 0 or 1 gets, whichever more of the values trained on are, each place of a row by itself.

        >>> import numpy
        >>> BinaryAccuracy().constant(numpy.array([[1.0], [1.0], [0.0]]), numpy.array([[1.0], [0.0]]), (1,))
        0.5
        """
        ones = (trained == 1).sum(axis=0) > (trained == 0).sum(axis=0)
        return float((ones == targets).mean())

    def reachable(self, targets: np.ndarray) -> int | None:
        """Return how many target values are exactly 0 or 1."""
        return int(((targets == 0) | (targets == 1)).sum())

    @classmethod
    def cases(cls) -> list[Case]:
        nan = float("nan")
        return [
            Case(shows="three of four: 0.6 is taken for 1", fields={}, x=[[0.98], [1.0], [0.0], [0.6]],
                 targets=[[1.0], [1.0], [0.0], [0.0]], expected=0.75),
            Case(shows="the threshold itself is taken for 0", fields={}, x=[[0.5], [0.5]], targets=[[0.0], [1.0]],
                 expected=0.5),
            Case(shows="another threshold: logits of 0.2 and -0.2", fields={"threshold": 0.0}, x=[[0.2], [-0.2]],
                 targets=[[1.0], [0.0]], expected=1.0),
            Case(shows="a perfect regression is right where the target is exactly 0 or 1: two of six values",
                 fields={}, x=[[[0.0], [0.3], [0.7]], [[1.0], [0.4], [0.5]]],
                 targets=[[[0.0], [0.3], [0.7]], [[1.0], [0.4], [0.5]]], expected=1 / 3),
            Case(shows="NaN is wrong, whatever the target", fields={}, x=[[nan], [0.2]], targets=[[0.0], [0.0]],
                 expected=0.5),
        ]  # fmt: skip
