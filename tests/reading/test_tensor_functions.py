"""TensorFlow's functions in a Keras model's own call: each is what Keras's in its place is, and is read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers_forked import interpreter
from helpers_reading import read_and_held

from parity.errors import ParityError
from parity.run.forks import ROOT
from parity.run.session import Session

ALIKE = """
import sys
sys.path.insert(0, sys.argv[1])
import keras, numpy as np, tensorflow as tf
from parity.frameworks.keras.driver.tensor_functions import FUNCTIONS, in_keras
x = np.random.default_rng(0).uniform(0.2, 2.0, size=(3, 2, 4)).astype("float32")
given = {
    "concat": lambda f, x: f([x, x], axis=-1), "stack": lambda f, x: f([x, x], axis=1),
    "reshape": lambda f, x: f(x, [tf.shape(x)[0], -1]), "matmul": lambda f, x: f(x, x, transpose_b=True),
    "linalg.matmul": lambda f, x: f(x, tf.transpose(x, [0, 2, 1])), "split": lambda f, x: f(x, [1, 3], axis=-1)[1],
    "transpose": lambda f, x: f(x, perm=[0, 2, 1]), "expand_dims": lambda f, x: f(x, 1),
    "squeeze": lambda f, x: f(x[:, :1], axis=1), "cast": lambda f, x: f(x, tf.float64),
    "clip_by_value": lambda f, x: f(x, 0.5, 1.0), "einsum": lambda f, x: f("ntc,nsc->nts", x, x),
    "pad": lambda f, x: f(x, [[0, 0], [1, 0], [0, 2]], constant_values=1.0), "tile": lambda f, x: f(x, [1, 2, 1]),
    "nn.leaky_relu": lambda f, x: f(x - 1.0, alpha=0.3), "nn.softmax": lambda f, x: f(x, axis=1),
    "nn.gelu": lambda f, x: f(x - 1.0, approximate=True), "shape": None,
}
for name, function in FUNCTIONS.items():
    plain = tf
    for part in name.split("."):
        plain = getattr(plain, part)
    one = name.split(".")[-1]
    call = given.get(name)
    if one in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "pow"):
        call = lambda f, x: f(x, x + 0.1)
    elif one.startswith("reduce_"):
        call = lambda f, x: f(x, axis=[1, 2], keepdims=True)
    elif name not in given:
        call = lambda f, x: f(x - (1.0 if name.startswith("nn.") else 0.0))
    if call is None:
        continue
    symbolic = keras.KerasTensor((None, 2, 4))
    with in_keras():
        found = keras.Function(symbolic, call(plain, symbolic))(x)
    expected = call(plain, tf.constant(x))
    same = found.dtype == expected.dtype and found.shape == expected.shape
    print(name, same and bool(np.allclose(found, expected, rtol=1e-6, atol=1e-6)))
try:
    tf.nn.relu(keras.KerasTensor((None, 2)))
except ValueError as error:
    print("outside", "cannot be used as input" in str(error))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks a fork")
def test_each_function_does_what_tensorflow_s_does() -> None:
    done = subprocess.run([interpreter("keras"), "-c", ALIKE, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines() if line.endswith(("True", "False")))
    assert told["outside"] == "True", "of a trace it is TensorFlow's own function, and refuses"
    assert len(told) > 50
    assert not [name for name, alike in told.items() if alike != "True"]


PROGRAM = """\
import numpy as np
import tensorflow as tf
from tensorflow import keras

class Block(keras.layers.Layer):
    def __init__(self, filters):
        super().__init__()
        self.a = keras.layers.Conv2D(filters, 3, padding="same")
        self.b = keras.layers.Conv2D(filters, 1)
    def call(self, x):
        return tf.nn.relu(tf.add(self.a(x), self.b(x)))

class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.block, self.d1, self.d2 = Block(4), keras.layers.Dense(8), keras.layers.Dense(3)
    def call(self, x, training=False):
        x = tf.reduce_mean(self.block(x), axis=[1, 2])
        y = tf.concat([x, tf.nn.tanh(self.d1(x))], axis=-1)
        y = tf.reshape(y, [tf.shape(y)[0], -1])
        return {end}

x = np.random.RandomState(0).rand(64, 6, 6, 2).astype("float32")
y = np.random.RandomState(1).randint(0, 3, 64)
model = Net()
model.compile("sgd", "sparse_categorical_crossentropy")
model.fit(x, y, batch_size=16, epochs=2, verbose=0)
"""


def test_a_model_that_calls_them_is_read(session: Session, tmp_path: Path) -> None:
    reading, proof = read_and_held(session, PROGRAM.replace("{end}", "tf.nn.softmax(self.d2(y))"), tmp_path)
    assert proof.lines[-1].startswith("read faithfully"), proof.lines
    kinds = [next(iter(one)) if isinstance(one, dict) else one for one in reading.spec["model"]["layers"]]
    assert [one for one in kinds if one in ("conv2d", "dense", "concatenate")] == [
        "conv2d", "conv2d", "dense", "concatenate", "dense",
    ]  # fmt: skip


def test_one_that_has_no_word_says_what_it_needs(read_text: Any) -> None:
    with pytest.raises(ParityError) as caught:
        read_text(PROGRAM.replace("{end}", "tf.math.cumulative_logsumexp(self.d2(y), 1)"))
    assert "Net.call, which cannot be traced" in str(caught.value)
    assert "it needs functions of keras.ops there" in str(caught.value)
