"""The weights that programs begin to train from, taken over as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_commands import command, lender
from ruamel.yaml import YAML
from safetensors.numpy import load_file

from parity.commands.progress import silent
from parity.commands.read import _taking as taking_of
from parity.commands.read import written
from parity.reading.asking import asked_in, program_of
from parity.run.session import Session

ROWS = """
import numpy as np

generator = np.random.default_rng(0)
x = generator.normal(size=(48, 6)).astype("float32")
y = generator.integers(0, 3, 48)
"""

KERAS = """
import keras
from keras import layers

keras.utils.set_random_seed(3)
model = keras.Sequential([keras.Input((6,)), layers.Dense(5, name="hidden"), layers.BatchNormalization(name="norm"),
                          layers.ReLU(), layers.Dense(3, activation="softmax", name="out")])
model.layers[1].moving_mean.assign([1.0, 2.0, 3.0, 4.0, 5.0])
model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
of_norm = ("gamma", "beta", "moving_mean", "moving_variance")
names = [f"{layer}.{name}" for layer, every in (("hidden", ("kernel", "bias")), ("norm", of_norm),
                                                ("out", ("kernel", "bias"))) for name in every]
np.savez("own.npz", **dict(zip(names, model.get_weights())))
"""

FIT = (
    KERAS
    + """
model.fit(x, y, batch_size=8)
"""
)

TAPE = (
    """
import tensorflow as tf
"""
    + KERAS
    + """
optimizer = keras.optimizers.SGD(0.5)
loss_fn = keras.losses.SparseCategoricalCrossentropy()
for start in range(0, 48, 8):
    with tf.GradientTape() as tape:
        loss = loss_fn(y[start : start + 8], model(x[start : start + 8], training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
"""
)

TORCH = """
import torch
from torch import nn

torch.manual_seed(3)
x, y = torch.tensor(x), torch.tensor(y)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.norm, self.out = nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 3)

    def forward(self, x):
        return self.out(torch.relu(self.norm(self.hidden(x))))


net = Net()
net(x)  # What stands there ahead of the first step is what it begins with.
own = {name: value.numpy().copy() for name, value in net.state_dict().items()}
np.savez("own.npz", **{
    "hidden.kernel": own["hidden.weight"].T, "hidden.bias": own["hidden.bias"], "norm.gamma": own["norm.weight"],
    "norm.beta": own["norm.bias"], "norm.moving_mean": own["norm.running_mean"],
    "norm.moving_variance": own["norm.running_var"], "out.kernel": own["out.weight"].T, "out.bias": own["out.bias"],
})
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
for start in range(0, 48, 8):
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(x[start : start + 8]), y[start : start + 8]).backward()
    optimizer.step()
"""

RAW = """
import tensorflow as tf

tf.random.set_seed(3)
W1, b1 = tf.Variable(tf.random.normal([6, 5])), tf.Variable(tf.zeros([5]))
W2, b2 = tf.Variable(tf.random.normal([5, 3])), tf.Variable(tf.zeros([3]))
np.savez("own.npz", **{"dense_1.kernel": W1, "dense_1.bias": b1, "dense_2.kernel": W2, "dense_2.bias": b2})
for start in range(0, 48, 8):
    with tf.GradientTape() as tape:
        logits = tf.matmul(tf.nn.relu(tf.matmul(x[start : start + 8], W1) + b1), W2) + b2
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y[start : start + 8], logits))
    for v, g in zip([W1, b1, W2, b2], tape.gradient(loss, [W1, b1, W2, b2])):
        v.assign_sub(0.5 * g)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    with lender():
        yield tmp_path


@pytest.mark.parametrize("text", [FIT, TAPE, TORCH, RAW], ids=["keras", "keras_in_a_loop", "torch", "tensorflow"])
def test_the_weights_are_those_that_training_begins_from(here: Path, session: Session, text: str) -> None:
    """Not those of three steps later, when the program is stopped; and running statistics with them."""
    (here / "train.py").write_text(ROWS + text)
    program = program_of("train.py")
    told, arrays = asked_in(session, program)
    found = written(told, arrays, program, here / "train.yaml", {}, taking_of(program, 300.0, None, silent))
    assert [file.name for file in found.files] == ["train.yaml", "train.npz", "train.safetensors"]
    assert found.carried is not None
    assert found.carried < 1e-5
    given, own = load_file("train.safetensors"), np.load("own.npz")
    assert set(given) == set(own.files) == set(written_parameters(found.spec))
    for name, value in given.items():
        assert np.array_equal(value, own[name]), name
    spec = YAML(typ="safe").load((here / "train.yaml").read_text())
    assert spec["training"]["initial_weights"] == "train.safetensors"
    kinds = {kind: one for layer in spec["model"]["layers"] for kind, one in layer.items()}
    assert ("kernel_initializer" in kinds["dense"]) == (text in (TORCH, RAW)), "initializers are what is read"


def written_parameters(spec: Any) -> list[str]:
    from parity.prepare.options import Options, prepare

    return list(prepare(spec, Options())[0].parameters())


def test_a_spec_runs_from_a_file_in_every_framework_and_beside_a_program_of_ones_own(here: Path) -> None:
    (here / "rows.py").write_text(ROWS + 'np.savez("rows.npz", X=x, y=y)')
    done = command("compile", "start.yaml", cwd=spec_in(here, "start.yaml"))
    assert done.returncode == 2
    assert "start.safetensors: No such file or directory" in done.stderr
    spec_in(here, "drawn.yaml", weights="")
    exec((here / "rows.py").read_text(), {})
    for arguments in (
        ("compile", "drawn.yaml", "--framework", "torch", "-o", "port.py", "--save-weights", "start.safetensors"),
        ("check", "start.yaml", "--steps", "2"),
        ("check", "own.yaml", "--steps", "2"),
    ):
        spec_in(here, "own.yaml", sides="sides: {a: {framework: keras}, b: {framework: torch, program: port.py}}")
        done = command(*arguments, cwd=here)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "Parity" in done.stdout


def spec_in(folder: Path, name: str, weights: str = ", initial_weights: start.safetensors", sides: str = "") -> Path:
    (folder / name).write_text(f"""
name: start
data: {{source: rows.npz}}
model: {{input: [6], layers: [{{dense: {{units: 4, activation: tanh}}}}, {{dense: {{units: 3}}}}]}}
loss: {{sparse_categorical_crossentropy: {{from_logits: true}}}}
optimizer: {{sgd: {{learning_rate: 0.1}}}}
training: {{batch_size: 8{weights}}}
{sides}
""")
    return folder


def test_two_programs_that_begin_elsewhere_part_in_their_weights(
    here: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parity.commands.compare.asked", lambda program, seconds: asked_in(session, program))
    (here / "a.py").write_text(ROWS + FIT)
    (here / "b.py").write_text(ROWS + FIT.replace("set_random_seed(3)", "set_random_seed(4)"))
    done = command(
        "compare", "a.py", "b.py", "--weights", "live", "--no-explain", "--no-proof", "--steps", "2", "--verbose",
        cwd=here,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "training.initial_weights" in done.stdout
    assert "they part at step 1, weights," in " ".join(done.stdout.split())
    folder = here / "reports" / "a-b"
    spec = YAML(typ="safe").load((folder / "a-b.yaml").read_text())
    assert spec["training"]["initial_weights"] == "a.safetensors"
    assert spec["sides"]["b"]["changes"] == {"training.initial_weights": "b.safetensors"}
    assert set(load_file(folder / "a.safetensors")) == set(load_file(folder / "b.safetensors"))


def test_weights_are_live_or_drawn(here: Path) -> None:
    (here / "a.py").write_text(ROWS + FIT)
    done = command("read", "a.py", "--weights", "saved", cwd=here)
    assert done.returncode == 2
    assert "'saved' is not 'live'" in done.stderr
