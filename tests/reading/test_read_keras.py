"""Keras programs as people write them: read, and the reading proved."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from helpers_commands import lender
from helpers_forked import interpreter

from parity import api
from parity.cli import main
from parity.commands.read import proved
from parity.result.schema import Comparison, Place
from parity.spec.load import load_spec

PROGRAMS = Path(__file__).parent / "programs"

RESIDUAL = """\
# Read from {program} by parity read.
name: residual
data: {{source: residual.npz, validation_split: 0.2}}
model:
  input: [8, 8, 1]
  layers:
  - conv2d:
      name: conv2d
      activation: relu
      padding: same
      kernel_size: [3, 3]
      filters: 8
  - batch_norm: {{name: batch_normalization}}
  - add:
      name: add
      inputs: [batch_normalization, conv2d]
  - flatten: {{name: flatten}}
  - dense: {{name: dense, activation: softmax, units: 10}}
loss: sparse_categorical_crossentropy
optimizer:
  adam: {{learning_rate: 0.003}}
training: {{batch_size: 16, epochs: 3, shuffle: true, seed: 0}}
metrics: [accuracy]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.sampled(2)
def test_an_unmodified_script_is_read_and_the_reading_proved(here: Path) -> None:
    script = PROGRAMS / "residual.py"
    with lender(fresh=True):
        done = CliRunner().invoke(main, ["read", str(script), "-o", "residual.yaml"], standalone_mode=False)
    assert done.output.splitlines()[:2] == ["residual.yaml", "residual.npz"]
    last = done.output.splitlines()[-1]
    assert last == "read faithfully: bit for bit the same" or float(last.rpartition(" ")[2]) < 1e-11
    assert (here / "residual.yaml").read_text() == RESIDUAL.format(program=script)
    assert sorted(file.name for file in here.iterdir()) == ["residual.npz", "residual.yaml"]
    assert load_spec("residual.yaml").training.batch_size == 16
    with np.load("residual.npz") as rows:
        assert (rows["X"].shape, rows["y"].dtype) == ((120, 8, 8, 1), np.int64)


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "binary_crossentropy"])
def test_outputs_that_the_loss_only_takes_for_probabilities_are_read_faithfully(loss: str, tmp_path: Path) -> None:
    """A softmax that is missing is the commonest of faults: the program's outputs are the numbers that they are."""
    units = 3 if loss.startswith("sparse") else 1
    (tmp_path / "missing.py").write_text(
        "import keras, numpy as np\n"
        "x = np.random.default_rng(0).normal(size=(32, 4)).astype('float32')\n"
        f"y = np.arange(32) % {max(units, 2)}\n"
        f"net = keras.Sequential([keras.Input((4,)), keras.layers.Dense({units})])\n"
        f"net.compile('sgd', {loss!r})\n"
        "net.fit(x, y)\n"
    )
    found = api.read(tmp_path / "missing.py", out=tmp_path)
    assert found.proof is not None
    assert found.proof.verdict in ("identical", "rounding"), found.proof.lines


def test_a_loop_that_sets_the_float_type_of_keras_is_read_faithfully(tmp_path: Path) -> None:
    """Its optimizer is made again in the type of the worker; its rate was float32, and the proof ended in an error."""
    (tmp_path / "typed.py").write_text(
        "import keras, numpy as np, tensorflow as tf\n"
        "keras.config.set_floatx('float32')\n"
        "x = np.random.default_rng(0).normal(size=(32, 4)).astype('float32')\n"
        "y = np.arange(32) % 3\n"
        "net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])\n"
        "optimizer, loss = keras.optimizers.SGD(0.25), keras.losses.SparseCategoricalCrossentropy(from_logits=True)\n"
        "for epoch in range(3):\n"
        "    for start in range(0, 32, 8):\n"
        "        with tf.GradientTape() as tape:\n"
        "            value = loss(y[start:start + 8], net(x[start:start + 8], training=True))\n"
        "        gradients = tape.gradient(value, net.trainable_variables)\n"
        "        optimizer.apply_gradients(zip(gradients, net.trainable_variables))\n"
    )
    found = api.read(tmp_path / "typed.py", out=tmp_path)
    assert found.proof is not None
    assert found.proof.verdict in ("identical", "rounding"), found.proof.lines


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("program", "arguments"), [("subclassed", ["--width", "7"]), ("two_towers", [])], ids=["subclassed", "two_towers"]
)
def test_programs_of_all_kinds_are_read_faithfully(program: str, arguments: list[str], tmp_path: Path) -> None:
    found = api.read(PROGRAMS / f"{program}.py", arguments=arguments, out=tmp_path)
    assert found.proof is not None
    assert found.proof.verdict in ("identical", "rounding"), found.proof.lines
    assert found.proof.difference is not None
    assert found.proof.difference < 1e-11
    assert found.files[0].read_text().partition("\nmodel:")[2] == EXPECTED[program]


EXPECTED = {
    "subclassed": """
  input: [6, 6, 1]
  layers:
  - rescaling: {name: true_divide, scale: 0.5}
  - conv2d:
      name: conv2d
      padding: same
      kernel_size: [3, 3]
      filters: 4
  - batch_norm: {name: batch_normalization, momentum: 0.9}
  - activation: {name: relu, function: relu}
  - add:
      name: add
      inputs: [relu, conv2d]
  - flatten: {name: reshape}
  - dense: {name: dense, units: 7}
  - activation: {name: tanh, function: tanh}
  - layer_norm: {name: layer_normalization}
  - dropout: {name: dropout, rate: 0.3}
  - dense: {name: dense_1, units: 5}
  - activation: {name: softmax, function: softmax}
loss:
  categorical_crossentropy: {label_smoothing: 0.1}
optimizer:
  adamw:
    clipnorm: 1.0
    learning_rate:
      cosine: {initial_learning_rate: 0.01, decay_steps: 200}
    weight_decay: 0.001
training: {batch_size: 32, epochs: 2, shuffle: false, seed: 0}
metrics: [categorical_accuracy]
""",
    "two_towers": """
  inputs:
    left: [6]
    right: [6]
  layers:
  - dense: {name: dense, inputs: left, activation: tanh, units: 5}
  - dense: {name: dense_1, units: 4}
  - again: {name: dense_2, inputs: right, layer: dense}
  - again: {name: dense_1_1, layer: dense_1}
  - concatenate:
      name: both
      inputs: [dense_1, dense_1_1]
  - dense: {name: gate, trainable: false, units: 8}
  - activation: {name: sigmoid, function: sigmoid}
  - multiply:
      name: multiply
      inputs: [both, sigmoid]
  - dense: {name: kind, units: 3}
  - activation: {name: leaky_re_lu, inputs: multiply, function: leaky_relu}
  - dense: {name: size, units: 1, kernel_constraint: non_neg}
  outputs: {kind: kind, size: size}
loss:
  kind:
    sparse_categorical_crossentropy: {from_logits: true}
  size:
    mse: {weight: 0.25}
optimizer:
  sgd: {use_ema: true, learning_rate: 0.05, momentum: 0.9, nesterov: true}
training: {batch_size: 8, epochs: 4, shuffle: true, seed: 0}
metrics:
  kind: [accuracy]
  size: [mae]
""",
}


def test_a_step_that_no_spec_can_say_is_said(tmp_path: Path) -> None:
    """Keras squares an embedding's gradient slice by slice; the verdict of the lockstep lays that to rounding."""
    found = api.read(PROGRAMS / "sentences.py", out=tmp_path, prove=False)
    assert found.proof is None
    place = Place(
        step=1, phase="state", tensor="velocity/embedding.embeddings", difference=0.64, noise=1e-14
    )  # As the lockstep has it, beside the verdict `rounding`.
    compared = Comparison(
        a="read", b="program", verdict="rounding", reason="", precision="float64", steps=5, largest=place
    )
    proof = proved(compared, found.reading)
    assert (proof.verdict, proof.code) == ("divergent", 1)
    assert proof.lines == [
        "read, but it departs at step 1, state, velocity/embedding.embeddings, by 6.4e-01: Keras gives RMSprop the "
        "gradient of an embedding as slices, and it squares each: of a token that a batch has twice, its step is not "
        "that of the gradient"
    ]
    other = compared.model_copy(update={"largest": place.model_copy(update={"tensor": "velocity/gru.bias"})})
    assert proved(other, found.reading).verdict == "rounding"
    assert found.spec.data.validation_split == 0.13978
    with np.load(found.files[1]) as rows:
        assert rows["X"].shape == (93, 7)
        assert rows["y"].shape == (93,)


NET = """\
import keras

def net():
    return keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, activation="gelu"), keras.layers.Dense(3)])

def compiled():
    model = net()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.003), loss)
    return model

def save(file):
    compiled().save(file)

if __name__ == "__main__":
    save("net.keras")
"""


def run(file: str) -> list[str]:
    """Return the command that runs a file in a fork of an interpreter that has imported Keras."""
    return [interpreter("keras"), "-c", "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')", file]


@pytest.mark.sampled(2)
def test_a_saved_model_and_one_that_is_not_compiled_are_read(here: Path) -> None:
    (here / "net.py").write_text(NET)
    subprocess.run(run("net.py"), check=True, capture_output=True)
    saved = api.read("net.keras", out="saved", prove=False)
    loss = {"sparse_categorical_crossentropy": {"from_logits": True}}
    bare = api.read("net:net", "adamw", loss, out="bare")
    assert bare.proof is not None
    assert bare.proof.code == 0, bare.proof.lines
    assert "made up" in bare.reading.notes[0]
    assert saved.reading.spec["optimizer"] == {"adam": {"learning_rate": 0.003}}
    assert [next(iter(one)) for one in bare.reading.spec["model"]["layers"]] == ["dense", "dense"]


LIVE = """\
import numpy as np
from net import compiled
from parity import api

if __name__ == "__main__":
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(40, 5)), generator.integers(0, 3, 40)
    found = api.read(compiled(), x=x, y=y, epochs=4, out="live", name="live", prove=False)
    print(found.spec.training.epochs, found.spec.loss.label(), *found.files)
"""


@pytest.mark.sampled(2)
def test_live_objects_are_read(here: Path) -> None:
    (here / "net.py").write_text(NET)
    (here / "live.py").write_text(LIVE)
    done = subprocess.run(run("live.py"), check=True, capture_output=True, text=True)
    assert done.stdout == "4 sparse_categorical_crossentropy(from_logits=true) live/live.yaml live/live.npz\n"


SET = """\
import keras, numpy as np
from keras import layers
rng = np.random.default_rng(0)
x, y = rng.normal(size=(64, 3)), np.zeros((64, 1))
model = keras.Sequential([keras.Input((3,)), layers.Dense(4, name="set"), layers.Dense(1, name="drawn")])
{sets}
model.compile(loss="mse", optimizer="sgd")
model.fit(x, y, verbose=0)
"""


@pytest.mark.parametrize(("sets", "names"), [
    ("model.layers[0].set_weights([rng.normal(size=(3, 4)), np.zeros(4)])", "set"),
    ("model.set_weights([one + 1.0 for one in model.get_weights()])", "set, drawn"),
])  # fmt: skip
def test_weights_that_a_program_sets_are_told(read_text: Any, sets: str, names: str) -> None:
    assert read_text(SET.format(sets=sets)).notes[:1] == [
        f"The program sets the weights of {names} itself (train.py, line 6); the spec draws them by its initializers, "
        "and --weights live takes them as they are."
    ]


def test_of_weights_that_nothing_sets_nothing_is_said(read_text: Any) -> None:
    assert not any("sets the weights" in one for one in read_text(SET.format(sets="")).notes)
