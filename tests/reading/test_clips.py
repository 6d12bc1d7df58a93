"""Gradients that raw TensorFlow programs clip themselves: what is read of it, proved, and what is not read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers_reading import read_and_held

from parity.errors import ParityError
from parity.run.session import Session

LOOP = """
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(0)
x, y = rng.normal(size=(48, 6)).astype("float32"), rng.integers(0, 3, 48)
{model}
for start in range(0, 48, 8):
    with tf.GradientTape() as tape:
        logits = called(x[start : start + 8])
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y[start : start + 8], logits))
    grads = tape.gradient(loss, V)
    {clip}
    {update}
"""

RAW = """
W1, b1 = tf.Variable(tf.random.normal([6, 20])), tf.Variable(tf.zeros([20]))
W2, b2 = tf.Variable(tf.random.normal([20, 3])), tf.Variable(tf.zeros([3]))
V = [W1, b1, W2, b2]
opt = tf.keras.optimizers.Adam(0.01)
called = lambda x: tf.matmul(tf.nn.relu(tf.matmul(x, W1) + b1), W2) + b2
"""

KERAS = """
import keras

net = keras.Sequential([keras.Input((6,)), keras.layers.Dense(20, activation="relu"), keras.layers.Dense(3)])
V = net.trainable_variables
opt = keras.optimizers.Adam(0.01)
called = lambda x: net(x, training=True)
"""

APPLIED, BY_HAND = "opt.apply_gradients(zip(grads, V))", "[v.assign_sub(0.1 * g) for v, g in zip(V, grads)]"
GLOBAL = "grads, norm = tf.clip_by_global_norm(grads, 0.5)"
EACH = "grads = [tf.clip_by_norm(g, 0.25) for g in grads]"
VALUE = "grads = [tf.clip_by_value(g, -0.1, 0.1) for g in grads]"


def text(clip: str, update: str = APPLIED, model: str = RAW) -> str:
    return LOOP.format(clip=clip, update=update, model=model)


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("clip", "update", "model", "said"),
    [
        (GLOBAL, APPLIED, RAW, {"adam": {"learning_rate": 0.01, "global_clipnorm": 0.5}}),
        (EACH, BY_HAND, RAW, {"sgd": {"learning_rate": 0.1, "clipnorm": 0.25}}),
        (VALUE, APPLIED, KERAS, {"adam": {"learning_rate": 0.01, "clipvalue": 0.1}}),
    ],
    ids=["global", "each", "value"],
)
def test_a_clip_is_the_optimizers_and_the_reading_holds(
    clip: str, update: str, model: str, said: Any, session: Session, tmp_path: Path
) -> None:
    """In lockstep with the program's own clip, whose gradients are larger than the limit."""
    reading, held = read_and_held(session, text(clip, update, model), tmp_path)
    assert reading.spec["optimizer"] == said
    assert held.verdict in ("identical", "rounding")
    assert held.lines[-1].startswith("read faithfully")


NEEDS = "it needs clipping of all gradients, once, in one way"


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("clip", "what"),
    [
        ("grads = [tf.clip_by_value(g, -0.1, 0.2) for g in grads]",
         "tf.clip_by_value with more than one limit on all that it is given"),
        ("grads = [tf.clip_by_norm(grads[0], 0.25), *grads[1:]]", "gradients of which some are clipped"),
        ("grads = [tf.clip_by_norm(g, 0.25 * (1 + n)) for n, g in enumerate(grads)]",
         "gradients that are clipped in several ways"),
        (f"{GLOBAL}; grads, norm = tf.clip_by_global_norm(grads, 0.1)", "gradients that are clipped twice"),
        ("grads = [*tf.clip_by_global_norm(grads[:2], 0.5)[0], *tf.clip_by_global_norm(grads[2:], 0.5)[0]]",
         "a norm of some of the gradients"),
        ("grads, norm = tf.clip_by_global_norm(grads, 0.5, use_norm=tf.constant(2.0))",
         "tf.clip_by_global_norm with more than one limit on all that it is given"),
        (f"{EACH}; opt.clipvalue = 0.1", "gradients that are clipped, and again by the optimizer,"),
    ],
)  # fmt: skip
def test_what_no_optimizer_says_of_a_clip_is_a_line(clip: str, what: str, read_text: Any) -> None:
    with pytest.raises(ParityError) as raised:
        read_text(text(clip))
    assert str(raised.value) == f"train.py, line 19: {what} is not read; {NEEDS}"
