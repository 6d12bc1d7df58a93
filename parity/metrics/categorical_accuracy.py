"""categorical_accuracy: share of rows whose largest output is the target's class."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.entries import Shape, read_in
from parity.lazy import np
from parity.metrics import Metric


class CategoricalAccuracy(Metric):
    """mean(argmax(predictions) == argmax(targets)) over the last axis.

    Logits and their softmax give the same value. The first of several equal maxima counts, as in
    ``tf.argmax``. A row whose outputs are not finite counts as wrong: ``argmax`` would call class 0, and a model
    that produces nothing but NaN would be right for every row of that class.
    """

    kind: ClassVar[str] = "categorical_accuracy"
    source: ClassVar = read_in(keras="metrics/accuracy_metrics")

    def value(self, predictions: np.ndarray, targets: np.ndarray) -> float:
        """Return the share of rows that are right, from 0 to 1."""
        finite = np.isfinite(predictions).all(axis=-1)
        right = predictions.argmax(axis=-1) == targets.argmax(axis=-1)
        return float((right & finite).mean())

    def classes(self, targets: np.ndarray, outputs: Shape) -> np.ndarray | None:
        """Return the place of the largest target."""
        return np.asarray(targets.argmax(axis=-1))

    @classmethod
    def cases(cls) -> list[Case]:
        nan = float("nan")
        return [
            Case(shows="two of three rows are right", fields={}, x=[[0.1, 0.9], [0.8, 0.2], [0.6, 0.4]],
                 targets=[[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]], expected=2 / 3),
            Case(shows="a row of NaN is wrong", fields={}, x=[[nan, nan], [0.8, 0.2]],
                 targets=[[1.0, 0.0], [1.0, 0.0]], expected=0.5),
            Case(shows="places of a row count one by one: three of four", fields={},
                 x=[[[0.1, 0.9], [0.8, 0.2]], [[0.6, 0.4], [0.3, 0.7]]],
                 targets=[[[0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]], expected=0.75),
        ]  # fmt: skip
