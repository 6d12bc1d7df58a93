"""An embedding with a row for padding: it starts at 0 and has no gradient, in a program and in every framework."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_commands import command
from helpers_reading import read_and_held

from parity.catalog import OPS
from parity.ops import ShapeError
from parity.reading.whole import ReadProgram
from parity.run.initial import initial_value
from parity.run.session import Session

PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
x, y = torch.randint(0, 5, (24, 3)), torch.rand(24, 1)
net = nn.Sequential(nn.Embedding(5, 4, padding_idx=0), nn.Flatten(), nn.Linear(12, 1))
{started}
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for start in (0, 8, 16):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(x[start : start + 8]), y[start : start + 8])
    loss.backward()
    optimizer.step()
"""

SPEC = """
name: padded
data: {source: rows.npz}
model:
  inputs: {tokens: {shape: [5], dtype: integer}}
  layers:
  - embedding: {input_dim: 6, output_dim: 4, padding_idx: 2}
  - flatten
  - dense: 2
loss: {sparse_categorical_crossentropy: {from_logits: true}}
optimizer: {sgd: {learning_rate: 0.5, momentum: 0.9}}
training: {batch_size: 16}
"""


def table_of(reading: ReadProgram) -> dict[str, Any]:
    found: dict[str, Any] = next(one["embedding"] for one in reading.spec["model"]["layers"] if "embedding" in one)
    return found


def test_a_row_of_padding_is_read_and_the_reading_proved(session: Session, tmp_path: Path) -> None:
    reading, proof = read_and_held(session, PROGRAM.format(started=""), tmp_path)
    table = table_of(reading)
    assert table["padding_idx"] == 0
    # The row of zeros is none of what fills the others.
    assert table["embeddings_initializer"] == {"random_normal": {"stddev": 1.0}}
    assert not any("measured" in one for one in reading.notes)
    assert proof.code == 0, proof.lines


def test_a_row_that_is_set_to_zero_by_hand_is_one(read_text: Callable[..., ReadProgram]) -> None:
    started = "nn.init.normal_(net[0].weight, std=0.1)\nwith torch.no_grad():\n    net[0].weight[0].zero_()"
    table = table_of(read_text(PROGRAM.format(started=started)))
    assert (table["padding_idx"], table["embeddings_initializer"]) == (0, {"random_normal": {"stddev": 0.1}})


def test_a_row_of_padding_that_starts_as_the_others_is_read_and_the_reading_proved(
    session: Session, tmp_path: Path
) -> None:  # fmt: skip
    started = "nn.init.uniform_(net[0].weight, -0.05, 0.05)"
    reading, proof = read_and_held(session, PROGRAM.format(started=started), tmp_path)
    table = table_of(reading)
    assert (table["padding_idx"], table["padding_starts_at_0"]) == (0, False)
    assert table.get("embeddings_initializer", "random_uniform") == "random_uniform"
    assert proof.code == 0, proof.lines


def test_padding_has_no_gradient_and_starts_at_0() -> None:
    op: Any = OPS["embedding"].model_validate({"input_dim": 3, "output_dim": 2, "padding_idx": 1})
    x = np.array([[1, 2, 1, 0]])
    table = {"embeddings": np.arange(6.0).reshape(3, 2)}
    assert op.forward(x, table)[0, 0].tolist() == [2.0, 3.0]
    _, gradients = op.vjp(x, table, np.ones((1, 4, 2)))
    assert gradients["embeddings"].tolist() == [[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]]
    start = initial_value(0, "layer.embeddings", op.parameters((4,))["embeddings"])
    assert (start[1] == 0.0).all()
    assert start[[0, 2]].all()
    drawn = op.replace(padding_starts_at_0=False)
    others = initial_value(0, "layer.embeddings", drawn.parameters((4,))["embeddings"])
    assert others[1].all()
    np.testing.assert_array_equal(others[[0, 2]], start[[0, 2]])
    assert drawn.inert("padding_starts_at_0", True, (4,)) == ""
    assert "no row stands for padding" in drawn.replace(padding_idx=None).inert("padding_starts_at_0", True, (4,))


def test_a_row_that_is_none_of_the_tokens_is_refused() -> None:
    op = OPS["embedding"].model_validate({"input_dim": 3, "output_dim": 2, "padding_idx": 3})
    with pytest.raises(ShapeError, match=r"padding_idx 3 of an embedding of 3 tokens; expected one of them, 0 to 2"):
        op.output_shape((4,))


@pytest.mark.parametrize("drawn", [False, True])
def test_every_framework_trains_a_row_of_padding_alike(drawn: bool, tmp_path: Path) -> None:
    tokens = np.random.default_rng(0).integers(0, 6, (48, 5))
    np.savez(tmp_path / "rows.npz", X=tokens, y=(tokens.sum(axis=1) > 12).astype("int64"))
    (tmp_path / "padded.yaml").write_text(
        SPEC.replace("idx: 2", "idx: 2, padding_starts_at_0: false") if drawn else SPEC
    )
    done = command("check", tmp_path / "padded.yaml", "--steps", "3", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("told", "ends"), [("3, padding='causal'", [2, 0]), ("2, padding='causal', dilation_rate=4", [4, 0])]
)
def test_a_causal_convolution_of_keras_has_its_zeros_ahead(told: str, ends: list[int], read_text: Any) -> None:
    found = read_text(
        "import keras\nimport numpy as np\nfrom keras import layers\n"
        f"h = [keras.Input((9, 2)), layers.Conv1D(3, {told}), layers.Flatten(), layers.Dense(1)]\n"
        "model = keras.Sequential(h)\n"
        "model.compile('sgd', 'mse')\nmodel.fit(np.zeros((8, 9, 2), 'float32'), np.zeros((8, 1), 'float32'))\n"
    )
    fields = found.spec["model"]["layers"][0]["conv1d"]
    assert fields["padding"] in (ends, [ends])
