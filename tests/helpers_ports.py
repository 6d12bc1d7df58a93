"""Ports written by hand, as people write them: the same small network in each framework, in styles of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from parity.compare.judge import Judge
from parity.compile import Program
from parity.compile.match import Match
from parity.court.causes import Causes
from parity.data.dataset import Dataset
from parity.lazy import np
from parity.prepare.matching import Ports
from parity.run.jobs import Bench
from parity.run.store import Store
from parity.selftest.pair_bench import TestBench
from parity.selftest.port_bench import PortBench
from parity.spec.load import build_spec
from parity.spec.own_program import OwnProgram
from parity.spec.resolve import Resolved, resolve

MODEL: dict[str, Any] = {
    "input": [8, 3],
    "layers": [
        {"conv1d": {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu", "name": "conv"}},
        {"dropout": {"rate": 0.25, "name": "drop"}},
        {"flatten": {"name": "flat"}},
        {"dense": {"units": 8, "activation": "relu", "name": "hidden"}},
        {"dense": {"units": 8, "activation": "relu", "name": "second"}},
        {"dense": {"units": 5, "name": "out"}},
    ],
}
"""What every port below is a port of."""

MOMENTUM = {"sgd": {"learning_rate": 0.05, "momentum": 0.9}}
ADAM = {"adam": {"learning_rate": 0.01, "epsilon": 1e-7, "epsilon_place": "after_correction"}}
KERAS_ADAM = {"adam": {"learning_rate": 0.01, "epsilon": 1e-7, "epsilon_place": "before_correction"}}

FUNCTIONAL = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv1d(3, 4, 3, padding=1)
        self.fc1 = nn.Linear(32, 8)
        self.fc2 = nn.Linear(8, 8)
        self.fc3 = nn.Linear(8, 5)

    def forward(self, x):
        x = F.relu(self.c1(x.transpose(1, 2)))
        x = F.dropout(x, 0.25, self.training)
        x = x.transpose(1, 2).flatten(1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
"""

SEQUENTIAL = """\
import torch
from torch import nn


class Turned(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2)


def build_model():
    return nn.Sequential(
        Turned(),
        nn.Conv1d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.Dropout(0.25),
        Turned(),
        nn.Flatten(),
        nn.Linear(32, 8),
        nn.ReLU(),
        nn.Linear(8, 8),
        nn.ReLU(),
        nn.Linear(8, 5),
    )


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.Adam(model.parameters(), lr=0.01, eps=1e-7)
"""

KERAS = """\
import keras
from keras import layers


def build_model():
    inputs = keras.Input((8, 3))
    x = layers.Conv1D(4, 3, padding="same", activation="relu", name="c1")(inputs)
    x = layers.Dropout(0.25)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(8, activation="relu", name="fc1")(x)
    x = layers.Dense(8, name="fc2")(x)
    x = layers.ReLU()(x)
    outputs = layers.Dense(5, name="fc3")(x)
    return keras.Model(inputs, outputs)


def build_loss():
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def build_optimizer(model):
    return keras.optimizers.Adam(0.01, epsilon=1e-7)
"""

RAW = """\
import tensorflow as tf


class Net(tf.Module):
    def __init__(self, dtype=tf.float32):
        super().__init__()
        self.w_in = tf.Variable(tf.zeros((3, 3, 4), dtype))
        self.b_in = tf.Variable(tf.zeros(4, dtype))
        self.w_up = tf.Variable(tf.zeros((32, 8), dtype))
        self.b_up = tf.Variable(tf.zeros(8, dtype))
        self.w_down = tf.Variable(tf.zeros((8, 8), dtype))
        self.b_down = tf.Variable(tf.zeros(8, dtype))
        self.w_end = tf.Variable(tf.zeros((8, 5), dtype))
        self.b_end = tf.Variable(tf.zeros(5, dtype))

    def __call__(self, x, training=False):
        x = tf.nn.relu(tf.nn.conv1d(x, self.w_in, stride=1, padding="SAME") + self.b_in)
        if training:
            x = tf.nn.dropout(x, rate=0.25)
        x = tf.reshape(x, (-1, 32))
        x = tf.nn.relu(x @ self.w_up + self.b_up)
        x = tf.nn.relu(x @ self.w_down + self.b_down)
        return x @ self.w_end + self.b_end


def build_loss():
    def loss_fn(y, outputs):
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=outputs))

    return loss_fn


class Momentum:
    def __init__(self, variables):
        self.velocities = [tf.Variable(tf.zeros_like(one)) for one in variables]

    def apply_gradients(self, gradients, variables):
        for g, v, w in zip(gradients, self.velocities, variables):
            v.assign(0.9 * v - 0.05 * g)
            w.assign_add(v)


def build_optimizer(model):
    return Momentum(model.trainable_variables)
"""


@dataclass(frozen=True, kw_only=True)
class Port:
    """A program written by hand, and the config it is a port of.

    Args:
        framework: it is written in.
        source: of it.
        optimizer: of the config.
        names: what it calls the parts of the contract.
        map: layer or parameter of the config to what it calls it.
        model: of the config.
        beside: modules that stand beside it, by file name.
        more: what else its side says of it.
    """

    framework: str
    source: str
    optimizer: Any
    names: dict[str, str]
    map: dict[str, str]
    model: dict[str, Any]
    beside: dict[str, str]
    more: dict[str, Any]

    def edited(self, old: str, new: str) -> Port:
        """Return the port with a mistake in it."""
        assert self.source.count(old) == 1, old
        return replace(self, source=self.source.replace(old, new))


def port(framework: str, source: str, optimizer: Any, **given: Any) -> Port:
    """Return a port of the small network."""
    return Port(**{"framework": framework, "source": source, "optimizer": optimizer, "names": {}, "map": {},
                   "model": MODEL, "beside": {}, "more": {}} | given)  # fmt: skip


PORTS = {
    "torch functional": port("torch", FUNCTIONAL, MOMENTUM),
    "torch sequential": port("torch", SEQUENTIAL, ADAM),
    "keras functional": port("keras", KERAS, KERAS_ADAM),
    "raw tensorflow": port("tensorflow", RAW, MOMENTUM, names={"model": "Net"}),
}
"""Each right as it is."""


def side_like(port: Port, name: str, framework: str, own: OwnProgram | None = None) -> Resolved:
    """Return a resolved side with a port's config."""
    written = {
        "name": "ports",
        "data": {"source": "rows.npz"},
        "model": port.model,
        "loss": {"categorical_crossentropy": {"from_logits": True}},
        "optimizer": port.optimizer,
        "training": {"batch_size": 8, "seed": 2},
        "sides": {name: {"framework": framework}},
    }
    return replace(resolve(build_spec(written))[0], program=own)


def rows(port: Port) -> Dataset:
    """Return invented rows for a port's network."""
    generator = np.random.default_rng(4)
    x = generator.normal(size=(24, *port.model["input"]))
    y = np.eye(5)[generator.integers(0, 5, 24)]
    return Dataset(x=x, y=y, raw_x=x, raw_y=y, description="invented rows", stand_in=True)


def matched(bench: TestBench, port: Port, folder: Path) -> tuple[Resolved, Match, Program]:
    """Write a port to a folder and match it; return its side, what was matched, and the program."""
    for name, source in port.beside.items():
        (folder / name).write_text(source)
    file = folder / "my_port.py"
    file.write_text(port.source)
    own = OwnProgram(file=str(file), names=port.names, map=port.map, **port.more)
    side = side_like(port, "port", port.framework, own)
    compiled = bench.program(replace(side, program=None))
    data = Bench(
        dataset=rows(port), store=Store(folder / "runs"), scratch=folder / "scratch", programs=folder, logs=folder
    )  # fmt: skip
    lent = PortBench(bench=bench)
    ports = Ports(
        name="ports", sides=[side], scratch=folder / "own", bench=lambda _: data,
        session=lambda side, _: lent.lend(side),
    )  # fmt: skip
    program = ports.program(side, compiled)
    return side, ports.matched(side, compiled)[0], program


def judged(bench: TestBench, port: Port, folder: Path, steps: int = 3) -> Judge:
    """Judge a port beside the compiled program of its config, in PyTorch.

    What makes the port agree is not searched for, which takes longest: nobody who asks for the judge is told of it.
    """
    side, _, program = matched(bench, port, folder)
    clean = side_like(port, "compiled", "torch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Causes, "look", lambda *told: None)
        return bench.judged([clean, side], rows(port), steps, programs={"port": program}).judges[0]
