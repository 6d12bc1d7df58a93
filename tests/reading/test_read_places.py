"""An embedding of the numbers of places that is added to a sequence is one layer; a loss by hand keeps its targets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers_reading import read_and_held

from parity.reading.whole import ReadProgram
from parity.run.session import Session

PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
x, y = torch.randint(0, 9, (24, 4)), torch.rand(24, 1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places, self.head = nn.Embedding(9, 6), nn.Embedding(5, 6), nn.Linear(6, 1)

    def forward(self, x):
        n, length = x.shape
        return self.head(({added}).mean(1))


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for start in (0, 8, 16):
    optimizer.zero_grad()
    outputs, targets = net(x[start : start + 8]), y[start : start + 8]
    loss = {loss}
    loss.backward()
    optimizer.step()
"""

SUM = "self.tokens(x) + self.places(torch.arange(length))"
MSE = "nn.functional.mse_loss(outputs, targets)"


@pytest.mark.sampled(3)
def test_an_embedding_of_places_is_read_and_the_reading_proved(session: Session, tmp_path: Path) -> None:
    reading, proof = read_and_held(session, PROGRAM.format(added=SUM, loss=MSE), tmp_path)
    table = reading.spec["model"]["layers"][1]["position_embedding"]
    assert table == {
        "name": "places",
        "sequence_length": 5,
        "embeddings_initializer": {"random_normal": {"stddev": 1.0}},
    }
    assert proof.code == 0, proof.lines


@pytest.mark.parametrize("added", [
    "self.places(torch.arange(length).unsqueeze(0).expand(n, length)) + self.tokens(x)",
    "self.tokens(x) + self.places(torch.arange(length)[None])",
    "self.tokens(x) + self.places(torch.arange(length)).unsqueeze(0)",
])  # fmt: skip
def test_places_may_be_written_in_other_ways(read_text: Callable[..., ReadProgram], added: str) -> None:
    layers = read_text(PROGRAM.format(added=added, loss=MSE)).spec["model"]["layers"]
    assert [next(iter(one)) for one in layers][:2] == ["embedding", "position_embedding"]


@pytest.mark.parametrize("added", [
    "self.tokens(x) + self.places(torch.arange(length) + 1)", "self.tokens(x) * self.places(torch.arange(length))",
    "self.tokens(x) + self.places(x.argsort(1))",
])  # fmt: skip
def test_what_is_no_sum_with_the_places_in_order_is_none(read_text: Callable[..., ReadProgram], added: str) -> None:
    layers = read_text(PROGRAM.format(added=added, loss=MSE)).spec["model"]["layers"]
    assert not any("position_embedding" in one for one in layers)


@pytest.mark.sampled(3)
def test_a_loss_by_hand_may_compute_with_its_targets(session: Session, tmp_path: Path) -> None:
    loss = "-(targets * torch.sigmoid(outputs).log() + (1 - targets) * torch.sigmoid(-outputs).log()).mean()"
    reading, proof = read_and_held(session, PROGRAM.format(added=SUM, loss=loss), tmp_path)
    assert "opaque" in reading.spec["loss"]
    assert reading.arrays["y"].shape == (24, 1)
    assert proof.code == 0, proof.lines


KERAS = """
import keras
import numpy as np
from keras import layers, ops


class TokensAndPlaces(layers.Layer):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = layers.Embedding(9, 6), layers.Embedding(5, 6)

    def call(self, x):
        return self.tokens(x) + self.places(ops.arange({start}, {start} + ops.shape(x)[-1]))


inputs = keras.Input((4,))
model = keras.Model(inputs, layers.Dense(1)(layers.GlobalAveragePooling1D()(TokensAndPlaces()(inputs))))
model.compile(keras.optimizers.SGD(0.1), "mse")
generator = np.random.default_rng(0)
model.fit(generator.integers(0, 9, (24, 4)), generator.random((24, 1)), batch_size=8)
"""


@pytest.mark.sampled(3)
def test_an_embedding_of_places_is_read_in_keras(session: Session, tmp_path: Path) -> None:
    reading, proof = read_and_held(session, KERAS.format(start=0), tmp_path)
    kinds = [next(iter(one)) for one in reading.spec["model"]["layers"]]
    assert kinds == ["embedding", "position_embedding", "global_average_pooling1d", "dense"]
    assert reading.spec["model"]["layers"][1]["position_embedding"]["sequence_length"] == 5
    assert proof.code == 0, proof.lines


def test_a_table_that_is_read_from_elsewhere_on_is_no_embedding_of_places_in_keras(
    read_text: Callable[..., ReadProgram],
) -> None:
    assert "opaque" in read_text(KERAS.format(start=1)).spec["model"]["layers"][0]


PARAMETER = """
import torch
from torch import nn

torch.manual_seed(0)
x, y = torch.randn(24, 4, 6), torch.rand(24, 1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.places, self.head = nn.Linear(6, 6), nn.Parameter(torch.empty({shape})), nn.Linear(6, 1)
        nn.init.normal_(self.places, std=0.02)

    def forward(self, x):
        return self.head(torch.tanh(self.first(x) + {added}).mean(1))


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
for start in (0, 8, 16):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(x[start : start + 8]), y[start : start + 8])
    loss.backward()
    optimizer.step()
"""


@pytest.mark.parametrize(("shape", "added", "length"), [
    ("1, 4, 6", "self.places", None), ("7, 6", "self.places[: x.size(1)]", 7), ("1, 5, 6", "self.places[:, :4]", 5),
])  # fmt: skip
def test_a_parameter_that_is_added_to_a_sequence_is_its_places(
    session: Session, tmp_path: Path, shape: str, added: str, length: int | None
) -> None:
    reading, proof = read_and_held(session, PARAMETER.format(shape=shape, added=added), tmp_path)
    table = reading.spec["model"]["layers"][1]["position_embedding"]
    assert table["embeddings_initializer"] == {"random_normal": {"stddev": 0.02}}
    assert (table["name"], table.get("sequence_length")) == ("places", length)
    assert proof.code == 0, proof.lines


FRONT = (
    PARAMETER.replace("self.first(x) + {added}", "{joined}")
    .replace("places", "token")
    .replace("        return", "        x, n = self.first(x), x.shape[0]\n        return")
)


@pytest.mark.parametrize(("shape", "joined", "tokens"), [
    ("1, 1, 6", "torch.cat((self.token.expand(n, -1, -1), x), dim=1)", 1),
    ("1, 1, 6", "torch.cat([self.token.repeat(n, 1, 1), x], 1)", 1),
    ("2, 6", "torch.cat([self.token.unsqueeze(0).expand(n, -1, -1), x], dim=-2)", 2),
])  # fmt: skip
def test_a_parameter_in_front_of_a_sequence_is_a_class_token_and_the_reading_proved(
    session: Session, tmp_path: Path, shape: str, joined: str, tokens: int
) -> None:
    reading, proof = read_and_held(session, FRONT.format(shape=shape, joined=joined), tmp_path)
    told = reading.spec["model"]["layers"][1]["class_token"]
    assert told.get("tokens", 1) == tokens
    assert told["tokens_initializer"] == {"random_normal": {"stddev": 0.02}}
    assert proof.code == 0, proof.lines


@pytest.mark.parametrize(("shape", "joined"), [
    ("1, 1, 6", "torch.cat((x, self.token.expand(n, -1, -1)), dim=1)"),  # Behind it.
    ("1, 4, 1", "torch.cat((self.token.expand(n, -1, -1), x), dim=2)[:, :, 1:]"),  # Beside it.
    ("1, 1, 6", "torch.cat((2 * self.token.expand(n, -1, -1), x), dim=1)"),
    ("1, 2, 6", "torch.cat((self.token.repeat(n, 2, 1), x), dim=1)"),  # Twice: one gradient for both.
])  # fmt: skip
def test_what_stands_elsewhere_or_otherwise_is_none(
    read_text: Callable[..., ReadProgram], shape: str, joined: str
) -> None:
    layers = read_text(FRONT.format(shape=shape, joined=joined)).spec["model"]["layers"]
    assert not any("class_token" in one for one in layers)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("kinds", "fields"), [
    ("torch.zeros_like(x)", {"segments": 5}),
    ("torch.full((1, length), 2).expand(n, length)", {"segments": 5, "segment": 2}),
])  # fmt: skip
def test_an_embedding_of_one_number_is_a_row_that_is_added(
    session: Session, tmp_path: Path, kinds: str, fields: dict[str, int]
) -> None:
    added = f"self.tokens(x) + self.places({kinds})"
    reading, proof = read_and_held(session, PROGRAM.format(added=added, loss=MSE), tmp_path)
    row = reading.spec["model"]["layers"][1]["segment_embedding"]
    assert row == {"name": "places", **fields, "embeddings_initializer": {"random_normal": {"stddev": 1.0}}}
    assert proof.code == 0, proof.lines
