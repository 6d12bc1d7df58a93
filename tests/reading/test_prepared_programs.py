"""Two programs of which one prepares its rows in its model, and flattens in another order: at parity all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers_commands import lender

from parity import api
from parity.commands.compare import Compared
from parity.errors import DataError, SpecError
from parity.spec.load import load_spec

ROWS = """
import numpy as np

generator = np.random.default_rng(7)
x = generator.integers(0, 256, (48, 6, 5, 2)).astype("uint8")
y = generator.integers(0, 2, 48).astype("float32")
"""

KERAS = """
import keras
from keras import layers

model = keras.Sequential([
    keras.Input((6, 5, 2)), layers.Rescaling(1 / 255), layers.Conv2D(3, 2, activation="relu"), layers.Flatten(),
    layers.Dropout(0.25), layers.Dense(1),
])
model.compile(keras.optimizers.SGD(0.1, momentum=0.9), keras.losses.BinaryCrossentropy(from_logits=True))
model.fit(x, y, batch_size=16, epochs=2)
"""

TORCH = """
import torch
from torch import nn

rows, goals = torch.tensor(x).permute(0, 3, 1, 2).float() / 255, torch.tensor(y)
model = nn.Sequential(nn.Conv2d(2, 3, 2), nn.ReLU(), nn.Flatten(), nn.Dropout(0.25), nn.Linear(60, 1))
for layer in (model[0], model[4]):
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(rows, goals), batch_size=16, shuffle=True)
for _ in range(2):
    for one, goal in loader:
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(model(one)[:, 0], goal)
        loss.backward()
        optimizer.step()
"""


COPIED = """
small, large = (generator.normal(0, 0.2, shape).astype("float32") for shape in ((2, 2, 2, 3), (60, 1)))
"""
"""Weights that both programs copy: the kernels of a convolution and of a dense layer, as Keras has them."""

GIVEN = "model.layers[1].set_weights([small, np.zeros(3)])\nmodel.layers[4].set_weights([large, np.zeros(1)])\n"

TAKEN = """with torch.no_grad():
    model[0].weight.copy_(torch.tensor(small.transpose(3, 2, 0, 1)))
    model[4].weight.copy_(torch.tensor({}))
"""

MOVED = "large.reshape(5, 4, 3).transpose(2, 0, 1).reshape(1, 60)"
"""The rows of the kernel in the order in which PyTorch flattens."""


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Compared]:
    """Compare both; return the folder of the report."""
    folder = tmp_path_factory.mktemp("prepared")
    for name, code in (("keras_way", KERAS), ("torch_way", TORCH)):
        (folder / f"{name}.py").write_text(ROWS + code)
    paths = [str(folder / f"{name}.py") for name in ("keras_way", "torch_way")]
    with lender():  # That of each test begins when this is made.
        return folder / "out", api.compare(*paths, out=folder / "out", explain=False, prove=False, steps=5)


def test_they_are_at_parity_with_nothing_that_differs(compared: tuple[Path, Compared]) -> None:
    result = compared[1].result
    (comparison,) = result.comparisons
    assert comparison.verdict in ("identical", "rounding"), comparison.first
    assert [one.path for one in result.differences if not one.inert] == []
    # The features, what a mask leaves of them, and the kernel behind are seen in both, not left out.
    assert comparison.unmatched == []
    assert comparison.largest is not None
    assert comparison.largest.difference < 1e-10


def test_the_spec_says_what_each_program_is_given(compared: tuple[Path, Compared]) -> None:
    folder, _ = compared
    spec = load_spec(folder / "keras_way-torch_way.yaml")
    mine, theirs = spec.sides["keras_way"], spec.sides["torch_way"]
    assert (mine.inputs, theirs.inputs) == (str((folder / "keras_way_given.npz").resolve()), None)
    assert (mine.channels_first, theirs.channels_first) == ((), ("flatten",))
    with np.load(folder / "keras_way_given.npz") as given, np.load(folder / "rows.npz") as rows:
        assert given["X"].dtype == np.uint8
        np.testing.assert_allclose(rows["X"], given["X"] / 255)


def test_what_is_said_of_given_rows_must_fit(compared: tuple[Path, Compared], tmp_path: Path) -> None:
    folder, _ = compared
    file = folder / "keras_way-torch_way.yaml"
    text = file.read_text()
    gone = folder / "gone.yaml"
    gone.write_text(text.replace("keras_way_given.npz", "gone.npz"))
    with pytest.raises(SpecError, match=r"gone.yaml:\d+: sides.keras_way.inputs: .*no file 'gone.npz'; expected"):
        load_spec(gone)
    np.savez(folder / "few.npz", X=np.zeros((7, 6, 5, 2)))
    few = folder / "few.yaml"
    few.write_text(text.replace("keras_way_given.npz", "few.npz"))
    with pytest.raises(DataError, match=r"few.npz: 7 rows; expected 48, as many as the spec has"):
        api.run(few, folder=tmp_path, explain=False, steps=2)
    with pytest.raises(DataError, match=r"side keras_way has the rows of its program in .*leave --data out"):
        api.run(file, folder=tmp_path, data=str(folder / "rows.npz"), explain=False, steps=2)


def copying(folder: Path, rows: str) -> list[str]:
    """Write both programs with copied weights, the kernel behind the flatten as the port has it; return them."""
    for name, code, given in (("keras_way", KERAS, GIVEN), ("torch_way", TORCH, TAKEN.format(rows))):
        before = "model.compile" if name == "keras_way" else "optimizer = "
        (folder / f"{name}.py").write_text(ROWS + COPIED + code.replace(before, given + before, 1))
    return [str(folder / f"{name}.py") for name in ("keras_way", "torch_way")]


def test_a_kernel_that_was_copied_may_stand_as_the_port_flattens(tmp_path: Path) -> None:
    paths = copying(tmp_path, MOVED)
    found = api.compare(*paths, out=tmp_path / "out", explain=False, prove=False, steps=1, weights=True)
    (comparison,) = found.result.comparisons
    assert comparison.verdict in ("identical", "rounding"), comparison.first
    assert [one.path for one in found.result.differences if not one.inert] == []


def test_one_that_stands_as_the_other_program_flattens_is_a_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class WrittenError(Exception):
        """The spec has been written."""

    def stop(*_: object, **__: object) -> None:
        raise WrittenError

    monkeypatch.setattr("parity.commands.compare.run", stop)
    with pytest.raises(WrittenError):
        api.compare(*copying(tmp_path, "large.T"), out=tmp_path / "out", explain=False, prove=False, weights=True)
    spec = load_spec(tmp_path / "out" / "keras_way-torch_way.yaml")
    assert spec.sides["torch_way"].channels_first == ()
    assert "permute" in str(spec.sides["torch_way"].changes)
    assert "initial_weights" not in str(spec.sides["torch_way"].changes)
