"""One unit for the outcomes of sides whose targets or metrics are not the same, and what a constant prediction gets."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.metrics import Metric
from parity.metrics.accuracy import Accuracy
from parity.metrics.binary_accuracy import BinaryAccuracy
from parity.metrics.categorical_accuracy import CategoricalAccuracy
from parity.metrics.mae import MAE
from parity.metrics.mse import MSE
from parity.metrics.sparse_categorical_accuracy import SparseCategoricalAccuracy
from parity.trials.units import MeasuredOn, UnitError, factor

LABELS = np.array([0, 1, 2, 1, 1])
Y = np.array([[0.0], [1.0], [4.0], [2.0]])


def judged(targets: Any, outputs: tuple[int, ...] | None = None, name: str = "b") -> MeasuredOn:
    targets = np.asarray(targets, dtype=float)
    return MeasuredOn(
        name=name, trained=targets, targets=targets, outputs=targets.shape[1:] if outputs is None else outputs
    )


@given(st.floats(1e-3, 1e3), st.floats(-10, 10), st.booleans())
def test_scaled_targets_are_put_into_the_first_sides_unit(scale: float, shift: float, turned: bool) -> None:
    """An error of predictions scaled alike is scaled by k, its square by k^2."""
    slope = -scale if turned else scale
    predictions = Y + np.array([[0.5], [-0.25], [1.0], [0.0]])
    for metric in (MSE(), MAE()):
        here = metric.value(predictions, Y)
        there = metric.value(slope * predictions + shift, slope * Y + shift)
        assert there * factor(metric, judged(Y, name="a"), judged(slope * Y + shift)) == pytest.approx(here, rel=1e-6)


def test_the_same_targets_in_another_shape_are_in_one_unit() -> None:
    assert factor(MSE(), judged(Y), judged(Y.ravel(), (1,))) == 1.0


def test_other_targets_are_not_compared() -> None:
    with pytest.raises(UnitError, match="mse is measured against other targets on b than on a") as caught:
        factor(MSE(), judged(Y, name="a"), judged([[0.0], [1.0], [4.0], [3.0]]))
    assert "--outcome" in str(caught.value)


@pytest.mark.parametrize("metric", [Accuracy(), CategoricalAccuracy(), SparseCategoricalAccuracy()])
def test_classes_as_numbers_and_as_one_hot_rows_are_the_same_classes(metric: Metric) -> None:
    numbers = metric if not isinstance(metric, CategoricalAccuracy) else SparseCategoricalAccuracy()
    one_hot, index = judged(np.eye(3)[LABELS], (3,)), judged(LABELS, (3,))
    assert factor(metric, one_hot, one_hot) == 1.0
    assert factor(numbers, one_hot, index) == factor(numbers, index, one_hot) == 1.0


def test_one_sigmoid_and_two_softmax_outputs_are_judged_by_the_same_classes() -> None:
    labels = np.array([0, 1, 1, 0])
    assert factor(Accuracy(), judged(np.eye(2)[labels], (2,)), judged(labels[:, None], (1,))) == 1.0


def test_a_share_of_values_and_a_share_of_rows_are_not_compared() -> None:
    """Of ten outputs side by side nine are right about a row that is wrong."""
    with pytest.raises(UnitError, match=re.escape("binary_accuracy on b, which are other questions")):
        factor(Accuracy(), judged(np.eye(3)[LABELS], (3,), "a"), judged([[0.5], [1], [0], [1], [0]], (1,)))


def test_other_classes_are_not_compared() -> None:
    with pytest.raises(UnitError, match="other classes"):
        factor(Accuracy(), judged(np.eye(3)[LABELS], (3,)), judged(np.eye(3)[LABELS[::-1]], (3,)))


@pytest.mark.parametrize(
    ("metric", "trained", "targets", "outputs", "expected"),
    [
        (CategoricalAccuracy(), np.eye(3)[LABELS], np.eye(3)[[1, 0]], (3,), 0.5),
        (SparseCategoricalAccuracy(), LABELS, LABELS, (3,), 0.6),
        (BinaryAccuracy(), [[1], [1], [0]], [[1], [0], [0]], (1,), 1 / 3),
        (BinaryAccuracy(), [[1, 0], [1, 0], [0, 0]], [[1, 0], [0, 1]], (2,), 0.5),
        (Accuracy(), np.eye(3)[LABELS], np.eye(3)[LABELS], (3,), 0.6),
        (Accuracy(), [[1], [1], [0]], [[1], [1], [0]], (1,), 2 / 3),
        (MSE(), [[0], [2]], [[0], [4]], (1,), 5.0),
        (MAE(), [[0], [1], [5]], [[0], [2]], (1,), 1.0),
    ],
)
def test_what_a_constant_prediction_gets(
    metric: Metric, trained: Any, targets: Any, outputs: tuple[int, ...], expected: float
) -> None:
    given = (np.asarray(trained, dtype=float), np.asarray(targets, dtype=float))
    assert metric.constant(*given, outputs) == pytest.approx(expected)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_no_constant_prediction_does_better(labels: list[int]) -> None:
    targets = np.eye(4)[labels]
    best = max(CategoricalAccuracy().value(np.tile(np.eye(4)[one], (len(labels), 1)), targets) for one in range(4))
    assert CategoricalAccuracy().constant(targets, targets, (4,)) == pytest.approx(best)
