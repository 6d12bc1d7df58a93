"""Sums and products of tensors of which one is stretched along axes of length 1, as a gate on channels is."""

from __future__ import annotations

from typing import Any

TORCH = """\
import torch
import torch.nn.functional as F
from torch import nn
x, y = torch.randn(24, 2, 5, 4), torch.randint(0, 3, (24,))
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.gate, self.out = nn.Conv2d(2, 6, 3, padding=1), nn.Linear(6, 6), nn.Linear(6 * 20, 3)
    def forward(self, x):
        h = F.relu(self.conv(x))
        g = torch.sigmoid(self.gate(h.mean(dim=(2, 3))))
        return self.out(((h + g[:, :, None, None]) * g.view(-1, 6, 1, 1)).flatten(1))
net = Net()
opt = torch.optim.SGD(net.parameters(), 0.1)
for start in range(0, 24, 8):
    opt.zero_grad()
    F.cross_entropy(net(x[start : start + 8]), y[start : start + 8]).backward()
    opt.step()
"""

KERAS = """\
import keras, numpy as np
from keras import layers
inputs = keras.Input((5, 4, 2))
h = layers.Conv2D(6, 3, padding="same")(inputs)
g = layers.Reshape((1, 1, 6))(layers.Dense(6)(layers.GlobalAveragePooling2D()(h)))
model = keras.Model(inputs, layers.Dense(1)(layers.Flatten()((h + g) * g)))
model.compile("sgd", "mse")
model.fit(np.random.normal(size=(16, 5, 4, 2)), np.random.normal(size=(16, 1)), batch_size=8)
"""


def kinds(spec: dict[str, Any]) -> list[str]:
    return [next(iter(one)) for one in spec["model"]["layers"]]


def test_a_gate_is_a_product_in_pytorch(read_text: Any) -> None:
    found = kinds(read_text(TORCH).spec)
    assert "opaque" not in found
    assert [one for one in found if one in ("add", "multiply")] == ["add", "multiply"]


def test_a_gate_is_a_product_in_keras(read_text: Any) -> None:
    found = kinds(read_text(KERAS).spec)
    assert "opaque" not in found
    assert [one for one in found if one in ("add", "multiply")] == ["add", "multiply"]
