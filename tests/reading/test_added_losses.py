"""A term that a layer adds to the loss in one program, and the loss function in the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers_pairs import DENSE, X, Y, pair_of, reading

from parity import api
from parity.reading.whole import ReadProgram


def opaque(what: str, reads: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"what": what, "needs": "a loss", "place": "train.py, line 3"}
    return {"opaque": told | ({"reads": reads} if reads else {})}


def of(loss: Any, name: str = "dense") -> ReadProgram:
    layers = [{"dense": {**DENSE[0]["dense"], "name": name}}, DENSE[1]]
    return reading("torch", layers, {"X": X, "y": Y}, loss=loss)


@pytest.mark.parametrize("turned", [False, True])
def test_what_a_layer_adds_and_what_a_loss_reads_is_one(turned: bool) -> None:
    sides = [of(opaque("bce and Sampling.add_loss", [])), of(opaque("elbo", ["fc1"]), "fc1")]
    found = pair_of(*(sides[::-1] if turned else sides))
    name = "fc1" if turned else "dense"
    assert [one.loss["opaque"]["reads"] for one in found.sides] == [[name], [name]]


@pytest.mark.parametrize(("one", "other"), [
    (opaque("bce", []), opaque("elbo", ["dense"])),  # No layer adds what is missing.
    ("mse", opaque("elbo and Sampling.add_loss", ["dense"])),
])  # fmt: skip
def test_another_loss_reads_what_it_reads(one: Any, other: Any) -> None:
    found = pair_of(of(one), of(other))
    assert found.sides[0].loss == one
    assert found.spec["sides"]["b"]["changes"]["loss"] == other


KERAS = """
import keras
import numpy as np
from keras import ops
x = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
class Noisy(keras.layers.Layer):
    def __init__(self, **more):
        super().__init__(**more)
        self.seed = keras.random.SeedGenerator(1)
    def call(self, inputs):
        mean, scale = inputs
        self.add_loss(ops.mean(ops.sum(mean ** 2 + ops.exp(scale) - scale, axis=1)))
        return mean + ops.exp(scale) * keras.random.normal(ops.shape(mean), seed=self.seed)
inputs = keras.Input((4,))
z = Noisy()([keras.layers.Dense(2, name="mean")(inputs), keras.layers.Dense(2, name="scale")(inputs)])
model = keras.Model(inputs, keras.layers.Dense(4)(z))
model.compile(keras.optimizers.SGD(0.1), loss=lambda y, p: ops.sum((y - p) ** 2, axis=-1))
model.fit(x, x, batch_size=8, epochs=2, shuffle=False, verbose=0)
"""

TORCH = """
import numpy as np
import torch
from torch import nn
x = torch.tensor(np.random.default_rng(0).normal(size=(24, 4)).astype("float32"))
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean, self.scale, self.out = nn.Linear(4, 2), nn.Linear(4, 2), nn.Linear(2, 4)
        for one in self.children():
            nn.init.xavier_uniform_(one.weight)
            nn.init.zeros_(one.bias)
    def forward(self, x):
        mean, scale = self.mean(x), self.scale(x)
        return self.out(mean + scale.exp() * torch.randn_like(mean)), mean, scale
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(2):
    for start in range(0, 24, 8):
        optimizer.zero_grad()
        b = x[start : start + 8]
        out, mean, scale = net(b)
        loss = (((out - b) ** 2).sum() + {factor} * (mean ** 2 + scale.exp() - scale).sum()) / len(b)
        loss.backward()
        optimizer.step()
"""


@pytest.mark.sampled(4, among="questions")
@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "rounding"), (0.5, "divergent")])
def test_a_divergence_that_a_layer_adds_is_that_of_a_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float, verdict: str
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("keras_way.py").write_text(KERAS)
    Path("torch_way.py").write_text(TORCH.replace("{factor}", str(factor)))
    found = api.compare("keras_way.py", "torch_way.py", explain=False, steps=4, prove=False)
    (compared,) = found.result.comparisons
    assert compared.verdict == verdict
    assert [one.path for one in found.result.differences if not one.inert] == []
