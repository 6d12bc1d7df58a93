"""Keras models that a TensorFlow program trains by a tape of its own: what it does to targets is its loss's."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers_reading import read_and_held

from parity.run.session import Session

PROGRAM = """\
import numpy as np
import tensorflow as tf

model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(1)])
mse = tf.keras.losses.MeanSquaredError()
opt = tf.keras.optimizers.SGD(0.1)
x = np.random.RandomState(0).rand(40, 4).astype("float32")
y = x[:, {column}]
{decorated}
def step(xb, yb):
    with tf.GradientTape() as tape:
        loss = {loss}
    opt.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
for epoch in range(2):
    for i in range(0, 40, 16):
        step({rows}(x[i:i + 16]), {rows}(y[i:i + 16]))
"""

LOSSES = {
    "as they are": (":1", "mse(yb, model(xb, training=True))"),
    "expanded ahead of the model": ("0", "mse(tf.expand_dims(yb, 1), model(xb, training=True))"),
    "an axis more": ("0", "mse(yb[:, None], model(xb, training=True))"),
    "squeezed outputs": ("0", "tf.reduce_mean((tf.squeeze(model(xb, training=True), 1) - yb) ** 2)"),
}


@pytest.mark.parametrize("rows", ["tf.constant", "tf.convert_to_tensor"])
@pytest.mark.parametrize("decorated", ["", "@tf.function"], ids=["eager", "a graph"])
@pytest.mark.parametrize("case", LOSSES)
def test_what_is_done_to_targets_is_the_loss_s(
    case: str, decorated: str, rows: str, session: Session, tmp_path: Path
) -> None:
    column, loss = LOSSES[case]
    text = PROGRAM.format(column=column, loss=loss, decorated=decorated, rows=rows)
    reading, proof = read_and_held(session, text, tmp_path)
    assert proof.lines[-1] == "read faithfully: bit for bit the same"
    assert reading.spec["training"] == {"batch_size": 16, "epochs": 2, "shuffle": False, "seed": 0}
