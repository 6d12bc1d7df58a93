"""Cross-entropies of PyTorch whose classes stand behind the rows, or are put together with the places: one loss."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers_reading import read_and_held

from parity import api
from parity.run.session import Session

ROWS = """
import numpy as np

generator = np.random.default_rng(7)
x = generator.normal(size=(32, {places}, 2)).astype("float32")
y = generator.integers(0, 3, (32, {places}))
"""

TORCH = """
import torch
from torch import nn
from torch.nn import functional as F

net = nn.Sequential(nn.Conv{rank}d(2, 4, 1), nn.ReLU(), nn.Conv{rank}d(4, 3, 1))
for layer in (net[0], net[2]):
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
rows, labels = torch.tensor(x).movedim(-1, 1), torch.tensor(y)
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
for _ in range(2):
    for start in range(0, 32, 8):
        optimizer.zero_grad()
        logits, goal = net(rows[start : start + 8]), labels[start : start + 8]
        loss = {loss}
        loss.backward()
        optimizer.step()
"""

KERAS = """
import keras
from keras import layers

model = keras.Sequential([
    keras.Input(x.shape[1:]), layers.Conv{rank}D(4, 1, activation="relu"), layers.Conv{rank}D(3, 1)
])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.SGD(0.5), loss, metrics=["accuracy"])
model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
"""

LOSSES = {
    "pictures": ("6, 5", "nn.CrossEntropyLoss()(logits, goal)"),
    "pictures put together": ("6, 5", "F.cross_entropy(logits.permute(0, 2, 3, 1).reshape(-1, 3), goal.reshape(-1))"),
    "pictures in one line": ("6, 5", "F.cross_entropy(logits.permute(0, 2, 3, 1).contiguous().view(8 * 30, 3), "
                                     "goal.view(8 * 30))"),
    "logarithms of pictures": ("6, 5", "F.nll_loss(F.log_softmax(logits, dim=1), goal)"),
    "sequences": ("6", "F.cross_entropy(logits, goal)"),
    "as many steps as classes": ("3", "F.cross_entropy(logits, goal)"),
    "sequences put together": ("6", "F.cross_entropy(logits.transpose(1, 2).reshape(-1, 3), goal.flatten())"),
}  # fmt: skip


def torch_of(name: str) -> str:
    places, loss = LOSSES[name]
    return ROWS.format(places=places) + TORCH.format(rank=2 if "," in places else 1, loss=loss)


@pytest.mark.parametrize("name", LOSSES)
def test_classes_behind_the_rows_are_read_as_classes_that_stand_last(
    name: str, session: Session, tmp_path: Path
) -> None:
    reading, proof = read_and_held(session, torch_of(name), tmp_path)
    assert reading.spec["loss"] == {"sparse_categorical_crossentropy": {"from_logits": True}}
    *_, last = reading.spec["model"]["layers"]
    ((kind, fields),) = last.items()
    assert (kind, fields["dims"][-1]) == ("permute", 1)
    assert reading.arrays["y"].shape[1:] == tuple(map(int, LOSSES[name][0].split(",")))
    assert proof.code == 0, proof.lines
    assert "but for" not in proof.lines[-1]


@pytest.mark.parametrize("name", ["pictures", "as many steps as classes", "sequences put together"])
def test_a_port_of_channels_last_outputs_has_the_same_loss(name: str, tmp_path: Path) -> None:
    places, _ = LOSSES[name]
    (tmp_path / "one.py").write_text(ROWS.format(places=places) + KERAS.format(rank=2 if "," in places else 1))
    (tmp_path / "other.py").write_text(torch_of(name))
    paths = [str(tmp_path / f"{one}.py") for one in ("one", "other")]
    found = api.compare(*paths, out=tmp_path / "out", explain=False, prove=False, steps=3)
    (comparison,) = found.result.comparisons
    assert comparison.verdict in ("identical", "rounding"), comparison.first
    assert found.result.differences == []


SWAPPED = """
import keras
from keras import layers

model = keras.Sequential([keras.Input((3, 2)), layers.Dense(4, activation="relu"), layers.Dense(3)])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.SGD(0.5), loss, metrics=["accuracy"])
model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
"""


@pytest.mark.parametrize("loss", [
    "F.cross_entropy(logits, goal)", "F.cross_entropy(logits.transpose(1, 2).reshape(-1, 3), goal.reshape(-1))",
])  # fmt: skip
def test_steps_that_are_taken_for_the_classes_are_the_one_difference(loss: str, tmp_path: Path) -> None:
    """Of as many steps as classes, a port that forgets to move the classes, or moves them in vain, runs."""
    code = TORCH.format(rank=1, loss=loss).replace("nn.Conv1d(2, 4, 1)", "nn.Linear(2, 4)")
    code = code.replace("nn.Conv1d(4, 3, 1)", "nn.Linear(4, 3)").replace(".movedim(-1, 1)", "")
    (tmp_path / "one.py").write_text(ROWS.format(places="3") + SWAPPED)
    (tmp_path / "other.py").write_text(ROWS.format(places="3") + code)
    paths = [str(tmp_path / f"{one}.py") for one in ("one", "other")]
    found = api.compare(*paths, out=tmp_path / "out", explain=False, prove=False, steps=3)
    (comparison,) = found.result.comparisons
    assert comparison.verdict == "divergent"
    assert comparison.first is not None
    assert comparison.first.phase == "loss"
    (difference,) = found.result.differences
    assert difference.b == "permute(dims=[2, 1])"
    line = next(n for n, text in enumerate((ROWS + code).splitlines(), 1) if "loss =" in text)
    assert difference.b_origin.endswith(f"other.py:{line}")
