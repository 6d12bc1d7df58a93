"""Raw TensorFlow programs as people write them, read as specs; and what is said of those that are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers_reading import read_and_held

from parity import api
from parity.errors import ParityError
from parity.reading.whole import ReadProgram
from parity.run.session import Session

Read = Callable[..., ReadProgram]

LEAF = """
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(0)
x_train = rng.normal(size=(100, 64)).astype("float32")
y_train = np.eye(10, dtype="float32")[rng.integers(0, 10, 100)]

weights = {
    "h1": tf.Variable(tf.random.normal([64, 128])),
    "h2": tf.Variable(tf.random.truncated_normal([128, 32], stddev=0.1)),
    "out": tf.Variable(tf.keras.initializers.GlorotUniform()([32, 10])),
}
biases = {
    "b1": tf.Variable(tf.random.normal([128])),
    "b2": tf.Variable(tf.zeros([32])),
    "out": tf.Variable(tf.zeros([10])),
}


def model(x, training):
    h = tf.nn.relu(tf.add(tf.matmul(x, weights["h1"]), biases["b1"]))
    if training:
        h = tf.nn.dropout(h, rate=0.4)
    h = tf.nn.relu(tf.matmul(h, weights["h2"]) + biases["b2"])
    return tf.matmul(h, weights["out"]) + biases["out"]


variables = list(weights.values()) + list(biases.values())
optimizer = tf.keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True)
dataset = tf.data.Dataset.from_tensor_slices((x_train, y_train)).shuffle(200).batch(16)


@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        logits = model(x, training=True)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
    gradients = tape.gradient(loss, variables)
    optimizer.apply_gradients(zip(gradients, variables))
    return loss


for epoch in range(3):
    for x, y in dataset:
        loss = step(x, y)
"""

BY_HAND = """
import numpy as np
import tensorflow as tf

rng = np.random.RandomState(1)
X = rng.normal(size=(96, 12)).astype(np.float32)
Y = X[:, :1] * 2.0 + rng.normal(size=(96, 1)).astype(np.float32)

W1 = tf.Variable(tf.random.normal([12, 16], stddev=0.1))
b1 = tf.Variable(tf.zeros([16]))
W2 = tf.Variable(tf.random.uniform([16, 1], -0.3, 0.3))
b2 = tf.Variable(tf.zeros([1]))
params = [W1, b1, W2, b2]
velocity = [tf.Variable(tf.zeros_like(p)) for p in params]
lr, mu, batch = 0.05, 0.9, 32

for epoch in range(4):
    for i in range(0, len(X), batch):
        xb, yb = X[i : i + batch], Y[i : i + batch]
        with tf.GradientTape() as tape:
            h = tf.nn.tanh(xb @ W1 + b1)
            pred = h @ W2 + b2
            loss = tf.reduce_mean(tf.square(pred - yb)) + 0.001 * tf.nn.l2_loss(W1)
        grads = tape.gradient(loss, params)
        for p, v, g in zip(params, velocity, grads):
            v.assign(mu * v + g)
            p.assign_sub(lr * v)
"""

IMAGES = """
import numpy as np
import tensorflow as tf

images = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1)).astype("uint8")
labels = np.arange(64) % 4


class Net(tf.Module):
    def __init__(self):
        self.conv_w = tf.Variable(tf.random.truncated_normal([3, 3, 1, 6], stddev=0.1), name="conv/kernel")
        self.conv_b = tf.Variable(tf.constant(0.1, shape=[6]), name="conv/bias")
        self.head_w = tf.Variable(np.zeros([96, 4], "float32"), name="head/kernel")

    def __call__(self, x):
        h = tf.nn.conv2d(x, self.conv_w, strides=1, padding="SAME")
        h = tf.nn.max_pool2d(tf.nn.relu(tf.nn.bias_add(h, self.conv_b)), 2, 2, "VALID")
        return tf.matmul(tf.reshape(h, [-1, 96]), self.head_w)


net, t, rate = Net(), 0, 0.5
for step in range(40):
    rows = np.random.permutation(64)[:16]
    with tf.GradientTape() as tape:
        x = tf.cast(images[rows], tf.float32) / 255.0
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels[rows], net(x)))
    for v, g in zip(net.trainable_variables, tape.gradient(loss, net.trainable_variables)):
        v.assign_sub(rate * g)
"""

OF_KERAS = """
import keras
import numpy as np
import tensorflow as tf
from keras import layers

rng = np.random.default_rng(0)
x_train = rng.normal(size=(120, 8)).astype("float32")
y_train = rng.integers(0, 3, 120)

model = keras.Sequential([
    keras.Input((8,)),
    layers.Dense(16, activation="relu", kernel_regularizer="l2"),
    layers.Dropout(0.3),
    layers.Dense(3),
])
optimizer = keras.optimizers.Adam(learning_rate=0.002)
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
dataset = tf.data.Dataset.from_tensor_slices((x_train, y_train)).shuffle(1024).batch(20, drop_remainder=True)

for epoch in range(5):
    for x, y in dataset:
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            loss = loss_fn(y, logits) + sum(model.losses)
        grads = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(grads, model.trainable_variables))
"""

SMALL = """
import tensorflow as tf

a, b = tf.Variable(tf.random.normal([3, 1], stddev=0.1)), tf.Variable(tf.zeros([1]))
x, y = tf.random.normal([8, 3]), tf.random.normal([8, 1])


def step():
    with tf.GradientTape() as tape:
        {lines}
        loss = tf.reduce_mean(tf.square(p - y))
    da, db = tape.gradient(loss, [a, b])
    {update}


for _ in range({steps}):
    step()
"""


def small(lines: str = "p = x @ a + b", update: str = "a.assign_sub(0.1 * da); b.assign_sub(0.1 * db)", steps: int = 9,
          ) -> str:  # fmt: skip
    return SMALL.format(lines=lines, update=update, steps=steps)


def test_the_leaf_program_is_read_as_it_is_written(read_text: Read) -> None:
    found = read_text(LEAF)
    normal = {"random_normal": {"stddev": 1.0}}
    assert found.framework == "tensorflow"
    assert found.spec["model"] == {"input": [64], "layers": [
        {"dense": {"name": "h1", "activation": "relu", "units": 128, "kernel_initializer": normal,
                   "bias_initializer": normal}},
        {"dropout": {"name": "dropout", "rate": 0.4}},
        {"dense": {"name": "h2", "activation": "relu", "units": 32,
                   "kernel_initializer": {"truncated_normal": {"stddev": 0.1}}}},
        {"dense": {"name": "out", "units": 10}},
    ]}  # fmt: skip
    assert found.spec["loss"] == {"categorical_crossentropy": {"from_logits": True}}
    assert found.spec["optimizer"] == {"sgd": {"momentum": 0.9, "nesterov": True}}
    assert found.spec["training"] == {"batch_size": 16, "epochs": 3, "shuffle": True, "seed": 0}
    assert found.arrays["X"].shape == (100, 64)


def test_a_wrong_rate_of_dropout_is_read_as_it_is(read_text: Read) -> None:
    found = read_text(LEAF.replace("rate=0.4", "rate=0.6").replace("drop_remainder", ""))
    assert found.spec["model"]["layers"][1] == {"dropout": {"name": "dropout", "rate": 0.6}}


def test_an_update_penalty_and_slices_that_are_written_out(read_text: Read) -> None:
    found = read_text(BY_HAND)
    first, second = (one["dense"] for one in found.spec["model"]["layers"])
    assert first["name"] == "dense_1"
    assert first["kernel_regularizer"] == {"l2": {"factor": 0.0005}}
    assert second["kernel_initializer"] == {"random_uniform": {"minval": -0.3, "maxval": 0.3}}
    assert found.spec["optimizer"] == {"sgd": {"learning_rate": 0.05, "momentum": 0.9}}
    assert found.spec["training"] == {"batch_size": 32, "epochs": 4, "shuffle": False, "seed": 0}
    assert any("written out" in one for one in found.notes)


def test_images_are_rescaled_convolved_and_dealt_at_random(read_text: Read) -> None:
    found = read_text(IMAGES)
    kinds = [next(iter(one)) for one in found.spec["model"]["layers"]]
    assert kinds == ["rescaling", "conv2d", "max_pooling2d", "flatten", "dense"]
    conv = found.spec["model"]["layers"][1]["conv2d"]
    assert (conv["name"], conv["padding"], conv["activation"]) == ("conv", "same", "relu")
    assert conv["bias_initializer"] == {"constant": {"value": 0.1}}
    assert found.spec["model"]["layers"][-1]["dense"]["use_bias"] is False
    assert found.spec["training"] == {"batch_size": 16, "epochs": 10, "shuffle": True, "seed": 0}
    assert found.arrays["X"].dtype == "uint8"


def test_a_model_of_keras_in_a_loop_is_keras(read_text: Read) -> None:
    found = read_text(OF_KERAS)
    assert found.framework == "keras"
    assert found.spec["model"]["layers"][0]["dense"]["kernel_regularizer"] == "l2"
    assert found.spec["loss"] == {"sparse_categorical_crossentropy": {"from_logits": True}}
    assert found.spec["optimizer"] == {"adam": {"learning_rate": 0.002}}
    assert found.spec["training"]["drop_remainder"] is True


def test_an_optimizer_of_keras_has_its_own_line(read_text: Read) -> None:
    line = 1 + next(n for n, one in enumerate(OF_KERAS.splitlines()) if "optimizers." in one)
    assert read_text(OF_KERAS).told.places["optimizer"] == f"train.py, line {line}"


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("program", [BY_HAND, OF_KERAS], ids=["by_hand", "of_keras"])
def test_a_reading_is_proved(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an update and a penalty that are written out, and of a model of Keras's in a loop, with dropout."""
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(program)
    proof = api.read("train.py").proof
    assert proof is not None
    assert proof.verdict in ("identical", "rounding"), proof.lines


def test_regularizers_that_the_loss_forgets_are_named(read_text: Read) -> None:
    with pytest.raises(ParityError, match="other penalties than the regularizers of the model's layers"):
        read_text(OF_KERAS.replace(" + sum(model.losses)", ""))


def test_a_model_of_any_depth_is_read(read_text: Read) -> None:
    deep = small("p = x @ a + b\n        for _ in range(600): p = tf.tanh(p)")
    found = read_text(deep.replace("tf.reduce_mean", "0.5 * tf.reduce_mean"))
    assert len(found.spec["model"]["layers"]) == 600
    assert found.spec["loss"] == {"mse": {"weight": 0.5}}


def test_two_steps_are_read_where_there_are_no_more(read_text: Read) -> None:
    assert read_text(small(steps=2)).spec["optimizer"] == {"sgd": {"learning_rate": 0.1}}


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("program", "line"),
    [
        (small("p = tf.cumsum(x @ a + b)"), "train.py, line 10: tf.raw_ops.Cumsum is not read"),
        (small("p = x @ a + b\n        p = 2.0 * p if tf.reduce_sum(p) > 0.0 else p"),
         "train.py, line 11: a branch on numbers that are computed is not read"),
        (small("p = tf.custom_gradient(lambda v: (v + 0.0, lambda g: -g))(x @ a + b)"),
         "train.py, line 10: tf.custom_gradient is not read"),
        (small("p = tf.cast(tf.cast(x @ a + b, tf.float16), tf.float32)"), "tf.raw_ops.Cast is not read"),
        (small(update="[v.assign_sub(0.1 * tf.abs(g)) for v, g in ((a, da), (b, db))]"),
         "an update that is written out \\(none of .* rules that were tried moves weights so\\) is not read"),
        (small("step.n = getattr(step, 'n', 0) + 1; p = (x @ a + b) * (0.5 * step.n)"),
         "a step that computes something else than another one \\(Mul\\) is not read"),
        (small(update="pass"), "an update, which assigns no variable, is not read"),
        (small("p = x @ a + b\n        with tf.GradientTape() as inner: pass"),
         "tf.GradientTape in a tf.GradientTape is not read"),
        (small(update="a.assign_sub(da)\n    with tf.GradientTape() as tape: loss = tf.reduce_sum(b * b)\n"
               "    b.assign_sub(tape.gradient(loss, [b])[0])"),
         "a second set of variables, trained by a loss of its own, is not read"),
        (small("p = x @ a + b").replace("tf.reduce_mean(tf.square(p - y))", "tf.reduce_max(tf.square(p - y))"),
         "loss, Max of Square, is not read"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_one_line(read_text: Read, program: str, line: str) -> None:
    with pytest.raises(ParityError, match=line):
        read_text(program)


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("import tensorflow as tf\nprint(tf.zeros([2]))", "ended before it trained anything"),
        ("import sys\nimport tensorflow as tf\nsys.exit(3)", "ended with exit code 3 before it trained anything"),
        ("import tensorflow as tf\nraise ValueError('no data')", "failed before it trained: ValueError: no data"),
    ],
)
def test_a_program_that_never_trains_is_said_to(read_text: Read, program: str, line: str) -> None:
    with pytest.raises(ParityError, match=line):
        read_text(program)


def test_a_session_of_tensorflow_1_is_named(tmp_path: Any) -> None:
    """In a worker of its own: what it switches off stays off."""
    from helpers_forked import interpreter

    from parity.reading.asking import asked_in, program_of

    file = tmp_path / "old.py"
    file.write_text(
        "import tensorflow as tf\ntf.compat.v1.disable_eager_execution()\n"
        "with tf.compat.v1.Session() as s:\n    s.run(tf.constant(1.0))\n"
    )
    with Session("old", interpreter("tensorflow"), timeout=100.0) as session:
        told, _ = asked_in(session, program_of(str(file)))
    assert [(one.what, one.place) for one in told.refused] == [
        ("tf.compat.v1.Session, a graph of TensorFlow 1,", "old.py, line 4")
    ]


def test_a_model_of_keras_in_a_loop_has_its_loss_written_out(session: Session, tmp_path: Path) -> None:
    lines = OF_KERAS.replace("loss_fn(y, logits)", "tf.reduce_mean(tf.square(y - logits))").replace(
        "y_train = rng.integers(0, 3, 120)", 'y_train = rng.normal(size=(120, 3)).astype("float32")'
    )
    reading, proof = read_and_held(session, f"import torch\n{lines}", tmp_path)  # That it is imported says nothing.
    assert reading.framework == "keras"
    assert reading.spec["loss"] == "mse"
    assert proof.code == 0, proof.lines
