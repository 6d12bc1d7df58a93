"""Lines of a program that uses Keras's classes as its own: of a layer its constructor's, of an error its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from parity.errors import UsageError
from parity.reading.whole import ReadProgram
from parity.run.serving import told

Read = Callable[..., ReadProgram]

BLOCKS = """
import keras
import numpy as np
from keras import layers

x, y = np.random.rand(32, 4, 4, 3).astype("float32"), np.random.randint(0, 2, 32)


class Added(keras.Sequential):
    def __init__(self):
        super().__init__()
        self.add(layers.Conv2D(2, 3))
        self.add(layers.BatchNormalization(momentum=0.8))  # added


class Given(keras.Sequential):
    def __init__(self):
        super().__init__([
            layers.Dense(3),
            layers.BatchNormalization(momentum=0.7),  # given
        ])


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.stem, self.middle = Added(), Given()
        self.body = keras.Sequential([layers.Dense(4), layers.BatchNormalization(momentum=0.6)])  # body
        self.head = keras.Sequential([layers.Flatten(), layers.Dense(2)])

    def call(self, x, training=False):
        h = self.middle(self.stem(x, training=training), training=training)
        return self.head(self.body(h, training=training))


model = Net()
model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, y)
"""


def line_with(text: str, what: str) -> int:
    return 1 + next(number for number, line in enumerate(text.splitlines()) if what in line)


def test_a_batch_norm_of_a_subclassed_sequential_is_of_the_line_that_makes_it(read_text: Read) -> None:
    found = read_text(BLOCKS)
    places = [node.place for node in found.told.nodes if node.part == "keras.layers.BatchNormalization"]
    wanted = [line_with(BLOCKS, f"# {one}") for one in ("added", "given", "body")]
    assert places == [f"train.py, line {one}" for one in wanted]


OWN = """
import keras
import numpy as np

x, y = np.random.rand(32, 4).astype("float32"), np.random.randint(0, 2, 32)


class Mine(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, x):
        return self.dense(x)

    def compile(self, optimizer, loss, more):
        {compile}

    def train_step(self, data):
        x, y = data
        return self.nothing(x, y)


model = Mine()
model.compile("sgd", "mse", {{}})
{train}
"""


@pytest.mark.parametrize(
    ("compile", "train", "line"),
    [
        ("super().compile(optimizer, loss); self.more = more['all']", "model.fit(x, y)",
         r"KeyError: 'all' \(train.py, line 17, in compile\)"),
        ("super().compile('sdg', loss)", "model.fit(x, y)", r"identifier: sdg \(train.py, line 17, in compile\)"),
        ("super().compile(optimizer, lss=loss)", "model.fit(x, y)", r"'lss' \(train.py, line 17, in compile\)"),
        ("super().compile(optimizer, loss)", "model.train_step((x, y))",
         r"no attribute 'nothing' \(train.py, line 21, in train_step\)"),
        ("super().compile(optimizer, loss)", "model.fit(x, y, epoch=2)",
         r"Model.fit\(\) got an unexpected keyword argument 'epoch' \(train.py, line 26\)"),
    ],
)  # fmt: skip
def test_an_error_is_of_the_line_of_the_program(read_text: Read, compile: str, train: str, line: str) -> None:
    with pytest.raises(UsageError, match=line):
        read_text(OWN.format(compile=compile, train=train))


def test_an_error_of_a_graph_is_told_without_the_lines_on_the_way() -> None:
    way = "in user code:\n\n    File 'a.py', line 1, in f  *\n        g()\n\n"
    assert told(AttributeError(f"{way}    AttributeError: no such thing\n")) == "AttributeError: no such thing"
    assert told(ValueError("in user code: no\n\n    more")) == "ValueError: in user code: no more"
