"""A sum that is divided by the rows of a batch, and a mean: one loss, where every batch has as many rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers_pairs import DENSE, SOFT, X, Y, classes, pair_of, reading

from parity.catalog import LOSSES
from parity.reading.whole import ReadProgram

KINDS = ["mse", "huber", "sigmoid_crossentropy"]


def of(loss: Any, units: int = 1, rows: int = 8, **more: Any) -> ReadProgram:
    """Return a program of so many outputs, which trains on batches of four rows."""
    targets = np.repeat(Y, units, axis=1)
    layers = [DENSE[0], {"dense": {"units": units, "name": "dense_1"}}]
    return reading("torch", layers, {"X": X[:rows], "y": targets[:rows]}, loss=loss, **more)


def summed(kind: str, weight: float, reduction: str = "sum") -> dict[str, Any]:
    return {kind: {"reduction": reduction, "weight": weight}}


def changed(a: ReadProgram, b: ReadProgram) -> list[dict[str, Any]]:
    """Return what the second of two programs does otherwise, either of them as the second."""
    return [pair_of(*sides).spec["sides"]["b"].get("changes", {}) for sides in ((a, b), (b, a))]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("units", "reduction", "weight"), [
    (1, "sum", 1 / 4), (3, "sum", 1 / 12), (3, "sum_over_rows", 1 / 4),
])  # fmt: skip
def test_a_sum_over_a_batch_that_is_divided_by_what_it_sums_is_the_mean(
    kind: str, units: int, reduction: str, weight: float
) -> None:  # fmt: skip
    mean, total = of(kind, units), of(summed(kind, weight, reduction), units)
    assert changed(mean, total) == [{}, {}]
    assert pair_of(total, mean).spec["loss"] == kind
    rng = np.random.default_rng(0)
    outputs, targets = rng.uniform(0.1, 0.9, (4, units)), rng.uniform(0.1, 0.9, (4, units))
    values = [LOSSES[kind].model_validate(fields).value(outputs, targets, logits=False)
              for fields in ({}, summed(kind, weight, reduction)[kind])]  # fmt: skip
    np.testing.assert_allclose(*values, rtol=1e-12)


def test_it_is_said() -> None:
    found = pair_of(of("mse"), of(summed("mse", 1 / 4)))
    assert found.notes[0] == (
        "b sums its loss over the 4 rows of each batch and divides by as many, a takes the mean: the same loss."
    )


def test_a_factor_that_both_have_stays() -> None:
    assert changed(of({"mse": {"weight": 0.5}}), of(summed("mse", 1 / 8))) == [{}, {}]


def test_classes_that_count_more_are_divided_by_the_rows() -> None:
    weights = {"class_weight": [1.0, 2.0, 1.0], "from_logits": True}
    kind = "sparse_categorical_crossentropy"
    total = classes("", loss={kind: {**weights, "reduction": "sum", "weight": 1 / 4, "divisor": "weights"}})
    assert changed(classes("", loss={kind: weights}), total) == [{}, {}]
    assert all("loss" in one for one in changed(classes("", loss={kind: {**weights, "divisor": "weights"}}), total))


def test_a_last_batch_that_is_left_out_does_not_count() -> None:
    training = {"batch_size": 4, "epochs": 2, "shuffle": True, "seed": 0, "drop_remainder": True}
    told: Any = {"rows": 7, "training": training}
    assert changed(of("mse", **told), of(summed("mse", 1 / 4), **told)) == [{}, {}]


def test_rows_to_validate_on_are_in_no_batch() -> None:
    told: Any = {"data": {"source": "rows.npz", "validation_split": 0.5}}
    assert changed(of("mse", **told), of(summed("mse", 1 / 4), **told)) == [{}, {}]
    told = {"data": {"source": "rows.npz", "validation_split": 0.25}}
    assert all("loss" in one for one in changed(of("mse", **told), of(summed("mse", 1 / 4), **told)))


def test_who_brings_no_data_has_the_batches_of_the_other_one() -> None:
    for rows, split, same in ((8, 0.0, True), (7, 0.0, False), (8, 0.25, False)):
        data = {"source": "rows.npz", "validation_split": split}
        mean, total = of("mse", rows=rows, data=data), of(summed("mse", 1 / 4), rows=7 if rows == 8 else 8)
        total.made_up = True
        assert ["loss" not in one for one in changed(mean, total)] == [same, same]


SPARSE = "sparse_categorical_crossentropy"


@pytest.mark.parametrize(("mean", "total"), [
    (of("mse"), of(summed("mse", 1.0))),  # A sum, and nothing else.
    (of(summed("mse", 1.0)), of(summed("mse", 1 / 4))),  # Two sums.
    (of("mse"), of(summed("mse", 1 / 8))),  # Divided by more.
    (of("mse", 3), of(summed("mse", 1 / 4), 3)),  # By the rows, and each has three numbers.
    (of("mse", rows=7), of(summed("mse", 1 / 4), rows=7)),  # The last batch has three rows, and other weights.
    (of("mae"), of(summed("mse", 1 / 4))),
    (of({"mse": {"broadcast": "stretch"}}), of({"mse": {"reduction": "sum", "weight": 1 / 4}})),
    (of("mse"), of({"mse": {"reduction": "sum", "weight": 1 / 4, "broadcast": "stretch"}})),
    (of({"mse": {"reduction": "mean_with_sample_weight"}}), of(summed("mse", 1 / 4))),
    (classes("", loss={SPARSE: {"from_logits": True, "ignore_index": 0}}),
     classes("", loss={SPARSE: {"from_logits": True, "ignore_index": 0, "reduction": "sum", "weight": 1 / 4}})),
    (classes("softmax", **SOFT), classes("softmax", loss=summed("categorical_crossentropy", 1 / 2))),
    (of("kl_divergence", 3), of(summed("kl_divergence", 1 / 4), 3)),
])  # fmt: skip
def test_a_sum_that_is_no_mean_stays_a_difference(mean: ReadProgram, total: ReadProgram) -> None:
    for told, wanted in zip(changed(mean, total), (total, mean), strict=True):
        assert told["loss"] == wanted.spec["loss"]


def test_a_mean_over_the_steps_that_count_is_no_sum_over_all() -> None:
    layers = [{"embedding": {"input_dim": 9, "output_dim": 2, "mask_zero": True, "name": "e"}},
              {"dense": {"units": 3, "name": "d"}}]  # fmt: skip
    rows = {"X": np.arange(32).reshape(8, 4) % 9, "y": np.arange(32).reshape(8, 4) % 3}
    told = {"from_logits": True}
    a, b = (reading("keras", layers, rows, loss={SPARSE: loss})
            for loss in (told, {**told, "reduction": "sum", "weight": 1 / 16}))  # fmt: skip
    for one in (a, b):
        one.spec["model"] = {"inputs": {"tokens": {"shape": [4], "dtype": "integer"}}, "layers": layers}
    assert all("loss" in one for one in changed(a, b))
    for one in (a, b):
        one.spec["model"]["layers"][0]["embedding"]["mask_zero"] = False
    assert changed(a, b) == [{}, {}]
