"""Two outputs end to end: programs written by hand that give a dict or a tuple, and targets read by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers_commands import command

from parity.data.loading import load
from parity.data.section import DataSpec
from parity.errors import DataError

IN_A_TUPLE = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Linear(32, 16)
        self.drop = nn.Dropout(0.25)
        self.kind = nn.Linear(16, 3)
        self.speed = nn.Linear(16, 1)

    def forward(self, x):
        x = self.drop(torch.relu(self.trunk(x.flatten(1))))
        return self.kind(x), self.speed(x).squeeze(-1)


def build_loss():
    classes, numbers = nn.CrossEntropyLoss(), nn.MSELoss()
    return lambda outputs, targets: classes(outputs[0], targets[0]) + 0.5 * numbers(outputs[1], targets[1].squeeze(-1))


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)
"""

COMPILED = """
import keras


def build_model():
    inputs = keras.Input((32, 1))
    x = keras.layers.Dense(16, activation="relu", name="trunk")(keras.layers.Flatten()(inputs))
    x = keras.layers.Dropout(0.25)(x)
    kind = keras.layers.Dense(3, activation="softmax", name="shape")(x)
    speed = keras.layers.Dense(1, name="speed")(x)
    model = keras.Model(inputs, {"wave": kind, "pitch": speed})
    model.compile(
        optimizer=keras.optimizers.SGD(0.1),
        loss={"wave": "categorical_crossentropy", "pitch": "mse"},
        loss_weights={"wave": 1.0, "pitch": 0.5},
    )
    return model
"""

SPEC = """
name: two
data: {source: waves, rows: 160}
model:
  input: [32, 1]
  layers:
    - flatten
    - dense: {units: 16, activation: relu, name: trunk}
    - dropout: 0.25
    - dense: {units: 3, activation: softmax, name: shape}
    - dense: {units: 1, inputs: dropout, name: speed}
  outputs: {wave: shape, pitch: speed}
loss: {wave: categorical_crossentropy, pitch: {mse: {weight: 0.5}}}
optimizer: {sgd: {learning_rate: 0.1}}
sides:
  tensorflow: {framework: tensorflow}
  in_a_tuple: {framework: torch, program: in_a_tuple.py}
  compiled: {framework: keras, program: compiled.py}
  forgotten: {framework: torch, program: forgotten.py}
  swapped: {framework: torch, program: swapped.py}
  another: {framework: torch, program: another.py}
"""


@pytest.mark.slow
def test_programs_that_give_a_tuple_or_a_dict_are_held_against_it(tmp_path: Path) -> None:
    """Right ones are silent; a weight that is forgotten, swapped or any other is found, and named."""
    programs = {
        "in_a_tuple": IN_A_TUPLE, "compiled": COMPILED, "forgotten": IN_A_TUPLE.replace("0.5 * numbers", "numbers"),
        "swapped": IN_A_TUPLE.replace("0.5 * numbers", "numbers").replace(" classes(outputs", " 0.5 * classes(outputs"),
        "another": IN_A_TUPLE.replace("0.5 * numbers", "0.37 * numbers"),
    }  # fmt: skip
    for name, text in programs.items():
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "two.yaml").write_text(SPEC)
    done = command("check", "two.yaml", "--steps", "3", "--json", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    found = {one["b"]: one for one in json.loads(done.stdout)["comparisons"]}
    assert found["in_a_tuple"]["verdict"] == found["compiled"]["verdict"] == "rounding"
    assert not found["in_a_tuple"]["unmatched"]
    (solved,) = found["another"]["causes"]
    assert (solved["path"], float(solved["value"])) == ("loss.pitch.weight", pytest.approx(0.37, rel=1e-4))
    for name, paths in (
        ("another", {"loss.pitch.weight"}),
        ("forgotten", {"loss.pitch.weight"}),
        ("swapped", {"loss.wave.weight + loss.pitch.weight"}),
    ):
        assert found[name]["verdict"] == "divergent"
        assert (found[name]["first"]["step"], found[name]["first"]["phase"]) == (1, "loss")
        assert {cause["path"] for cause in found[name]["causes"]} == paths


def test_targets_of_several_outputs_are_read_by_name(tmp_path: Path) -> None:
    arrays = {
        "X": np.ones((4, 2)),
        "label": np.array([0, 2, 1, 0]),
        "mask": np.zeros((4, 2, 2)),
        "level": np.arange(4.0),
    }
    np.savez(tmp_path / "rows.npz", **arrays)
    source = str(tmp_path / "rows.npz")
    found = load(DataSpec(source=source, y=("label", "mask", "level"), validation_split=0.25))
    assert found.y.shape == (3, 3 + 4 + 1)
    label, mask, level = found.each
    assert label.y.tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert label.y_val is not None
    assert label.y_val.tolist() == [[1, 0, 0]]
    assert (label.classes, mask.y.shape, level.y.tolist()) == (3, (3, 2, 2), [[0.0], [1.0], [2.0]])
    assert "label: 3 classes, mask: targets, level: targets" in found.description
    kept = load(DataSpec(source=source, y=("label", "level"), one_hot=()))
    assert kept.y.tolist() == [[0, 0], [2, 1], [1, 2], [0, 3]]
    with pytest.raises(DataError, match=r"no array 'levels'.*did you mean 'level'"):
        load(DataSpec(source=source, y=("label", "levels")))
    np.savez(tmp_path / "rows.npz", **(arrays | {"level": np.arange(3.0)}))
    with pytest.raises(DataError, match="level has 3 rows, but label has 4"):
        load(DataSpec(source=source, y=("label", "level")))
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="a table holds one column of targets"):
        load(DataSpec(source=str(tmp_path / "rows.csv"), y=("a", "b")))
    with pytest.raises(DataError, match=r"has the outputs wave, pitch, the model one output; call model\.outputs"):
        load(DataSpec(source="waves"))
