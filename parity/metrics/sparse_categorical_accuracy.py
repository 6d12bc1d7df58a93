"""sparse_categorical_accuracy: share of rows whose largest output is the class whose number the target is."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Case
from parity.entries import Shape, read_in
from parity.lazy import np
from parity.metrics import Metric


class SparseCategoricalAccuracy(Metric):
    """mean(argmax(predictions) == targets), targets being numbers of classes, (rows, ...) or (rows, ..., 1).

    With ``data.one_hot``, labels become one-hot rows before anything else sees them; such rows are read as the numbers
    they stand for, so that the name gives in a spec what it gives in Keras, and the same as ``categorical_accuracy``.
    A row whose outputs are not finite counts as wrong.
    """

    kind: ClassVar[str] = "sparse_categorical_accuracy"
    source: ClassVar = read_in(keras="metrics/accuracy_metrics")

    def value(self, predictions: np.ndarray, targets: np.ndarray) -> float:
        """Return the share of rows that are right, from 0 to 1."""
        classes = self.classes(targets, predictions.shape[1:])
        finite = np.isfinite(predictions).all(axis=-1)
        return float(((predictions.argmax(axis=-1) == classes) & finite).mean())

    def classes(self, targets: np.ndarray, outputs: Shape) -> np.ndarray:
        """Return the targets, or of one-hot rows the place of the largest."""
        if targets.ndim == len(outputs) + 1:
            targets = targets[..., 0] if targets.shape[-1] == 1 else targets.argmax(axis=-1)
        return targets

    @classmethod
    def cases(cls) -> list[Case]:
        outputs = [[0.1, 0.9], [0.8, 0.2], [0.6, 0.4]]
        return [
            Case(shows="two of three rows are right", fields={}, x=outputs, targets=[1.0, 0.0, 1.0], expected=2 / 3),
            Case(shows="the numbers may have an axis of their own", fields={}, x=outputs,
                 targets=[[1.0], [0.0], [1.0]], expected=2 / 3),
            Case(shows="one-hot rows are read as the numbers they stand for", fields={}, x=outputs,
                 targets=[[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]], expected=2 / 3),
        ]  # fmt: skip
