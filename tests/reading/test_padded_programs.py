"""Programs that pad ahead of a convolution and cut behind one, in each framework: at parity where they do the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from parity import api
from parity.commands.compare import Compared
from parity.spec.load import load_spec

ROWS = """
import numpy as np

generator = np.random.default_rng(7)
x = generator.normal(size=(32, 6, 6, 2)).astype("float32")
y = generator.normal(size=(32, 1)).astype("float32")
"""

KERAS = """
import keras
from keras import layers

model = keras.Sequential([{layers}, layers.Dense(1)])
model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
"""

TORCH = """
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        {made}
        self.head = nn.Linear(3, 1)

    def forward(self, x):
        {computed}
        return self.head(h.mean(tuple(range(2, h.dim()))))


net = Net()
for layer in net.modules():
    if hasattr(layer, "weight"):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
rows, goals = torch.tensor(x).movedim(-1, 1), torch.tensor(y)
for _ in range(2):
    for start in range(0, 32, 8):
        optimizer.zero_grad()
        loss = F.mse_loss(net(rows[start : start + 8]), goals[start : start + 8])
        loss.backward()
        optimizer.step()
"""


def torch_of(made: str, *computed: str) -> str:
    return TORCH.format(made=made, computed="\n        ".join(computed))


PICTURES = KERAS.format(
    layers="""keras.Input((6, 6, 2)), layers.ZeroPadding2D(1),
    layers.Conv2D(3, 3, strides=2, activation="relu"), layers.ZeroPadding2D(((0, 1), (0, 1))),
    layers.MaxPooling2D(2, strides=1), layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="tanh"),
    layers.Conv2D(3, 3, strides=2, padding="same"), layers.GlobalAveragePooling2D()"""
)


def pictures(cut: str) -> str:
    return torch_of(
        "self.first, self.pool = nn.Conv2d(2, 3, 3, stride=2, padding=1), nn.MaxPool2d(2, stride=1); "
        "self.up = nn.ConvTranspose2d(3, 3, 3, stride=2); "
        "self.down = nn.Sequential(nn.ConstantPad2d((0, 1, 0, 1), 0.0), nn.Conv2d(3, 3, 3, stride=2))",
        "h = self.pool(F.pad(F.relu(self.first(x)), (0, 1, 0, 1)))",
        f"h = torch.tanh(self.up(h)[:, :, {cut}, {cut}])",
        "h = self.down(h)",
    )


SEQUENCES = "x = x.reshape(32, 36, 2)\n" + KERAS.format(
    layers="""keras.Input((36, 2)),
    layers.Conv1D(3, 3, dilation_rate=2, padding="causal", activation="relu"), layers.Conv1D(3, 2, padding="causal"),
    layers.GlobalAveragePooling1D()"""
)

AHEAD = "x = x.reshape(32, 36, 2)\n" + torch_of(
    "self.a, self.b = nn.Conv1d(2, 3, 3, dilation=2), nn.Conv1d(3, 3, 2)",
    "h = F.relu(self.a(F.pad(x, (4, 0))))", "h = self.b(F.pad(h, (1, 0)))",
)  # fmt: skip

BEHIND = "x = x.reshape(32, 36, 2)\n" + torch_of(
    "self.a, self.b = nn.Conv1d(2, 3, 3, dilation=2, padding=4), nn.Conv1d(3, 3, 2, padding=1)",
    "h = F.relu(self.a(x)[:, :, :-4].contiguous())", "h = self.b(h)[:, :, :-1]",
)  # fmt: skip

TENSORFLOW = """
import tensorflow as tf

first, down, head = (
    tf.Variable(tf.random.stateless_uniform(shape, [1, 2], -0.3, 0.3))
    for shape in ((3, 3, 2, 3), (3, 3, 3, 3), (3, 1))
)


def model(x):
    h = tf.nn.relu(tf.nn.conv2d(x, first, 2, [[0, 0], [1, 1], [1, 1], [0, 0]]))
    h = tf.nn.conv2d(tf.pad(h, [[0, 0], [1, 1], [1, 1], [0, 0]]), down, 1, "VALID")
    return tf.reduce_mean(h, axis=[1, 2]) @ head


optimizer = tf.keras.optimizers.SGD(0.1)
variables = [first, down, head]
for _ in range(2):
    for start in range(0, 32, 8):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x[start : start + 8]) - y[start : start + 8]) ** 2)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
"""

START = "keras.initializers.RandomUniform(-0.3, 0.3)"

PLAIN = f"""
import keras
from keras import layers

told = dict(use_bias=False, kernel_initializer={START})
model = keras.Sequential([
    keras.Input((6, 6, 2)), layers.ZeroPadding2D(1), layers.Conv2D(3, 3, strides=2, activation="relu", **told),
    layers.Conv2D(3, 3, padding="same", **told), layers.GlobalAveragePooling2D(), layers.Dense(1, **told),
])
model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
"""


def compared(folder: Path, one: str, other: str) -> Compared:
    for name, code in (("one", one), ("other", other)):
        (folder / f"{name}.py").write_text(ROWS + code)
    paths = [str(folder / f"{name}.py") for name in ("one", "other")]
    return api.compare(*paths, out=folder / "out", explain=False, steps=3)


@pytest.mark.parametrize(("one", "other", "padded", "cut"), [
    (PICTURES, pictures(":-1"), ("max_pooling2d", "conv2d_1"), ("conv2d_transpose",)),
    (PICTURES, pictures(":6"), ("max_pooling2d", "conv2d_1"), ("conv2d_transpose",)),
    (SEQUENCES, AHEAD, ("conv1d", "conv1d_1"), ()),
    (SEQUENCES, BEHIND, (), ("conv1d", "conv1d_1")),
], ids=["pictures", "to a length", "ahead of steps", "cut behind steps"])  # fmt: skip
def test_paddings_that_come_to_the_same_are_no_difference(
    one: str, other: str, padded: tuple[str, ...], cut: tuple[str, ...], tmp_path: Path
) -> None:
    found = compared(tmp_path, one, other)
    (comparison,) = found.result.comparisons
    assert comparison.verdict in ("identical", "rounding"), comparison.first
    assert found.result.differences == []
    assert {proof.verdict for proof in found.proofs.values()} <= {"identical", "rounding"}
    # What a module takes in padded, or gives uncut, is taken for nothing that the other one has.
    said = load_spec(tmp_path / "out" / "one-other.yaml").sides["other"]
    assert (said.padded, said.cut) == (padded, cut)


def test_the_wrong_end_that_is_cut_off_is_the_one_difference(tmp_path: Path) -> None:
    found = compared(tmp_path, PICTURES, pictures("1:"))
    (difference,) = found.result.differences
    assert (difference.path, difference.a) == ("layers.conv2d_transpose.padding", "same")
    assert difference.b_origin.endswith(f"other.py:{line_of(tmp_path / 'other.py', '1:, 1:')}")
    (comparison,) = found.result.comparisons
    assert comparison.verdict == "divergent"
    assert comparison.first is not None
    assert comparison.first.phase == "forward"


def line_of(file: Path, text: str) -> int:
    """Return the line of a file that has a text, counted from 1."""
    return next(number for number, line in enumerate(file.read_text().splitlines(), 1) if text in line)


def test_raw_tensorflow_pads_in_numbers_and_ahead(tmp_path: Path) -> None:
    found = compared(tmp_path, PLAIN, TENSORFLOW)
    (comparison,) = found.result.comparisons
    assert comparison.verdict in ("identical", "rounding"), comparison.first
    assert [one.path for one in found.result.differences if not one.inert] == []
