"""Optimizers that raw TensorFlow programs write out: counts kept in Python, slots made late or kept as tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_reading import read_and_held

from parity.errors import ParityError
from parity.frameworks.tensorflow.driver.counted import counted
from parity.reading.whole import ReadProgram
from parity.run.session import Session

Read = Callable[..., ReadProgram]

PROGRAM = """
import numpy as np
import tensorflow as tf

rng = np.random.RandomState(0)
X = rng.normal(size=(96, 10)).astype(np.float32)
Y = rng.randint(0, 3, 96)
w = tf.Variable(tf.random.truncated_normal([10, 3], stddev=0.1), name="w")
b = tf.Variable(tf.zeros([3]), name="b")
variables = [w, b]


def gradients(x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=tf.matmul(x, w) + b))
    return tape.gradient(loss, variables)


{update}


step = 0
for epoch in range(3):
    for x, y in tf.data.Dataset.from_tensor_slices((X, Y)).batch(16):
        step += 1
        train_step(x, y, {count})
"""

LISTS = """
m = [tf.zeros_like(v) for v in variables]
s = {}
def train_step(x, y, t):
    for i, (v, g) in enumerate(zip(variables, gradients(x, y))):
        m[i] = 0.9 * m[i] + 0.1 * g
        s[v.name] = 0.999 * s.get(v.name, tf.zeros(v.shape)) + 0.001 * g ** 2
        v.assign(v - 0.002 * (m[i] / (1 - 0.9 ** t)) / (tf.sqrt(s[v.name] / (1 - 0.999 ** t)) + 1e-8){decay})
"""

LATE = """
slots = {}
@tf.function
def train_step(x, y, t):
    for v, g in zip(variables, gradients(x, y)):
        if v.name not in slots:
            slots[v.name] = tf.Variable(tf.zeros_like(v), trainable=False)
        s = slots[v.name]
        s.assign(0.9 * s + (1 - 0.9) * tf.square(g))
        v.assign_sub(0.01 * g / (tf.sqrt(s) + 1e-6))
"""

RATE = """
m = [tf.Variable(tf.zeros_like(v), trainable=False) for v in variables]
s = [tf.Variable(tf.zeros_like(v), trainable=False) for v in variables]
@tf.function
def train_step(x, y, t):
    {rate}
    for v, g, a, b in zip(variables, gradients(x, y), m, s):
        a.assign(0.9 * a + (1 - 0.9) * g)
        b.assign(0.99 * b + (1 - 0.99) * g * g)
        v.assign_sub(rate * a / (tf.sqrt(b) + 1e-7))
"""

IN_PYTHON = "rate = 0.003 * np.sqrt(1 - 0.99 ** t) / (1 - 0.9 ** t)"
IN_TENSORS = "t = tf.cast(t, tf.float32); rate = 0.003 * tf.sqrt(1 - tf.pow(0.99, t)) / (1 - tf.pow(0.9, t))"

SINKING = """
def train_step(x, y, t):
    rate = {rate}
    for v, g in zip(variables, gradients(x, y)):
        v.assign_sub(rate * g)
"""

OUTSIDE = {"epsilon": 1e-8, "epsilon_place": "after_correction"}


def program(update: str, count: str = "step") -> str:
    return PROGRAM.replace("{update}", update).replace("{count}", count)


ADAM = program(LISTS.replace("{decay}", ""))
DECAYED = program(LISTS.replace("{decay}", " - 0.002 * 0.01 * v"))


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("text", "entry"),
    [
        (ADAM, {"adam": {"learning_rate": 0.002, **OUTSIDE}}),
        (DECAYED, {"adamw": {"learning_rate": 0.002, **OUTSIDE, "weight_decay": 0.01}}),
        (program(LATE), {"rmsprop": {"learning_rate": 0.01, "epsilon": 1e-6, "epsilon_place": "outside_root"}}),
        (program(RATE.replace("{rate}", IN_PYTHON)), {"adam": {"learning_rate": 0.003, "beta_2": 0.99}}),
        (program(RATE.replace("{rate}", IN_TENSORS), "tf.constant(step)"),
         {"adam": {"learning_rate": 0.003, "beta_2": 0.99}}),
        (program(SINKING.replace("{rate}", "0.1 / (1 + 0.01 * t)"), "step - 1"),
         {"sgd": {"learning_rate": 0.1, "decay": 0.01}}),
    ],
    ids=["lists", "decayed", "late", "rate_in_python", "rate_in_tensors", "sinking"],
)  # fmt: skip
def test_an_update_with_a_count_or_late_slots_is_read(read_text: Read, text: str, entry: dict[str, Any]) -> None:
    assert read_text(text).spec["optimizer"] == entry


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("text", [ADAM, program(LATE), program(RATE.replace("{rate}", IN_PYTHON))])
def test_it_is_proved_beyond_the_steps_that_were_seen(text: str, session: Session, tmp_path: Path) -> None:
    _, proof = read_and_held(session, text, tmp_path)
    assert proof.verdict in ("identical", "rounding"), proof.lines


def test_a_count_that_goes_nobody_knows_how_is_a_line(read_text: Read) -> None:
    text = program(SINKING.replace("{rate}", "0.1 + 0.01 * np.sin(t)"))
    with pytest.raises(ParityError, match=r"an update that is written out .* is not read"):
        read_text(text)


def seen(number: Callable[[int], float]) -> list[float]:
    return [float(np.float32(number(t))) for t in (1, 2, 3)]


@pytest.mark.parametrize(
    ("number", "numbers"),
    [
        (lambda t: t, []),
        (lambda t: t - 1, []),
        (lambda t: 1 - 0.999**t, [0.999]),
        (lambda t: 0.01 / (1 - 0.9**t), [0.01, 0.9]),
        (lambda t: 0.003 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t), [0.003, 0.9, 0.999]),
        (lambda t: 0.1 * 0.95 ** (t - 1), [0.1, 0.95]),
        (lambda t: 0.05 / (1 + 0.01 * t), [0.05, 0.01]),
        (lambda t: 0.1 / math.sqrt(t), [0.1]),
    ],
)
def test_a_number_is_told_by_its_values(number: Callable[[int], float], numbers: list[float]) -> None:
    found = counted(seen(number), [0.9, 0.999])
    assert found is not None
    assert sorted(found.numbers) == sorted(numbers)
    assert found.at(1000.0) == pytest.approx(number(1000), rel=1e-12)


def test_other_numbers_are_not_told() -> None:
    shares = [0.9, 0.999]
    assert counted(seen(lambda t: 0.1 + 0.01 * math.sin(t)), shares) is None
    assert counted(seen(lambda t: 0.1 - 0.001 * t), shares) is None
    assert counted(seen(lambda t: 0.1 / (1 + 1e-6 * t)), shares) is None  # Float32 does not show which decay.
    assert counted(seen(lambda t: 1 - 0.999**t)[:2], shares) is None


BEGUN = """\
import tensorflow as tf
x, y = tf.random.normal((32, 4)), tf.random.normal((32, 1))
w, b = tf.Variable(tf.random.normal((4, 1))), tf.Variable(tf.zeros([1]))
buffers = [None, None]
for start in range(0, 32, 4):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(x[start : start + 4] @ w + b - y[start : start + 4]))
    gradients = tape.gradient(loss, [w, b])
    for number, (v, g) in enumerate(zip((w, b), gradients)):
        buffers[number] = {first} if buffers[number] is None else 0.9 * buffers[number] + g
        v.assign_sub(0.05 * buffers[number])
"""


def test_a_momentum_that_begins_as_the_gradient_is_one_that_begins_at_0(session: Any, tmp_path: Path) -> None:
    found, held = read_and_held(session, BEGUN.format(first="g"), tmp_path)
    assert found.spec["optimizer"] == {"sgd": {"learning_rate": 0.05, "momentum": 0.9}}
    assert held.lines[-1].startswith("read faithfully"), held.lines


def test_a_momentum_that_begins_as_a_share_of_the_gradient_is_a_line(read_text: Any) -> None:
    with pytest.raises(ParityError, match="an update that is written out"):
        read_text(BEGUN.format(first="0.5 * g"))
