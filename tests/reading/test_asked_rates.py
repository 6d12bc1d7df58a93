"""Rates that raw TensorFlow programs work out in Python from a count of steps or epochs."""

from __future__ import annotations

import ast
import json
import math
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers_reading import read_and_held

from parity.cli import main
from parity.errors import ParityError
from parity.run.asked_rates import At, asked_rate

TEXT = """\
import math
import numpy as np
import tensorflow as tf
generator = np.random.default_rng(0)
x = generator.normal(size=(64, 5)).astype("float32")
y = generator.normal(size=(64, 1)).astype("float32")
w, b = tf.Variable(tf.random.normal((5, 1))), tf.Variable(tf.zeros([1]))
slots = [tf.Variable(tf.zeros_like(one)) for one in (w, b)]
base, total = 0.1, 24
def rate_at(t):
    return base * min(1.0, (t + 1) / 10)
def moved(variables, gradients, lr):
    for v, g in zip(variables, gradients):
        v.assign_sub(lr * g)
{ahead}
step = 0
for epoch in range(6):
    {by_epoch}
    for start in range(0, 64, 16):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(x[start : start + 16] @ w + b - y[start : start + 16]))
        gradients = tape.gradient(loss, [w, b])
        {by_step}
        {update}
        step += 1
"""

PLAIN = "moved([w, b], gradients, lr)"
INSIDE = """for v, m, g in zip([w, b], slots, gradients):
            m.assign(0.9 * m + lr * g)
            v.assign_sub(m)"""
OUTSIDE = """for v, m, g in zip([w, b], slots, gradients):
            m.assign(0.9 * m + g)
            v.assign_sub(lr * m)"""
OF_KERAS = "optimizer.apply_gradients(zip(gradients, [w, b]))"
MADE = "optimizer = tf.keras.optimizers.SGD(0.1)"


def text(by_step: str = "", update: str = PLAIN, by_epoch: str = "pass", ahead: str = "") -> str:
    return TEXT.format(by_step=by_step, update=update, by_epoch=by_epoch, ahead=ahead)


HALVED = {"step": {"initial_learning_rate": 0.1, "step_size": 8, "gamma": 0.5}}

RATES: dict[str, tuple[str, dict[str, Any]]] = {
    "steps of epochs": (text("lr = base * 0.5 ** (epoch // 2)"), {"learning_rate": HALVED}),
    "ahead of the epoch": (text(by_epoch="lr = base * 0.5 ** (epoch // 2)"), {"learning_rate": HALVED}),
    "a power": (
        text("lr = base * 0.96 ** step"),
        {"learning_rate": {"exponential": {"initial_learning_rate": 0.1, "decay_steps": 1, "decay_rate": 0.96}}},
    ),
    "a cosine": (
        text("lr = 0.5 * base * (1 + math.cos(math.pi * step / total))"),
        {"learning_rate": {"cosine": {"initial_learning_rate": 0.1, "decay_steps": 24}}},
    ),
    "a function in the call": (
        text(update="moved([w, b], gradients, rate_at(step))"),
        {"learning_rate": {"constant": {"learning_rate": 0.1, "warmup_steps": 9, "warmup_from": 0.01}}},
    ),
    "within the velocity": (
        text("lr = base * 0.5 ** (epoch // 2)", INSIDE), {"momentum": 0.9, "learning_rate": HALVED},
    ),
    "outside of it": (
        text("lr = base * 0.5 ** (epoch // 2)", OUTSIDE),
        {"momentum": 0.9, "rate_place": "outside_velocity", "learning_rate": HALVED},
    ),
    "assigned to Keras's": (
        text("optimizer.learning_rate.assign(base * 0.5 ** (epoch // 2))", OF_KERAS, ahead=MADE),
        {"learning_rate": HALVED},
    ),
    "set by the epoch": (
        text(update=OF_KERAS, by_epoch="optimizer.learning_rate = base * 0.5 ** (epoch // 2)", ahead=MADE),
        {"learning_rate": HALVED},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RATES)
def test_a_rate_by_a_count_is_the_schedule_that_gives_it(case: str, read_text: Any) -> None:
    """Of one that the first steps have alike nothing was said: it was taken for a constant."""
    source, fields = RATES[case]
    assert read_text(source).spec["optimizer"] == {"sgd": fields}


@pytest.mark.parametrize("case", [
    text("lr = base", PLAIN), text("lr = base", OF_KERAS, ahead=MADE),
    text(update=OF_KERAS, ahead=f"{MADE}; optimizer.learning_rate = base"),
], ids=["by hand", "Keras's", "set once"])  # fmt: skip
def test_a_rate_that_stays_is_that_rate(case: str, read_text: Any) -> None:
    assert read_text(case).spec["optimizer"] == {"sgd": {"learning_rate": 0.1}}


@pytest.mark.parametrize(("case", "line"), [
    (text("lr = base / (2 + math.sin(step))"), r"rates of steps \(0.05, .*\) is not read; it needs rates"),
    (text("lr = base if float(loss) > 0 else 0.01; optimizer.learning_rate = float(loss) * 0 + lr", OF_KERAS,
          ahead=MADE), "a rate that the program sets itself, by no count that is seen, is not read"),
], ids=["no schedule", "by the loss"])  # fmt: skip
def test_another_rate_is_a_line(case: str, line: str, read_text: Any) -> None:
    with pytest.raises(ParityError, match=line):
        read_text(case)


@pytest.mark.parametrize("case", ["outside of it", "set by the epoch"])
def test_a_program_with_a_rate_by_a_count_is_read_faithfully(case: str, session: Any, tmp_path: Path) -> None:
    _, held = read_and_held(session, RATES[case][0], tmp_path)
    assert held.lines[-1].startswith("read faithfully"), held.lines


PORT = """\
import numpy as np
import torch
from torch import nn
generator = np.random.default_rng(0)
x = torch.tensor(generator.normal(size=(64, 5)).astype("float32"))
y = torch.tensor(generator.normal(size=(64, 1)).astype("float32"))
net = nn.Linear(5, 1)
nn.init.normal_(net.weight)
nn.init.zeros_(net.bias)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=16)
for epoch in range(6):
    for a, b in loader:
        optimizer.zero_grad()
        nn.functional.mse_loss(net(a), b).backward()
        optimizer.step()
    scheduler.step()
"""


@pytest.mark.sampled(4, among="questions")
def test_a_rate_by_epochs_and_a_scheduler_are_at_parity_far_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """The count of a program is set where a step begins far on: it went on from the step before that was taken."""
    monkeypatch.chdir(tmp_path)
    Path("raw.py").write_text(text("lr = base * 0.5 ** (epoch // 2)"))
    Path("port.py").write_text(PORT)
    asked = ["compare", "port.py", "raw.py", "--no-proof", "--json", "--no-explain", "--steps", "12"]
    result = json.loads(CliRunner().invoke(main, asked, standalone_mode=False).stdout)
    assert [one["verdict"] for one in result["comparisons"]] == ["rounding"]
    assert [one["path"] for one in result["differences"] if not one["inert"]] == []


def places(source: str, line: int, **names: list[Any]) -> list[list[At]]:
    """Return where a program of one function stood in steps, each with its own numbers."""
    tree = ast.parse(source)
    each = [dict(zip(names, one, strict=True)) for one in zip(*names.values(), strict=True)]
    return [[At(tree, line, one, {"math": math})] for one in each]


LOOPS = "for epoch in range(4):\n for step in range(9):\n  lr = {}\n  use(lr * g)\n"


def test_a_count_that_begins_again_in_each_epoch_gives_no_rate() -> None:
    source = LOOPS.format("0.1 * 0.5 ** step")
    assert asked_rate(places(source, 4, lr=[0.1, 0.05], step=[0, 1], epoch=[0, 0]), [0.1, 0.05]) is None


def test_a_rate_of_epochs_is_asked_for_the_others() -> None:
    source = LOOPS.format("0.1 * 0.5 ** epoch")
    found = asked_rate(places(source, 4, lr=[0.1, 0.1], step=[0, 1], epoch=[0, 0]), [0.1, 0.1])
    assert found is not None
    assert found.by_epoch
    assert found.rates(4) == [0.1, 0.05, 0.025, 0.0125]


def test_a_rate_of_two_counts_is_not_told() -> None:
    source = LOOPS.format("0.1 / (1 + epoch + step)")
    assert asked_rate(places(source, 4, lr=[0.1, 0.05], step=[0, 1], epoch=[0, 0]), [0.1, 0.05]) is None
