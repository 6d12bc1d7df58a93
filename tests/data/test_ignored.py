"""Targets that a loss leaves out are of no class: they are rows, they are refused where nothing leaves them out, and no
metric counts them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import EACH_FRAMEWORK, side_of

from parity.data.loading import load, one_hot
from parity.data.section import DataSpec
from parity.errors import DataError
from parity.reference import Reference
from parity.run.target_forms import in_form, labelled
from tests.entries.test_frameworks import agree

LABELS = np.array([[1, 0, -100], [2, -100, 1]])


def test_rows_of_no_class_keep_their_number() -> None:
    rows = one_hot(LABELS, 3, -100)
    assert rows.shape == (2, 3, 3)
    assert rows[0, 0].tolist() == [0.0, 1.0, 0.0]
    assert (in_form(rows, "index") == LABELS).all()


def test_a_program_that_masks_is_given_a_class_where_there_is_none() -> None:
    rows = one_hot(LABELS, 3, -100)
    assert in_form(labelled(rows), "index").tolist() == [[1, 0, 0], [2, 0, 1]]
    assert (in_form(rows, "index") == LABELS).all(), "they are left as they were"


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
@pytest.mark.parametrize("ignored", [-100, 0])
def test_what_a_mask_leaves_out_may_be_ignored_as_well(framework: str, ignored: int) -> None:
    layers = [{"masking": {"name": "mask"}}, {"dense": {"units": 3, "name": "out"}}]
    x = np.random.default_rng(1).normal(size=(2, 3, 2))
    x[0, 2] = x[1, 1] = 0.0
    loss = {"sparse_categorical_crossentropy": {"from_logits": True, "ignore_index": ignored}}
    labels = np.where(LABELS == -100, ignored, LABELS)
    step = agree(framework, {"input": [3, 2], "layers": layers}, x, one_hot(labels, 3, ignored), loss=loss)
    assert (step.gradient["out"] == 0.0).all(axis=-1).tolist() == (labels == ignored).tolist()


@pytest.mark.parametrize(("ignored", "said"), [
    (None, "they run from -100 to 2.*or, where those below 0 count for nothing, say so: ignore_index of "
     "sparse_categorical_crossentropy"),
    (-1, "they run from -100 to 2"),
])  # fmt: skip
def test_labels_that_no_loss_leaves_out_are_refused(tmp_path: Path, ignored: int | None, said: str) -> None:
    np.savez(tmp_path / "rows.npz", X=np.zeros((2, 3)), y=LABELS)
    data = DataSpec(source=str(tmp_path / "rows.npz"))
    with pytest.raises(DataError, match=said):
        load(data, ignored={} if ignored is None else {"y": ignored})
    assert load(data, ignored={"y": -100}).classes == 3


def model(**loss: Any) -> dict[str, Any]:
    layers = [{"dense": {"units": 4, "name": "hidden", "activation": "tanh"}}, {"dense": {"units": 3, "name": "out"}}]
    return {"model": {"input": [3, 2], "layers": layers}, "loss": {"sparse_categorical_crossentropy": loss}}


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
@pytest.mark.parametrize("loss", [
    {"from_logits": True}, {"from_logits": True, "reduction": "sum"}, {"from_logits": True, "weight": 0.5},
], ids=str)  # fmt: skip
def test_steps_of_a_sequence_that_are_left_out_are_in_no_gradient(framework: str, loss: dict[str, Any]) -> None:
    told = model(ignore_index=-100, **loss)
    x = np.random.default_rng(1).normal(size=(2, 3, 2))
    step = agree(framework, told["model"], x, one_hot(LABELS, 3, -100), loss=told["loss"])
    assert not step.gradient["out"][[0, 1], [2, 1]].any()
    assert step.gradient["out"][0, 0].all()


def test_a_mean_is_over_the_targets_that_count() -> None:
    told = model(ignore_index=-100, from_logits=True)
    side = side_of("torch", told["model"], loss=told["loss"], metrics=["accuracy"])
    weights = {name: np.zeros(one.shape) for name, one in side.parameters().items()}
    y = one_hot(LABELS, 3, -100)
    assert Reference(side, weights).step(np.ones((2, 3, 2)), y, 0).loss == pytest.approx(np.log(3.0))
    (metric,) = (one.metric for one in side.metrics())
    predictions = np.eye(3)[np.array([[1, 1, 0], [2, 0, 0]])]
    assert metric.value(predictions, y) == 0.5  # Two of the four that count.
    assert metric.constant(y, y, (3, 3)) == 0.75  # By place: 1 of 1 and 2, 0 of 0, 1 of 1.
