"""A loop that makes its batches of rows in a way of its own, beside a program that brings these rows: the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers_commands import lender

from parity import api
from parity.reading.pair import Pair, paired

ROWS = """
import numpy as np

generator = np.random.default_rng(0)
x = generator.lognormal(size=(50, 6))
y = (x[:, 0] > x[:, 1]).astype("int64")
"""

KERAS = """
import keras
from keras import layers

net = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(2)])
net.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
net.fit(np.log1p(x), y, batch_size=8, epochs=2, shuffle=False, verbose=0)
"""

TORCH = """
import torch
from torch import nn

net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
for layer in (net[0], net[2]):
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
criterion = nn.CrossEntropyLoss()
for epoch in range(2):
    order = np.arange(50)
    for start in range(0, 50, 8):
        part = order[start : start + 8]
        rows, labels = torch.tensor(np.log1p(x[part]), dtype=torch.float32), torch.tensor(y[part])
        optimizer.zero_grad()
        criterion(net(rows), labels).backward()
        optimizer.step()
"""

PERMUTED = TORCH.replace("np.arange(50)", "generator.permutation(50)")


def read_pair(read_text: Any, first: str, second: str) -> Pair:
    readings = [read_text(ROWS + text, name=f"{name}.py") for name, text in (("first", first), ("second", second))]
    return paired(*readings, ("first", "second"), "rows.npz", "others.npz")


def changes(found: Pair) -> dict[str, Any]:
    return dict(found.spec["sides"]["second"].get("changes", {}))


def test_rows_that_a_loop_makes_of_the_others_are_the_others(tmp_path: Path) -> None:
    files = [tmp_path / "first.py", tmp_path / "second.py"]
    for file, text in zip(files, (KERAS, TORCH), strict=True):
        file.write_text(ROWS + text)
    with lender():
        found = api.compare(*files, out=tmp_path / "out", explain=False)
    assert found.result.comparisons[0].verdict in ("identical", "rounding")
    assert not found.result.differences
    notes = found.pair.notes
    assert "second: the 24 rows that were seen of it are rows of first, and so are all others taken to be." in notes
    assert not [one for one in notes if "what these were taken from" in one]


def test_the_order_of_the_rows_that_were_seen_says_whether_they_are_shuffled(read_text: Any) -> None:
    found = read_pair(read_text, PERMUTED, KERAS)
    assert found.spec["training"] == {"batch_size": 8, "epochs": 2, "shuffle": True, "seed": 0}
    assert changes(found) == {"training.shuffle": False}


def test_a_last_batch_that_its_loop_leaves_out_is_told(read_text: Any) -> None:
    found = read_pair(read_text, KERAS, TORCH.replace("range(0, 50, 8)", "range(6)").replace("start :", "8 * start :")
                      .replace("start + 8", "8 * start + 8"))  # fmt: skip
    assert changes(found) == {"training.drop_remainder": True}


def test_rows_that_are_the_others_but_for_a_factor(read_text: Any) -> None:
    found = read_pair(read_text, TORCH, KERAS.replace("np.log1p(x)", "100 * np.log1p(x)"))
    assert changes(found) == {"data.scale": 100.0}
    assert any("are rows of second, but for a factor" in one for one in found.notes)


@pytest.mark.parametrize(
    "change", ["x", "np.log1p(x)[::-1] + 0", "np.log1p(x) + 0.01"], ids=["raw", "targets", "shift"]
)
def test_rows_that_are_none_of_the_others_stay_a_difference(read_text: Any, change: str) -> None:
    """Rows that nobody took a logarithm of; the same ones beside other targets; and with a number added."""
    found = read_pair(read_text, KERAS.replace("np.log1p(x)", change), TORCH)
    assert changes(found)["data.source"] == "others.npz"


def test_two_programs_of_which_only_some_rows_are_known_learn_from_the_same(read_text: Any) -> None:
    found = read_pair(read_text, PERMUTED, PERMUTED.replace("permutation(50)", "permutation(50)[::-1]"))
    assert not changes(found)
    assert any("Whether their rows differ is not told" in one for one in found.notes)


def test_rows_for_validation_are_none_that_a_loop_trains_on(read_text: Any) -> None:
    """Keras keeps the last tenth for validation; the loop takes all that are left."""
    shown = KERAS.replace("verbose=0", "verbose=0, validation_split=0.2")
    found = read_pair(read_text, shown, TORCH.replace("(50)", "(40)").replace("0, 50", "0, 40"))
    assert not changes(found)
    assert found.spec["data"] == {"source": "rows.npz", "validation_split": 0.2}
    assert len(found.rows.arrays["X"]) == 50
