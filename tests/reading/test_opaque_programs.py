"""Programs of which no entry reads a part: it keeps its place, is never guessed, and all else is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from parity.errors import ParityError, SpecError
from parity.reading.whole import ReadProgram
from parity.spec.load import build_spec
from parity.spec.resolve import resolve

Read = Callable[..., ReadProgram]

KERAS = """\
import keras
import numpy as np
from keras import layers, ops
x, y = np.ones((8, 4), "float32"), np.ones((8, 2), "float32")
inputs = keras.Input((4,))
"""
FIT = """
model = keras.Model(inputs, layers.Dense(2, name="end")(h))
model.compile(keras.optimizers.SGD(0.1), {loss})
model.fit(x, y, batch_size=4)
"""

TORCH = """\
import torch
import torch.nn.functional as F
from torch import nn
torch.manual_seed(0)
x, y = torch.randn(16, 4), torch.randn(16, 2)
"""
LOOP = """
opt = torch.optim.SGD(net.parameters(), 0.1)
for n in range(4):
    opt.zero_grad()
    loss = {loss}
    loss.backward()
    opt.step()
"""
MEAN = "F.mse_loss(net(x), y)"

CUMULATED = """
class Cumulated(layers.Layer):
    def build(self, shape):
        self.by = self.add_weight(shape=(shape[-1],), name="by")
    def call(self, x):
        return ops.cumsum(x, axis=-1) * self.by
h = Cumulated(name="sums")(layers.Dense(3, activation="tanh", name="begin")(inputs))
"""

SAMPLING = """
class Sampling(layers.Layer):
    def call(self, pair):
        mean, spread = pair
        self.add_loss(ops.mean(ops.square(mean)))
        return mean + spread * keras.random.normal(ops.shape(mean))
class Whole(keras.Model):
    def __init__(self):
        super().__init__()
        self.mean, self.spread = layers.Dense(3, name="mean"), layers.Dense(3, name="spread")
        self.sampling, self.end = Sampling(name="sampling"), layers.Dense(2, name="end")
    def call(self, x):
        mean = self.mean(x)
        self.add_loss(ops.mean(ops.abs(mean)))
        return self.end(self.sampling([mean, self.spread(x)]))
model = Whole()
model.compile(keras.optimizers.SGD(0.1), "mse")
model.fit(x, y, batch_size=4)
"""

NOISY = """
class Noisy(layers.Layer):
    def call(self, x, training=False):
        return x * keras.random.uniform(ops.shape(x), 0.9, 1.1) if training else x
h = Noisy(name="noisy")(layers.Dense(3, name="begin")(inputs))
"""

OUTER = """
class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.by = nn.Linear(3, 3, bias=False)
    def forward(self, x):
        return torch.einsum("ni,ij->nj", x, self.by.weight)
net = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), Outer(), nn.Linear(3, 2))
"""

BRANCHING = """
class Branching(nn.Module):
    def forward(self, x):
        return x * 2 if x.sum() > 0 else x * 3
net = nn.Sequential(nn.Linear(4, 3), Branching(), nn.Linear(3, 2))
"""

DRAWN = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean, self.spread, self.end = nn.Linear(4, 3), nn.Linear(4, 3), nn.Linear(3, 2)
    def forward(self, x):
        mean, spread = self.mean(x), self.spread(x)
        return self.end(mean + torch.randn_like(spread) * spread), mean
net = Net()
def own_loss(output, y, mean):
    return F.mse_loss(output, y) + mean.pow(2).mean()
"""


def opaque_of(read: ReadProgram) -> dict[str, dict[str, Any]]:
    """Return the opaque layers of a spec, by name."""
    layers = [one["opaque"] for one in read.spec["model"]["layers"] if "opaque" in one]
    return {one["name"]: one for one in layers}


def kinds_of(read: ReadProgram) -> list[str]:
    """Return the kinds of the layers of a spec, in order."""
    return [next(iter(one)) for one in read.spec["model"]["layers"]]


def test_a_layer_of_its_own_keeps_its_place_with_what_it_keeps(read_text: Read) -> None:
    found = read_text(KERAS + CUMULATED + FIT.format(loss="'mse'"))
    assert kinds_of(found) == ["dense", "opaque", "dense"]
    (one,) = opaque_of(found).values()
    assert (one["name"], one["what"], one["shape"]) == ("sums", "Cumulated", [3])
    assert one["tensors"] == [{"name": "by", "shape": [3]}]
    assert one["place"] == "train.py, line 12"
    assert one["needs"].startswith("a layer that does what keras.ops.cumsum does")
    assert found.spec["loss"] == "mse"
    assert list(found.opaque) == ["layer 'sums' of train.py, line 12"]
    assert found.notes == list(found.opaque.values())


def test_what_a_model_adds_to_its_loss_makes_that_opaque_with_what_it_reads(read_text: Read) -> None:
    found = read_text(KERAS + SAMPLING)
    (one,) = opaque_of(found).values()
    assert (one["inputs"], one["random"]) == (["mean", "spread"], [{"shape": [3]}])
    loss = found.spec["loss"]["opaque"]
    assert loss["what"].startswith("keras.losses.MeanSquaredError")
    assert {"Whole.add_loss", "Sampling.add_loss"} <= set(loss["what"].split(" and ")[-2:])
    assert loss["reads"] == ["mean"]


def test_a_layer_that_does_something_else_in_training_is_opaque_and_what_it_draws_its_own(read_text: Read) -> None:
    found = read_text(KERAS + NOISY + FIT.format(loss="lambda y, z: ops.mean(ops.abs(y - z), axis=-1) ** 2"))
    (one,) = opaque_of(found).values()
    assert one["random"] == "own"
    assert "draws random numbers that nothing deals to it" in found.notes[0]
    assert found.spec["loss"]["opaque"]["needs"].startswith("a loss that is")


def test_a_module_of_its_own_is_opaque_with_the_modules_in_it(read_text: Read) -> None:
    found = read_text(TORCH + OUTER + LOOP.format(loss=MEAN))
    assert kinds_of(found) == ["dense", "activation", "opaque", "dense"]
    (one,) = opaque_of(found).values()
    assert one["what"] == "Outer"
    assert one["tensors"] == [{"name": "by.weight", "shape": [3, 3]}]
    assert one["place"] == "train.py, line 11"


def test_a_module_that_goes_on_by_its_numbers_is_opaque(read_text: Read) -> None:
    found = read_text(TORCH + BRANCHING + LOOP.format(loss=MEAN))
    assert kinds_of(found) == ["dense", "opaque", "dense"]
    (one,) = opaque_of(found).values()
    assert one["what"] == "__main__.Branching"
    assert "by whose numbers the model goes on" in one["needs"]


def test_functions_that_are_not_read_are_one_with_those_around_them_up_to_the_next_layers(read_text: Read) -> None:
    found = read_text(TORCH + DRAWN + LOOP.format(loss="own_loss(*(lambda o, m: (o, y, m))(*net(x)))"))
    assert kinds_of(found) == ["dense", "dense", "opaque", "dense"]
    (one,) = opaque_of(found).values()
    assert sorted(one["inputs"]) == ["mean", "spread"]
    assert one["what"] == "torch.randn_like"
    assert one["random"] == [{"shape": [3]}]
    loss = found.spec["loss"]["opaque"]
    assert (loss["what"], loss["reads"]) == ("own_loss", ["mean"])
    assert found.spec["model"]["layers"][-1]["dense"]["units"] == 2
    assert "outputs" not in found.spec["model"]


def test_labels_of_an_opaque_loss_stay_numbers(read_text: Read) -> None:
    loss = "lambda y, z: -ops.log(1e-3 + ops.take_along_axis(ops.softmax(z), ops.cast(y, 'int32')[:, None], axis=-1))"
    text = KERAS.replace('np.ones((8, 2), "float32")', "np.arange(8) % 2") + CUMULATED + FIT.format(loss=loss)
    found = read_text(text)
    assert found.spec["data"]["targets"] == "index"
    assert found.arrays["y"].dtype == np.int64


def test_rows_that_are_drawn_anew_are_read_once_and_said_to_be(read_text: Read) -> None:
    rows = """
class Rows(torch.utils.data.Dataset):
    def __len__(self):
        return 16
    def __getitem__(self, n):
        return x[n] + torch.randn(4), y[n]
net = nn.Linear(4, 2)
opt = torch.optim.SGD(net.parameters(), 0.1)
for a, b in torch.utils.data.DataLoader(Rows(), 4):
    opt.zero_grad()
    F.mse_loss(net(a), b).backward()
    opt.step()
"""
    found = read_text(TORCH + rows)
    assert len(found.arrays["X"]) == 16
    assert "a data set (Rows) that gives other numbers each time it is read" in found.redrawn
    assert any("those in train.npz are one reading of them" in one for one in found.notes)
    assert not found.opaque


def test_a_layer_that_gives_several_tensors_is_not_even_opaque(read_text: Read) -> None:
    several = """
class Halves(layers.Layer):
    def call(self, x):
        noise = keras.random.normal(ops.shape(x))
        return x * noise, x + noise
a, b = Halves()(inputs)
h = layers.concatenate([a, b])
"""
    with pytest.raises(ParityError, match=r"layer 'halves' \(Halves\) is not read"):
        read_text(KERAS + several + FIT.format(loss="'mse'"))


def test_a_spec_with_opaque_parts_loads_and_is_compiled_in_no_framework(read_text: Read) -> None:
    found = read_text(KERAS + SAMPLING)
    plain = YAML(typ="safe").load(found.text("train.py"))
    plain["data"]["source"] = "blobs"
    spec = build_spec({**plain, "sides": {"own": {"framework": "keras", "program": str(Path(__file__))}}})
    (side,) = resolve(spec)
    assert [layer.op.kind for layer in side.layers()] == ["dense", "dense", "opaque", "dense"]
    with pytest.raises(SpecError) as raised:
        resolve(build_spec(plain), ("torch", "keras"))
    lines = [str(one) for one in raised.value.faults]
    assert len(lines) == 2
    assert all("runs only in the program that it was read from" in one for one in lines)
    assert any(one.startswith("model.layers[2]") and "Sampling (train.py, line 16)" in one for one in lines)


@pytest.mark.parametrize(
    ("between", "what", "needs"),
    [
        ("h = layers.Lambda(lambda x: ops.erf(x))(inputs)", "Lambda", "a layer that does what keras.ops.erf does"),
        ("g = layers.Dense(3)(inputs)\nh = ops.erf(g) + ops.sin(g)", "keras.ops.erf, keras.ops.sin",
         "a layer that does what keras.ops.erf does; a layer that does what keras.ops.sin does"),
        ("h = layers.LSTM(3, unroll=True)(layers.Reshape((4, 1))(inputs))", "keras.layers.LSTM",
         "a field of lstm that says unroll=True"),
    ],
    ids=["Lambda", "operations", "unroll"],
)  # fmt: skip
def test_what_stands_in_the_way_is_said(between: str, what: str, needs: str, read_text: Read) -> None:
    found = read_text(KERAS + between + FIT.format(loss="'mse'"))
    (one,) = opaque_of(found).values()
    assert (one["what"], one["needs"]) == (what, needs)
    assert one["place"].startswith("train.py, line ")


def test_whole_numbers_reach_an_opaque_layer_as_they_are(read_text: Read) -> None:
    text = TORCH.replace("torch.randn(16, 4)", "torch.randint(0, 5, (16, 4))")
    net = "net = nn.Sequential(nn.Embedding(5, 3, scale_grad_by_freq=True), nn.Flatten(), nn.Linear(12, 2))\n"
    found = read_text(text + net + LOOP.format(loss=MEAN))
    (one,) = opaque_of(found).values()
    assert one["what"] == "nn.Embedding"
    assert found.spec["model"]["inputs"] == {"input": {"shape": [4], "dtype": "integer"}}


PENALISED = """
class Whole(keras.Model):
    def __init__(self):
        super().__init__()
        self.end = layers.Dense(2, name="end")
        self.end.build((None, 4))
    def call(self, x):
        self.add_loss(ops.sum(ops.square(self.end.kernel)))
        return self.end(x)
model = Whole()
model.compile(keras.optimizers.SGD(0.1), "mse")
model.fit(x, y, batch_size=4)
"""


def test_a_penalty_of_weights_that_a_model_adds_is_refused(read_text: Read) -> None:
    with pytest.raises(
        ParityError, match=r"Whole\.add_loss of what no layer gives is not read; it needs a regularizer"
    ):
        read_text(KERAS + PENALISED)
