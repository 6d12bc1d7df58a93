"""accuracy: the accuracy that Keras takes for that word, which it decides by the shapes of targets and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.code import Case
from parity.entries import Shape, read_in
from parity.metrics import Metric, TakenMetric
from parity.metrics.binary_accuracy import BinaryAccuracy
from parity.metrics.categorical_accuracy import CategoricalAccuracy
from parity.metrics.sparse_categorical_accuracy import SparseCategoricalAccuracy

if TYPE_CHECKING:
    import numpy as np


class Accuracy(Metric):
    """binary, sparse categorical or categorical accuracy, whichever ``metrics=["accuracy"]`` gives in Keras.

    Keras looks at two shapes and at nothing else, the loss included. An output whose last axis is 1 takes
    ``binary_accuracy``, a regression's too. Else targets with an axis fewer than the output, or with a last axis of 1,
    take ``sparse_categorical_accuracy``; else it is ``categorical_accuracy``, for several sigmoids side by side, too.
    Reports say which it was. Raw TensorFlow and PyTorch have no such word.
    """

    kind: ClassVar[str] = "accuracy"
    source: ClassVar = read_in(keras="trainers/compile_utils")

    def taken(self, targets: Shape, outputs: Shape) -> TakenMetric:
        """Return the accuracy that Keras takes, and why.

        >>> taken = Accuracy().taken((3, 1), (3, 1))
        >>> taken.metric.kind, taken.reason
        ('binary_accuracy', "the output's last axis is 1")
        """
        last = outputs[-1] if outputs else 1
        found: Metric = CategoricalAccuracy()
        reason = f"the output's last axis is {last}, and so is the targets'"
        if last == 1:
            found, reason = BinaryAccuracy(), "the output's last axis is 1"
        elif len(targets) < len(outputs):
            found, reason = SparseCategoricalAccuracy(), "the targets have an axis fewer than the output"
        elif targets[-1] == 1:
            found, reason = SparseCategoricalAccuracy(), f"the targets' last axis is 1, where the output's is {last}"
        return TakenMetric(name=self.kind, metric=found, reason=reason)

    def value(self, predictions: np.ndarray, targets: np.ndarray) -> float:
        """Return the accuracy that the shapes say, from 0 to 1."""
        return self.taken(targets.shape[1:], predictions.shape[1:]).metric.value(predictions, targets)

    def classes(self, targets: np.ndarray, outputs: Shape) -> np.ndarray | None:
        """Return those of the accuracy that the shapes say."""
        return self.taken(targets.shape[1:], outputs).metric.classes(targets, outputs)

    def constant(self, trained: np.ndarray, targets: np.ndarray, outputs: Shape) -> float | None:
        """Return what the accuracy that the shapes say gives."""
        return self.taken(targets.shape[1:], outputs).metric.constant(trained, targets, outputs)

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="of classes: two of three rows are right", fields={}, x=[[0.1, 0.9], [0.8, 0.2], [0.6, 0.4]],
                 targets=[[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]], expected=2 / 3),
            Case(shows="of numbers of classes: the same", fields={}, x=[[0.1, 0.9], [0.8, 0.2], [0.6, 0.4]],
                 targets=[1.0, 0.0, 1.0], expected=2 / 3),
            Case(shows="of single outputs: 0.3 is met exactly and is wrong, since it is neither 0 nor 1", fields={},
                 x=[[0.3], [0.9], [0.1]], targets=[[0.3], [1.0], [0.0]], expected=2 / 3),
        ]  # fmt: skip
