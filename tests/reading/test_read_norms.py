"""Batch norms that raw TensorFlow programs write out themselves, told by what they compute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers_reading import read_and_held

from parity.errors import ParityError
from parity.reading.whole import ReadProgram
from parity.run.session import Session

Read = Callable[..., ReadProgram]

NET = """
import numpy as np
import tensorflow as tf

rng = np.random.RandomState(0)
X = rng.normal(2.0, 3.0, (64, 4, 4, 2)).astype(np.float32)
Y = rng.randint(0, 3, 64)

kernel = tf.Variable(tf.random.truncated_normal([3, 3, 2, 8], stddev=0.1))
gamma, beta = tf.Variable(tf.ones([8])), tf.Variable(tf.zeros([8]))
mean_, var_ = tf.Variable(tf.zeros([8]), trainable=False), tf.Variable({start}([8]), trainable=False)
w, b = tf.Variable(tf.random.truncated_normal([128, 3], stddev=0.1)), tf.Variable(tf.zeros([3]))
late = []


def norm(x, training):
    {norm}


def forward(x, training):
    h = tf.nn.relu(norm(tf.nn.conv2d(x, kernel, 1, "SAME"), training))
    return tf.matmul(tf.reshape(h, [-1, 128]), w) + b


params = [kernel, gamma, beta, w, b]
for epoch in range(2):
    for i in range(0, 64, 8):
        with tf.GradientTape() as tape:
            logits = forward(X[i:i + 8], True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(Y[i:i + 8], logits))
        for variable, value in late:
            variable.assign(0.75 * variable + 0.25 * value)
        late.clear()
        for p, g in zip(params, tape.gradient(loss, params)):
            p.assign_sub(0.1 * g)
"""

MOMENTS = """if training:
        m, v = tf.nn.moments(x, [0, 1, 2])
        mean_.assign_sub((1 - 0.9) * (mean_ - m))
        var_.assign_sub((1 - 0.9) * (var_ - v))
    else:
        m, v = mean_, var_
    return tf.nn.batch_normalization(x, m, v, beta, gamma, 1e-3)"""

BY_HAND = """m, v = mean_, var_
    if training:
        m = tf.reduce_mean(x, axis=[0, 1, 2])
        v = tf.reduce_mean((x - m) ** 2, axis=[0, 1, 2])
        mean_.assign(0.99 * mean_ + 0.01 * m)
        var_.assign(0.99 * var_ + 0.01 * v)
    return gamma * (x - m) / tf.sqrt(v + 1e-5) + beta"""

FOLDED = """if training:
        m = tf.reduce_mean(x, [0, 1, 2], keepdims=True)
        v = tf.math.reduce_variance(x, [0, 1, 2], keepdims=True)
        late.extend([(mean_, tf.squeeze(m)), (var_, tf.squeeze(v))])
    else:
        m, v = mean_, var_
    scale = gamma * tf.math.rsqrt(v + 1e-4)
    return x * scale + (beta - m * scale)"""

FUSED = """if not training:
        return tf.compat.v1.nn.fused_batch_norm(x, gamma, beta, mean_, var_, epsilon=0.002, is_training=False)[0]
    y, m, v = tf.compat.v1.nn.fused_batch_norm(x, gamma, beta, epsilon=0.002)
    mean_.assign(0.9 * mean_ + 0.1 * m)
    var_.assign(0.9 * var_ + 0.1 * v)
    return y"""

FUSED_MOVING = """y, m, v = tf.compat.v1.nn.fused_batch_norm(
        x, gamma, beta, mean_, var_, epsilon=0.002, is_training=training, exponential_avg_factor=0.2)
    if training:
        mean_.assign(m)
        var_.assign(v)
    return y"""

NO_SCALE = """m, v = tf.nn.moments(x, [0, 1, 2], keepdims=True)
    mean_.assign(0.9 * mean_ + 0.1 * tf.reshape(m, [8]))
    var_.assign(0.9 * var_ + 0.1 * tf.reshape(v, [8]))
    return (x - m) / tf.sqrt(v + 1e-3)"""


def program(norm: str, start: str = "tf.ones") -> str:
    text = NET.replace("{norm}", norm).replace("{start}", start)
    return text.replace("params = [kernel, gamma, beta, w, b]", "params = [kernel, w, b]") if norm == NO_SCALE else text


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("norm", "fields"),
    [
        (MOMENTS, {"momentum": 0.9}),
        (BY_HAND, {"epsilon": 1e-5}),
        (FOLDED, {"momentum": 0.75, "epsilon": 1e-4}),
        (FUSED, {"momentum": 0.9, "epsilon": 0.002, "unbiased_variance": True}),
        (FUSED_MOVING, {"momentum": 0.8, "epsilon": 0.002, "unbiased_variance": True}),
        (NO_SCALE, {"momentum": 0.9, "center": False, "scale": False}),
    ],
    ids=["moments", "by_hand", "folded", "fused", "fused_moving", "no_scale"],
)
def test_a_batch_norm_is_read_as_it_computes(read_text: Read, norm: str, fields: dict[str, object]) -> None:
    found = read_text(program(norm)).spec["model"]["layers"]
    assert [next(iter(one)) for one in found] == ["conv2d", "batch_norm", "activation", "flatten", "dense"]
    said = found[1]["batch_norm"]
    assert {name: one for name, one in said.items() if name != "name"} == fields


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("norm", [BY_HAND, FOLDED, FUSED, FUSED_MOVING])
def test_it_is_proved_with_its_running_statistics(norm: str, session: Session, tmp_path: Path) -> None:
    _, proof = read_and_held(session, program(norm), tmp_path)
    assert proof.verdict in ("identical", "rounding"), proof.lines


ALONE = "m, v = tf.nn.moments(x, [0, 1, 2])\n    return tf.nn.batch_normalization(x, m, v, beta, gamma, 1e-3)"


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("text", "line"),
    [
        (program(ALONE), "a batch_norm without a running mean and variance"),
        (program(MOMENTS.replace("(1 - 0.9) * (var_", "0.2 * (var_")), "momenta of their own, 0.9 and 0.8"),
        (program(MOMENTS, "tf.zeros"), "that starts at 0, is not read; it needs a batch_norm whose moving_variance"),
        (program(BY_HAND.replace("m = tf.reduce_mean(x, axis=[0, 1, 2])",
                                 "m = tf.stop_gradient(tf.reduce_mean(x, axis=[0, 1, 2]))")), "tf.raw_ops.Mean"),
        (program(BY_HAND.replace("tf.sqrt(v + 1e-5)", "(tf.sqrt(v) + 1e-5)")), "tf.raw_ops.Sqrt"),
        (program(ALONE.replace("[0, 1, 2]", "[1, 2], keepdims=True")), "tf.nn.moments is not read"),
    ],
    ids=["no_statistics", "two_momenta", "starts_at_0", "stopped", "epsilon_outside", "of_each_row"],
)  # fmt: skip
def test_what_is_no_batch_norm_is_none(read_text: Read, text: str, line: str) -> None:
    with pytest.raises(ParityError, match=line):
        read_text(text)
