"""Optimizers told by what they make of weights: each rule by its own moves, and what no rule is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.catalog import OPTIMIZERS
from parity.reading.fitted import fitted

STEPS, WEIGHTS = 3, 24


def moved(kind: str, fields: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    entry = OPTIMIZERS[kind].model_validate(fields)
    generator = np.random.default_rng(0)
    w, gradients = generator.normal(size=WEIGHTS), generator.normal(size=(STEPS, WEIGHTS))
    slots, weights = entry.init(w), [w]
    for number, gradient in enumerate(gradients):
        move, slots = entry.update(w, gradient, slots, number)
        w = w + move
        weights.append(w)
    return np.array(weights), gradients


@pytest.mark.parametrize(
    ("kind", "fields", "numbers"),
    [
        ("sgd", {"learning_rate": 0.1}, [0.1]),
        ("sgd", {"learning_rate": 0.05, "momentum": 0.9}, [0.05, 0.9]),
        ("sgd", {"learning_rate": 0.01, "momentum": 0.9, "nesterov": True, "decay": 1e-6}, [0.01, 1.0, 1e-6, 0.9]),
        ("adam", {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}, [0.001, 0.1, 0.999, 1e-8]),
        ("adam", {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-3,
                  "epsilon_place": "after_correction"}, [0.001, 0.9, 0.99, 1.0, 0.001]),
        ("rmsprop", {"learning_rate": 0.01, "rho": 0.95, "epsilon": 1e-6}, [0.01, 0.95, 1e-6]),
        ("adagrad", {"learning_rate": 0.5, "epsilon": 1e-7, "initial_accumulator_value": 0.1}, [0.5, 1e-7, 0.1]),
    ],
)  # fmt: skip
def test_a_rule_is_told_by_its_moves(kind: str, fields: dict[str, Any], numbers: list[float]) -> None:
    found = fitted(*moved(kind, fields), numbers).entry
    assert found is not None
    ((name, said),) = found.items()
    known = OPTIMIZERS[kind].model_validate(fields)
    assert (name, OPTIMIZERS[name].model_validate(said)) == (kind, known)


def test_what_no_rule_is_is_not_told() -> None:
    weights, gradients = moved("sgd", {"learning_rate": 0.1})
    assert fitted(weights + 1e-6 * np.arange(STEPS + 1)[:, None], gradients, [0.1]).entry is None
    found = fitted(weights, gradients, [0.2])
    assert found.entry is None
    assert found.sentence.startswith("none of ")
    assert fitted(np.zeros_like(weights), gradients, [0.1]).entry is None


def test_a_move_that_is_off_by_a_millionth_is_another_rule() -> None:
    weights, gradients = moved("sgd", {"learning_rate": 0.01, "decay": 1e-6})
    assert fitted(weights, gradients, [0.01]).entry is None
