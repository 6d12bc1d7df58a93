"""Sample weights end to end: files, faults with their lines, programs that run alone, sides that lack them, ports."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_alone import run_alone
from helpers_commands import command
from helpers_frameworks import EACH_FRAMEWORK, FRAMEWORKS, missing
from safetensors.numpy import load_file

from parity.data.loading import fingerprint, load
from parity.data.section import DataSpec
from parity.errors import DataError, SpecError
from parity.explain.habits import factors
from parity.explain.loss_changes import weighed
from parity.spec.differences import differences
from parity.spec.load import parse_spec
from parity.spec.resolve import resolve

ROWS = 30
RNG = np.random.default_rng(3)
X = RNG.normal(size=(ROWS, 4))
LABELS = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
WEIGHTS = RNG.uniform(0.2, 3.0, ROWS)


def stored(folder: Path, **more: Any) -> Path:
    arrays: Any = {"X": X, "y": LABELS, "weights": WEIGHTS} | more
    np.savez(folder / "rows.npz", **arrays)
    return folder / "rows.npz"


# ------------------------------------------------------------------------------------------------------ files


def test_weights_are_read_by_name_in_every_form_that_is_said(tmp_path: Path) -> None:
    file = str(stored(tmp_path, column=WEIGHTS[:, None], whole=np.arange(ROWS)))
    plain = load(DataSpec(source=file))
    assert plain.weights is None
    one = load(DataSpec(source=file, sample_weights="weights", rows=20, validation_split=0.25))
    assert one.weights is not None
    assert one.weights_val is not None
    assert one.weights.tolist() == WEIGHTS[:15].tolist()
    assert one.weights_val.tolist() == WEIGHTS[15:20].tolist()
    assert one.raw["weights"].tolist() == WEIGHTS.tolist()
    assert "weighted by weights" in one.description
    for name in ("column", "whole"):
        found = load(DataSpec(source=file, sample_weights=name))
        assert found.weights is not None
        assert found.weights.shape == (ROWS,)
        assert found.weights.dtype == np.float64
    every = [load(DataSpec(source=file, sample_weights=name)) for name in ("weights", "column", "whole")]
    assert fingerprint(every[0]) == fingerprint(every[1])
    assert len({fingerprint(one) for one in [plain, *every]}) == 3


def test_the_weight_of_a_row_is_that_of_each_of_its_steps(tmp_path: Path) -> None:
    y, steps = RNG.normal(size=(ROWS, 5, 1)), RNG.uniform(size=(ROWS, 5))
    file = str(stored(tmp_path, y=y, steps=steps, column=WEIGHTS[:, None]))
    for name in ("weights", "column"):
        found = load(DataSpec(source=file, sample_weights=name)).weights
        assert found is not None
        assert (found == np.repeat(WEIGHTS[:, None], 5, axis=1)).all()
    own = load(DataSpec(source=file, sample_weights="steps")).weights
    assert own is not None
    assert (own == steps).all()


def test_a_column_of_a_table_may_be_the_weights_and_is_no_feature(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,kind,w\n1,red,0.5\n2,blue,2\n3,red,0\n")
    found = load(DataSpec(source=str(tmp_path / "rows.csv"), sample_weights="w"))
    assert found.x.tolist() == [[1.0], [2.0], [3.0]]
    assert (found.classes, found.weights is not None and found.weights.tolist()) == (2, [0.5, 2.0, 0.0])
    with pytest.raises(DataError, match=r"no column 'kid'.*did you mean 'kind'"):
        load(DataSpec(source=str(tmp_path / "rows.csv"), sample_weights="kid"))
    with pytest.raises(DataError, match="column of sample weights, 'kind', holds text"):
        load(DataSpec(source=str(tmp_path / "rows.csv"), y="a", sample_weights="kind"))


REFUSED = {
    "below 0": (-WEIGHTS, r"weights has 30 of 30 values below 0, the first at \[0\]; expected .* of at least 0"),
    "not finite": (np.where(np.arange(ROWS) == 2, np.nan, 1.0), r"weights has 1 of 30 values that are NaN.*at \[2\]"),
    "too few": (WEIGHTS[:7], "weights has 7 rows, and there are 30 rows; expected one sample weight for each"),
    "one number": (np.array(1.0), "weights is a single number"),
    "words": (np.array(["a"] * ROWS), "weights holds <U1; expected integers or floats"),
    "several of a row": (np.ones((ROWS, 3)), r"has shape \(30, 3\); .* one number for each row: \(N,\) or \(N, 1\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_weights_that_are_none_are_refused(name: str, tmp_path: Path) -> None:
    weights, told = REFUSED[name]
    with pytest.raises(DataError, match=told):
        load(DataSpec(source=str(stored(tmp_path, weights=weights)), sample_weights="weights"))


def test_weights_that_are_not_there_are_told_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no array 'weight'; expected .*did you mean 'weights'"):
        load(DataSpec(source=str(stored(tmp_path)), sample_weights="weight"))
    with pytest.raises(DataError, match=r"leaf_like has no sample weights.*say data.source: FILE.npz"):
        load(DataSpec(source="leaf_like", sample_weights="weights"))


SPEC = """\
name: weighed
data: {source: rows.npz, sample_weights: weights}
model:
  input: [4]
  layers:
    - dense: {units: 6, activation: tanh, name: hidden}
    - dense: {units: 3, activation: softmax, name: out}
loss: categorical_crossentropy
optimizer: {sgd: {learning_rate: 0.2, momentum: 0.5}}
training: {batch_size: 8, epochs: 2}
metrics: [accuracy]
"""

FAULTS = {
    "of several outputs": (
        "loss: categorical_crossentropy", "loss: {a: mse, b: mse}", 2, "data.sample_weights",
        "of several they are not there yet",
    ),
    "by output": ("weights: weights", "weights: {a: w}", 2, "data.sample_weights", "not there yet"),
    "the targets": ("weights: weights", "weights: y", 2, "data.sample_weights", "'y', which are the targets"),
    "of no rows": (
        "loss: categorical_crossentropy", "loss: {cosine_similarity: {axis: 0}}", 8, "loss.cosine_similarity",
        "along axis 0 a row has no loss of its own",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_what_weights_cannot_be_is_said_with_its_line(name: str) -> None:
    old, new, line, path, told = FAULTS[name]
    text = SPEC.replace(old, new) + "sides: {one: {framework: torch}}\n"
    if name == "of several outputs":
        text = text.replace("loss:", "  outputs: {a: hidden, b: out}\nloss:").replace("metrics: [accuracy]\n", "")
    with pytest.raises(SpecError) as caught:
        resolve(parse_spec(text, "s.yaml"))
    (fault,) = [one for one in caught.value.faults if "weights" in str(one) or "weigh" in str(one)]
    assert told in str(fault), str(fault)
    assert fault.line == line
    assert fault.path.startswith(path.partition(".")[0])


# --------------------------------------------------------------------------------------------- programs alone


@pytest.mark.takes_turns
@pytest.mark.slow
@pytest.mark.parametrize("framework", [*EACH_FRAMEWORK, "keras_torch"])
def test_a_program_reads_the_weights_by_name_and_trains_alone_as_in_the_harness(framework: str, tmp_path: Path) -> None:
    """Of steps, from a file that has one weight a row, with rows kept to validate on: their loss is weighed, too."""
    if missing(framework):
        pytest.skip(missing(framework))
    x, y = RNG.normal(size=(ROWS, 5, 4)), RNG.normal(size=(ROWS, 5, 2))
    stored(tmp_path, X=x, y=y, weights=WEIGHTS[:, None])
    text = SPEC.replace("weights: weights", "weights: weights, rows: 25, validation_split: 0.2").replace(
        "[4]", "[5, 4]"
    )
    text = text.replace("units: 3, activation: softmax", "units: 2").replace("categorical_crossentropy", "mse")
    text = text.replace("metrics: [accuracy]\n", "")
    (tmp_path / "s.yaml").write_text(text + f"sides: {{one: {{framework: {framework}}}}}\n")
    done = command("run", "s.yaml", "--no-explain", "--no-trace", "--json", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    harness = json.loads(done.stdout)["sides"][0]["losses"]
    saved = ("--save-data", "saved.npz", "--save-weights", "init.safetensors")
    done = command("compile", "s.yaml", "--side", "one", "-o", "alone.py", *saved, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    source, told = (tmp_path / "alone.py").read_text(), []
    still = re.sub(r"\b(lr|learning_rate)=0\.2\b", r"\1=0.0", source)
    assert still != source
    (tmp_path / "still.py").write_text(still)
    for name, more in (("alone.py", ()), ("still.py", ("--native-random", "--precision", "float64"))):
        given = (name, "--data", "saved.npz", "--weights", "init.safetensors", *more)
        run = run_alone(framework, given, tmp_path)
        assert run.returncode == 0, run.stderr
        told.append([float(line) for line in run.stdout.split()])
        found = re.search(r"loss of the rows to validate on: (\S+)", run.stderr)
        assert found
    assert told[0] == harness
    assert len(told[1]) == len(harness)
    start = load_file(tmp_path / "init.safetensors")
    hidden = np.tanh(x[20:25] @ start["hidden.kernel"].astype(float) + start["hidden.bias"])
    errors = (hidden @ start["out.kernel"].astype(float) + start["out.bias"] - y[20:25]) ** 2
    assert float(found[1]) == pytest.approx((errors.mean(axis=-1) * WEIGHTS[20:25, None]).mean(), rel=1e-12)


@pytest.mark.skipif(bool(missing("torch")), reason="torch not installed")
def test_the_framework_may_deal_out_the_rows_and_their_weights(tmp_path: Path) -> None:
    stored(tmp_path)
    text = SPEC.replace("epochs: 2", "epochs: 2, random: native") + "sides: {one: {framework: torch}}\n"
    (tmp_path / "s.yaml").write_text(text)
    done = command("run", "s.yaml", "--no-explain", "--no-trace", "--json", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["sides"][0]["losses"]) == 8


# ------------------------------------------------------------------------------------------- sides that differ


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.skipif(bool(missing("torch")), reason="torch not installed")
def test_weights_on_one_side_are_a_difference_and_the_cause_where_they_decide(tmp_path: Path) -> None:
    """Two rows in three are labelled the other way round, and count nothing where somebody looks at the weights."""
    x = np.random.default_rng(1).normal(size=(120, 4))
    true = (x[:, 0] > 0).astype(int)
    wrong = np.arange(120) % 3 > 0
    np.savez(tmp_path / "rows.npz", X=x, y=np.where(wrong, 1 - true, true), weights=np.where(wrong, 0.0, 3.0))
    text = SPEC.replace("units: 3", "units: 2").replace("epochs: 2", "epochs: 6")
    text += "sides:\n  weighed: {framework: torch}\n  alike: {framework: torch, changes: {data.sample_weights: null}}\n"
    (tmp_path / "s.yaml").write_text(text)
    done = command("diff", "s.yaml", cwd=tmp_path)
    assert "data.sample_weights  weights -> none" in done.stdout
    assert "each times its sample weight" in " ".join(done.stdout.split())
    done = command("run", "s.yaml", "--json", "--out", "out", cwd=tmp_path)
    found = json.loads(done.stdout)
    (comparison,) = found["comparisons"]
    assert (comparison["verdict"], comparison["first"]["phase"], comparison["first"]["step"]) == (
        "divergent",
        "loss",
        1,
    )
    explained = found["explanation"]
    assert explained["breakers"] == explained["repairs"] == [["data.sample_weights"]]
    assert explained["good"] == "alike", "metrics count every row"


# ---------------------------------------------------------------------------------------------------- by hand

KERAS_PORT = """\
import keras


class Weighing(keras.Model):
    def train_step(self, data):
        x, y, sample_weight = data
        return super().train_step((x, y, sample_weight))


def build_model():
    inputs = keras.Input((4,))
    x = keras.layers.Dense(6, activation="tanh", name="hidden")(inputs)
    model = Weighing(inputs, keras.layers.Dense(3, activation="softmax", name="out")(x))
    model.compile(optimizer=keras.optimizers.SGD(0.2, momentum=0.5), loss="categorical_crossentropy")
    return model
"""
TENSORFLOW_PORT = """\
import tensorflow as tf


class Model(tf.Module):
    def __init__(self):
        super().__init__()
        self.hidden_kernel = tf.Variable(tf.zeros((4, 6)))
        self.hidden_bias = tf.Variable(tf.zeros(6))
        self.out_kernel = tf.Variable(tf.zeros((6, 3)))
        self.out_bias = tf.Variable(tf.zeros(3))

    def __call__(self, x):
        x = tf.tanh(x @ self.hidden_kernel + self.hidden_bias)
        return x @ self.out_kernel + self.out_bias


class Momentum:
    def __init__(self, variables):
        self.velocity = [tf.Variable(tf.zeros_like(one)) for one in variables]

    def apply_gradients(self, gradients, variables):
        for gradient, variable, v in zip(gradients, variables, self.velocity):
            v.assign(0.5 * v - 0.2 * gradient)
            variable.assign_add(v)


def build_loss():
    def loss(labels, logits, sample_weights):
        losses = tf.nn.softmax_cross_entropy_with_logits(labels, logits)
        return tf.reduce_sum(sample_weights * losses) / tf.cast(tf.shape(labels)[0], losses.dtype)

    return loss


def build_optimizer(model):
    return Momentum(model.trainable_variables)
"""
TORCH_PORT = """\
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(4, 6)
        self.out = nn.Linear(6, 3)

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x)))


class Weighed(nn.Module):
    def forward(self, logits, labels, sample_weights):
        losses = nn.functional.cross_entropy(logits, labels, reduction="none")
        return (losses * sample_weights).mean()


def build_loss():
    return Weighed()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.5)
"""
STEPS = """

def train_step(model, loss_fn, optimizer, x, y, scale=1.0, *, sample_weight):
    optimizer.zero_grad()
    loss = scale * loss_fn(model(x), y, sample_weight)
    loss.backward()
    optimizer.step()
    return loss.detach()
"""
PORTS = {
    "right_keras": ("keras", KERAS_PORT, []),
    "right_tensorflow": ("tensorflow", TENSORFLOW_PORT, []),
    "right_torch": ("torch", TORCH_PORT, []),
    "steps_torch": ("torch", TORCH_PORT + STEPS, []),
    "forgets_torch": ("torch", TORCH_PORT.replace("return Weighed()", "return nn.CrossEntropyLoss()"),
                      [("data.sample_weights", None)]),
    "halved_torch": ("torch", TORCH_PORT.replace(".mean()", ".mean() / 2"), [("program.loss_factor", 0.5)]),
    "divides_tensorflow": ("tensorflow", TENSORFLOW_PORT.replace(
        "tf.cast(tf.shape(labels)[0], losses.dtype)", "tf.reduce_sum(sample_weights)"),
        [("loss.reduction", "mean_with_sample_weight")]),
}  # fmt: skip


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.skipif(any(map(missing, FRAMEWORKS)), reason="a framework is not installed")
def test_ports_that_weigh_are_at_parity_and_others_are_told_what_they_do(tmp_path: Path) -> None:
    stored(tmp_path)
    sides = ["sides:", "  compiled: {framework: keras}"]
    for name, (framework, text, _) in PORTS.items():
        (tmp_path / f"{name}.py").write_text(text)
        sides.append(f"  {name}: {{framework: {framework}, program: {name}.py}}")
    (tmp_path / "s.yaml").write_text(SPEC + "\n".join(sides) + "\n")
    done = command("check", "s.yaml", "--steps", "4", "--check-steps", "all", "--json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    found = {one["b"]: one for one in json.loads(done.stdout)["comparisons"]}
    for name, (_, _, causes) in PORTS.items():
        one = found[name]
        assert (one["verdict"] in ("identical", "rounding")) is not bool(causes), (name, one["reason"])
        assert [(cause["path"], cause["value"]) for cause in one["causes"]] == causes, (
            name,
            one["causes"],
            one["uncaused"],
        )
        if causes:
            assert (one["first"]["step"], one["first"]["phase"]) == (1, "loss")


def test_a_mean_over_weights_is_a_plain_one_only_where_neither_side_has_weights() -> None:
    sides = """sides:
  a: {framework: torch}
  b: {framework: torch, changes: {loss.reduction: mean_with_sample_weight, data.sample_weights: null}}
"""
    for text, inert in ((SPEC, False), (SPEC.replace(", sample_weights: weights", ""), True)):
        found = {one.path: one.inert for one in differences(*resolve(parse_spec(text + sides, "s.yaml")))}
        assert found["loss.reduction"] is inert


def test_what_weights_come_to_is_no_factor_of_a_loss() -> None:
    """Of a mean over weights: another number in every batch, so that a sum is no multiple of it by the rows."""
    text = SPEC.replace("categorical_crossentropy", "{categorical_crossentropy: {reduction: mean_with_sample_weight}}")
    (side,) = resolve(parse_spec(text + "sides: {a: {framework: torch}}\n", "s.yaml"))
    assert factors(side, 4) == {}
    assert [one.value for one in weighed(side) if one.path == "loss.reduction"] == ["mean", "sum"]


@pytest.mark.skipif(bool(missing("torch")), reason="torch not installed")
def test_a_loss_that_stretches_flat_targets_is_seen_to_with_weights_too(tmp_path: Path) -> None:
    """Its weights go with the targets, as in plain tensor arithmetic."""
    stored(tmp_path, y=RNG.normal(size=ROWS))
    loss = "return lambda outputs, targets, sample_weights: (sample_weights * (outputs - targets) ** 2).mean()"
    text = TORCH_PORT.replace("return Weighed()", loss).replace("nn.Linear(6, 3)", "nn.Linear(6, 1)")
    (tmp_path / "port.py").write_text(text)
    spec = SPEC.replace("units: 3, activation: softmax", "units: 1").replace("categorical_crossentropy", "mse")
    spec = spec.replace("metrics: [accuracy]\n", "")
    spec += "sides:\n  compiled: {framework: torch}\n  port: {framework: torch, program: port.py}\n"
    (tmp_path / "s.yaml").write_text(spec)
    done = command("check", "s.yaml", "--steps", "2", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_spec_without_weights_is_what_it_was() -> None:
    (side,) = resolve(parse_spec(SPEC.replace(", sample_weights: weights", "") + "sides: {one: {framework: torch}}\n"))
    assert not side.weighs
    assert "sample weight" not in side.formula
