"""Numbers of two sides that are one number where a program keeps them in float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.spec.differences import differences, with_numbers_of
from parity.spec.kept import KEPT
from parity.spec.load import build_spec
from parity.spec.resolve import Resolved, resolve

MEAN, VARIANCE = [0.485, 0.0, -3.1], [0.05, 1e-4, 9.7]
SPEC: dict[str, Any] = {
    "name": "kept", "data": {"source": "blobs"},
    "model": {"input": [3], "layers": [
        {"normalization": {"mean": MEAN, "variance": VARIANCE, "name": "n"}}, {"dense": {"units": 3, "name": "d"}},
    ]},
    "loss": {"categorical_crossentropy": {"from_logits": True, "class_weight": [1.0, 1 / 3, 0.7]}},
    "optimizer": {"adam": {"learning_rate": 0.001}},
}  # fmt: skip


def rounded(value: Any) -> Any:
    return np.asarray(value, np.float32).astype(float).tolist()


def sides(changes: dict[str, Any]) -> tuple[Resolved, Resolved]:
    spec = {**SPEC, "sides": {"a": {"framework": "keras"}, "b": {"framework": "torch", "changes": changes}}}
    a, b = resolve(build_spec(spec))
    return a, b


@pytest.mark.parametrize("changes", [
    {"layers.n.mean": rounded(MEAN), "layers.n.variance": rounded(VARIANCE)},
    # Of a column that goes from -0.03 to 0.03: float32 sums are no better.
    {"layers.n.mean": rounded([0.485, 3e-9, -3.1])},
    {"layers.n.mean": rounded([0.485 * (1.0 + 1.6e-6), 0.0, -3.1])},  # Of the pixels of many images, in float32.
    {"loss.class_weight": rounded([1.0, 1 / 3, 0.7])},
    {"optimizer.learning_rate": rounded(0.001)},
])  # fmt: skip
def test_what_float32_makes_of_a_number_does_nothing(changes: dict[str, Any]) -> None:
    a, b = sides(changes)
    found = differences(a, b)
    assert [one.path for one in found] == list(changes)
    assert {one.reason for one in found} == {KEPT}
    mixed = with_numbers_of(a, b)
    assert mixed is not None
    assert differences(mixed, b) == []


@pytest.mark.parametrize("changes", [
    {"layers.n.mean": [0.4851, 0.0, -3.1]}, {"layers.n.mean": [0.485, 1e-4, -3.1]},
    {"layers.n.variance": [0.05, 1.0001e-4, 9.7]},  # Over n - 1 rows of ten thousand.
    {"loss.class_weight": [1.0, 0.3333, 0.7]}, {"optimizer.learning_rate": 0.00101}, {"optimizer.epsilon": 2e-7},
    {"layers.d.units": 3, "optimizer.amsgrad": True},
    {"optimizer.learning_rate": 0.0010000000001}, {"layers.n.mean": [0.48500000001, 0.0, -3.1]},  # Somebody wrote it.
])  # fmt: skip
def test_any_other_number_does_something(changes: dict[str, Any]) -> None:
    a, b = sides(changes)
    assert all(one.reason != KEPT for one in differences(a, b))
    assert with_numbers_of(a, b) is None
