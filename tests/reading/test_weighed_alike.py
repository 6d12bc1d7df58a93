"""Weights of classes in the loss of one program, and weights of rows in the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_pairs import DENSE, X, pair_of, reading

from parity import api
from parity.errors import UsageError
from parity.reading.whole import ReadProgram

SPARSE, HOT = "sparse_categorical_crossentropy", "categorical_crossentropy"
LABELS = np.arange(8) % 3
OF_CLASS = (0.1, 2.0, 0.7)
WEIGHTS = np.array(OF_CLASS, np.float32)[LABELS]
LAYERS = [DENSE[0], {"dense": {"units": 3, "name": "dense_1"}}]
ONE_HOT = np.eye(3, dtype="float32")[LABELS]


def by_class(kind: str = SPARSE, y: Any = LABELS, **loss: Any) -> ReadProgram:
    """Return a program whose loss weighs its classes."""
    told = {"from_logits": True, "class_weight": list(OF_CLASS), **loss}
    return reading("keras", LAYERS, {"X": X, "y": y}, loss={kind: told})


def by_row(weights: Any = WEIGHTS, y: Any = LABELS, **loss: Any) -> ReadProgram:
    """Return a program that weighs its rows."""
    data = {"source": "rows.npz", "sample_weights": "sample_weights"}
    rows = {"X": X, "y": y, "sample_weights": weights}
    return reading("torch", LAYERS, rows, loss={SPARSE: {"from_logits": True, **loss}}, data=data)


def changed(a: ReadProgram, b: ReadProgram) -> tuple[Any, dict[str, Any]]:
    """Return two programs as one spec, and what the second does otherwise."""
    found = pair_of(a, b)
    return found, found.spec["sides"]["b"].get("changes", {})


@pytest.mark.parametrize(("a", "b"), [
    (by_class(), by_row()), (by_class(HOT, ONE_HOT), by_row()), (by_class(reduction="sum"), by_row(reduction="sum")),
    (by_class(divisor="weights"), by_row(reduction="mean_with_sample_weight")),
])  # fmt: skip
@pytest.mark.parametrize("turned", [False, True])
def test_weights_of_classes_are_those_of_the_rows(a: ReadProgram, b: ReadProgram, turned: bool) -> None:
    found, changes = changed(*([b, a] if turned else [a, b]))
    assert changes == {}
    assert found.spec["data"]["sample_weights"] == "sample_weights"
    np.testing.assert_array_equal(found.rows.arrays["sample_weights"], np.array(OF_CLASS)[LABELS], strict=True)
    assert "class_weight" not in str(found.spec["loss"])
    names = ("b", "a") if turned else ("a", "b")
    told = "{} weighs its classes in its loss, {} its rows: what a row counts is the same."
    assert found.notes[0] == told.format(*names)


@pytest.mark.parametrize("turned", [False, True])
def test_what_a_mean_is_divided_by_is_the_one_difference(turned: bool) -> None:
    for a, b in ((by_class(), by_row(reduction="mean_with_sample_weight")), (by_class(divisor="weights"), by_row())):
        _, changes = changed(*([b, a] if turned else [a, b]))
        assert set(changes) == {"loss"}
        reduction = changes["loss"][SPARSE].get("reduction", "mean")
        mean = (by_class().spec == a.spec) is turned
        assert reduction == ("mean" if mean else "mean_with_sample_weight")


def test_other_weights_are_the_one_difference() -> None:
    found, changes = changed(by_class(), by_row(2.0 * WEIGHTS))
    assert changes == {"data.sample_weights": "b_weights"}
    np.testing.assert_array_equal(found.rows.arrays["b_weights"], 2.0 * WEIGHTS)
    assert found.notes[0].endswith("its rows, which count otherwise.")


def test_rows_to_validate_on_count_by_their_class() -> None:
    a, b = by_class(), by_row(WEIGHTS[:6], LABELS[:6])
    a.spec["data"] = {"source": "rows.npz", "validation_split": 0.25}
    b.arrays["X"] = X[:6]
    found, changes = changed(a, b)
    assert changes == {}
    np.testing.assert_array_equal(found.rows.arrays["sample_weights"], np.array(OF_CLASS)[LABELS])


@pytest.mark.parametrize(("a", "b"), [
    (by_class(y=np.where(LABELS == 0, -1, LABELS), ignore_index=-1), by_row()),
    (by_class(HOT, np.full((8, 3), 1 / 3)), by_row()),  # No row is of one class.
])  # fmt: skip
def test_what_cannot_be_told_by_row_is_refused(a: ReadProgram, b: ReadProgram) -> None:
    with pytest.raises(UsageError, match="weighs its rows and a its classes"):
        pair_of(a, b)


ROWS = """
import numpy as np
generator = np.random.default_rng(0)
x, y = generator.normal(size=(24, 4)).astype("float32"), generator.integers(0, 3, 24)
of_class = [0.1, 2.3, 0.7]
"""

KERAS = """{rows}
import keras
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
model.compile(optimizer=keras.optimizers.SGD(0.5), loss="sparse_categorical_crossentropy")
model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0, class_weight=dict(enumerate(of_class)))
"""

TORCH = """{rows}
import torch
from torch import nn
net = nn.Linear(4, 3)
nn.init.xavier_uniform_(net.weight)
nn.init.zeros_(net.bias)
of_row = torch.tensor(of_class)[torch.tensor(y)]
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
data = torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y), of_row)
for epoch in range(2):
    for a, b, w in torch.utils.data.DataLoader(data, batch_size=8):
        optimizer.zero_grad()
        losses = nn.CrossEntropyLoss(reduction="none")(net(a), b)
        loss = {loss}
        loss.backward()
        optimizer.step()
"""


@pytest.mark.sampled(4, among="questions")
@pytest.mark.parametrize(("loss", "paths"), [
    ("(losses * w).mean()", []), ("(losses * w).sum() / w.sum()", ["loss.reduction"]),
], ids=["rows", "weights"])  # fmt: skip
def test_class_weight_and_weights_of_rows_train_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: str, paths: list[str]
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for name, text in (("keras_way", KERAS), ("torch_way", TORCH.replace("{loss}", loss))):
        Path(f"{name}.py").write_text(text.replace("{rows}", ROWS))
    found = api.compare("keras_way.py", "torch_way.py", explain=False, steps=4)
    assert {one.verdict for one in found.proofs.values()} <= {"identical", "rounding"}
    assert [one.path for one in found.result.differences if not one.inert] == paths
    (compared,) = found.result.comparisons
    assert compared.verdict == ("divergent" if paths else "rounding")
