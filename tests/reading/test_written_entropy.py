"""Cross-entropies that programs of raw TensorFlow write out themselves, and models of Keras's that are told more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from parity.errors import ParityError
from parity.reading.whole import ReadProgram

Read = Callable[..., ReadProgram]

WRITTEN = """
import numpy as np
import tensorflow as tf
rng = np.random.default_rng(0)
x, y = rng.normal(size=(40, 6)).astype("float32"), rng.integers(0, 3, 40).astype("uint8")
w, b = tf.Variable(tf.random.normal([6, 3]), name="w"), tf.Variable(tf.zeros([3]), name="b")
rows = tf.data.Dataset.from_tensor_slices((x, y)).repeat().shuffle(40).batch(8).prefetch(1)
optimizer = tf.optimizers.SGD(0.1)
for a, labels in rows.take(100):
    with tf.GradientTape() as tape:
        p = tf.nn.softmax(tf.matmul(a, w) + b)
        t = tf.one_hot(labels, depth=3)
        loss = {loss}
    optimizer.apply_gradients(zip(tape.gradient(loss, [w, b]), [w, b]))
"""

HELD = "The program's loss holds probabilities below 1e-09 where they are"


@pytest.mark.parametrize(
    ("loss", "fields", "held"),
    [
        ("tf.reduce_mean(-tf.reduce_sum(t * tf.math.log(tf.clip_by_value(p, 1e-9, 1.)), 1))", {}, True),
        ("tf.reduce_mean(-tf.reduce_sum(t * tf.math.log(p)))", {"reduction": "sum"}, False),
        ("-0.5 * tf.reduce_mean(tf.reduce_sum(tf.math.log(tf.maximum(p, 1e-9)) * t, axis=-1))", {"weight": 0.5}, True),
        ("-tf.reduce_mean(t * tf.math.log(p))", {"weight": 1 / 3}, False),
    ],
)
def test_a_cross_entropy_that_is_written_out(loss: str, fields: dict[str, Any], held: bool, read_text: Read) -> None:
    read = read_text(WRITTEN.format(loss=loss))
    said = read.spec["loss"]
    kind, told = next(iter(said.items())) if isinstance(said, dict) else (said, {})
    assert kind == "categorical_crossentropy"
    assert told == pytest.approx(fields) if "weight" in fields else told == fields
    assert any(note.startswith(HELD) for note in read.notes) == held
    assert read.spec["model"]["layers"][-1]["dense"]["activation"] == "softmax"


def test_batches_that_are_taken_of_rows_without_an_end(read_text: Read) -> None:
    loss = "tf.reduce_mean(-tf.reduce_sum(t * tf.math.log(p), 1))"
    read = read_text(WRITTEN.format(loss=loss))
    assert read.arrays["X"].shape == (40, 6)
    assert read.spec["training"] == {"batch_size": 8, "epochs": 20, "shuffle": True, "seed": 0}
    assert not any("repeat" in note for note in read.notes)
    uneven = read_text(WRITTEN.format(loss=loss).replace("batch(8)", "batch(16)"))
    assert uneven.arrays["X"].shape == (40, 6)
    assert "each has 16 rows, where the last of the spec's 40 rows are 8" in " ".join(uneven.notes)


@pytest.mark.parametrize(
    "loss",
    [
        "tf.reduce_mean(-tf.reduce_sum(t * tf.math.log(p + 1e-3), 1))",
        "tf.reduce_mean(-tf.reduce_sum(t * tf.math.log(tf.clip_by_value(p, 1e-2, 1.)), 1))",
        "tf.reduce_mean(-tf.reduce_sum(t * tf.math.log(tf.sigmoid(p)), 1))",
    ],
)
def test_what_is_another_loss_is_not_read(loss: str, read_text: Read) -> None:
    with pytest.raises(ParityError, match=r"train.py, line 13: loss, a mean of Mul, is not read"):
        read_text(WRITTEN.format(loss=loss))


TOLD_MORE = """
import numpy as np
import tensorflow as tf
from tensorflow.keras import Model, layers
rng = np.random.default_rng(0)
x, y = rng.normal(size=(40, 6)).astype("float32"), rng.integers(0, 3, 40).astype("uint8")
rows = tf.data.Dataset.from_tensor_slices((x, y)).repeat().shuffle(40).batch(8).prefetch(1)
class Net(Model):
    def __init__(self):
        super().__init__()
        self.first, self.out = layers.Dense(5, activation=tf.nn.relu), layers.Dense(3)
    def call(self, x, is_training=False):
        x = self.out(self.first(x))
        return x if is_training else tf.nn.softmax(x)
net, optimizer = Net(), tf.optimizers.SGD(0.1)
for a, labels in rows.take(100):
    with tf.GradientTape() as tape:
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.cast(labels, tf.int64), logits=net(a, is_training=True))
        loss = tf.reduce_mean(loss)
    optimizer.apply_gradients(zip(tape.gradient(loss, net.trainable_variables), net.trainable_variables))
"""


def test_a_model_of_keras_is_called_as_the_loop_calls_it(read_text: Read) -> None:
    read = read_text(TOLD_MORE)
    first, last = (one["dense"] for one in read.spec["model"]["layers"])
    assert (first["activation"], first["units"]) == ("relu", 5)
    assert "activation" not in last
    assert read.spec["loss"] == {"sparse_categorical_crossentropy": {"from_logits": True}}
    leaky = read_text(TOLD_MORE.replace("tf.nn.relu", "tf.nn.leaky_relu"))
    assert leaky.spec["model"]["layers"][0]["dense"]["activation"] == "leaky_relu"
    softened = read_text(TOLD_MORE.replace("net(a, is_training=True)", "net(a)")).spec
    assert [next(iter(one)) for one in softened["model"]["layers"]] == ["dense", "dense", "activation"]
    assert softened["loss"] == read.spec["loss"], "the softmax twice, as the program has it"
