"""What a Keras program trains on becomes a file of rows; rows are made up where it brings none, and only there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_reading import read_and_held

from parity.errors import ParityError
from parity.run.session import Session

HEAD = """\
import keras
import numpy as np
from keras import layers, ops
keras.utils.clear_session()
rng = np.random.default_rng(0)
def rows(n, size=4):
    return np.arange(n * size, dtype="float32").reshape(n, size)
"""

TWO = """\
a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
model = keras.Model({inputs}, layers.Dense(1, name="o")(layers.Subtract()([a, b])))
model.compile("sgd", "mse")
model.fit({x}, {y})
"""

CLASSES = """\
import tensorflow as tf
model = keras.Sequential([keras.Input((4,)), layers.Dense({units}, activation="{activation}")])
model.compile("sgd", "{loss}", weighted_metrics=["accuracy"])
x, y = rows(20), np.arange(20) % {units}
data = tf.data.Dataset.from_tensor_slices((x, y))
model.fit({given})
"""

SPARSE = {"units": 3, "activation": "softmax", "loss": "sparse_categorical_crossentropy"}


@pytest.mark.parametrize(("inputs", "x"), [
    ("[a, b]", "[rows(8), -rows(8)]"),
    ("[a, b]", "{'b': -rows(8), 'a': rows(8)}"),
    ("{'first': a, 'second': b}", "{'second': -rows(8), 'first': rows(8)}"),
    ("{'first': a, 'second': b}", "[rows(8), -rows(8)]"),
    ("{'z': a, 'y': b}", "{'z': rows(8), 'y': -rows(8)}"),
])  # fmt: skip
@pytest.mark.parametrize("y", ["rows(8, 1)", "{'o': rows(8, 1)}"])
def test_arrays_are_those_of_their_inputs(inputs: str, x: str, y: str, read_text: Callable[..., Any]) -> None:
    found = read_text(HEAD + TWO.format(inputs=inputs, x=x, y=y))
    assert not found.notes
    assert found.arrays["a"][0].tolist() == [0, 1, 2, 3]
    assert found.arrays["b"][0].tolist() == [0, -1, -2, -3]


@pytest.mark.parametrize(("x", "y", "line"), [
    ("{'a': rows(8), 'c': rows(8)}", "rows(8, 1)",
     "train.py, line 11: data: x, named 'a', 'c', is not read; it needs arrays for the inputs 'a', 'b'"),
    ("[rows(8), rows(8), rows(8)]", "rows(8, 1)",
     "train.py, line 11: data: x, 3 arrays in order, is not read; it needs arrays for the inputs 'a', 'b'"),
    ("[rows(8), rows(8)]", "{'p': rows(8, 1)}",
     "train.py, line 11: data: y, named 'p', is not read; it needs arrays for the outputs 'o'"),
    ("[rows(8), rows(8)]", "None", "data: x:a, x:b, without targets, is not read; it needs targets for o"),
    ("[np.array(['a', 'b']), rows(2)]", "rows(2, 1)",
     "train.py, line 11: data: x, a numpy ndarray of <U1, is not read; it needs arrays of rows, which a file can hold"),
    ("[rows(8), rows(8)]", "rows(8, 1), validation_data=(rows(2), rows(2, 1))",
     "train.py, line 11: data: val:x, 1 arrays in order, is not read; it needs arrays for the inputs 'a', 'b'\n"),
])  # fmt: skip
def test_data_that_fit_no_input_are_not_replaced(x: str, y: str, line: str, read_text: Callable[..., Any]) -> None:
    with pytest.raises(ParityError) as raised:
        read_text(HEAD + TWO.format(inputs="[a, b]", x=x, y=y))
    assert f"{raised.value}\n".startswith(line)


def test_targets_by_the_keys_of_outputs(read_text: Callable[..., Any]) -> None:
    text = """
i = keras.Input((4,))
model = keras.Model(i, {"q": layers.Dense(3, activation="softmax", name="two")(i), "p": layers.Dense(1, name="one")(i)})
model.compile("sgd", {"p": "mse", "q": "sparse_categorical_crossentropy"})
model.fit(rows(6), %s)
"""
    found = read_text(HEAD + text % "{'p': rows(6, 1), 'q': np.arange(6) % 3}")
    assert found.spec["model"]["outputs"] == {"p": "one", "q": "two"}
    assert (found.arrays["p"][2].tolist(), found.arrays["q"].tolist()) == ([2.0], [0, 1, 2, 0, 1, 2])
    with pytest.raises(ParityError, match=r"data: y, 2 arrays in order, is not read; .* outputs 'p', 'q', by name"):
        read_text(HEAD + text % "[rows(6, 1), np.arange(6) % 3]")


def test_weights_of_rows(read_text: Callable[..., Any]) -> None:
    given = "x, y, sample_weight=np.arange(20) / 4, validation_data=(x[:5], y[:5])"
    found = read_text(HEAD + CLASSES.format(**SPARSE, given=given))
    assert found.spec["data"]["sample_weights"] == "sample_weights"
    assert found.arrays["sample_weights"].tolist() == [*(np.arange(20) / 4), 1, 1, 1, 1, 1]
    with pytest.raises(ParityError, match=r"sample_weight of shape \(20, 2\) is not read; it needs one number a row"):
        read_text(HEAD + CLASSES.format(**SPARSE, given="x, y, sample_weight=np.ones((20, 2))"))


def test_weights_of_classes(read_text: Callable[..., Any]) -> None:
    """The loss has them, or the rows, as Keras makes weights of rows of them: 1 where a class has none."""
    found = read_text(HEAD + CLASSES.format(**SPARSE, given="x, y, class_weight={0: 2.0, 2: 0.5}"))
    assert found.spec["loss"] == {"sparse_categorical_crossentropy": {"class_weight": [2.0, 1.0, 0.5]}}
    assert "sample_weights" not in found.spec["data"]
    binary = CLASSES.format(units=1, activation="sigmoid", loss="binary_crossentropy",
                            given="x, np.arange(20) % 2, class_weight={1: 3.0}")  # fmt: skip
    found = read_text(HEAD + binary)
    assert found.arrays[found.spec["data"]["sample_weights"]].tolist() == [1.0, 3.0] * 10


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_weights_of_classes_that_fit_is_told_are_proved(session: Session, tmp_path: Path, loss: str) -> None:
    targets = "y" if loss.startswith("sparse") else "keras.utils.to_categorical(y, 3)"
    classes = CLASSES.format(units=3, activation="softmax", loss=loss,
                             given=f"x, {targets}, class_weight={{0: 2.0, 2: 0.5}}, batch_size=4")  # fmt: skip
    _, proof = read_and_held(session, HEAD + classes, tmp_path)
    assert proof.code == 0, proof.lines


@pytest.mark.parametrize(("given", "said"), [
    ("data.batch(8)", {"batch_size": 8, "epochs": 1, "shuffle": False, "seed": 0}),
    ("data.cache().shuffle(20).batch(8, drop_remainder=True).prefetch(2), epochs=3",
     {"batch_size": 8, "epochs": 3, "shuffle": True, "seed": 0, "drop_remainder": True}),
    ("data.map(lambda a, b: (a / 2.0, b)).shuffle(99).batch(4)",
     {"batch_size": 4, "epochs": 1, "shuffle": True, "seed": 0}),
    ("data.shuffle(7).batch(4)", {"batch_size": 4, "epochs": 1, "shuffle": True, "seed": 0}),
    ("data.batch(8).map(lambda a, b: (a / 2.0, b))", {"batch_size": 8, "epochs": 1, "shuffle": False, "seed": 0}),
])  # fmt: skip
def test_a_dataset_that_ends_is_its_rows(given: str, said: dict[str, Any], read_text: Callable[..., Any]) -> None:
    found = read_text(HEAD + CLASSES.format(**SPARSE, given=f"{given}, validation_data=data.take(5).batch(2)"))
    assert found.spec["training"] == said
    x = np.arange(80).reshape(20, 4) / (2.0 if "map" in given else 1.0)
    assert found.arrays["X"][:20].tolist() == x.tolist()
    assert found.arrays["X"][20:].tolist() == np.arange(20).reshape(5, 4).tolist()
    notes = ["Its dataset shuffles 7 rows at a time; the spec shuffles all."] if "(7)" in given else []
    assert found.notes == notes


NEEDS = "it needs rows that end, then shuffle at most, then batch, then prefetch at most"


@pytest.mark.parametrize(("given", "line"), [
    ("data.batch(8).repeat(), steps_per_epoch=2",
     f"train.py, line 13: data: a tf.data.Dataset with repeat out of place is not read; {NEEDS}"),
    ("data.repeat().batch(8)",
     f"train.py, line 13: data: a tf.data.Dataset with repeat out of place is not read; {NEEDS}"),
    ("data.batch(8).shuffle(3)",
     f"train.py, line 13: data: a tf.data.Dataset with shuffle out of place is not read; {NEEDS}"),
    ("data.shuffle(20).map(lambda a, b: (a, b)).batch(8)",
     f"train.py, line 13: data: a tf.data.Dataset with shuffle out of place is not read; {NEEDS}"),
    ("data.shuffle(20, reshuffle_each_iteration=False).batch(8)",
     f"train.py, line 13: data: a tf.data.Dataset with one order for all epochs is not read; {NEEDS}"),
    ("(one for one in [(x, y)])",
     "train.py, line 13: data: x, a builtins generator, is not read; it needs arrays of rows, which a file can hold"),
])  # fmt: skip
def test_a_dataset_whose_order_no_spec_says_is_refused(given: str, line: str, read_text: Callable[..., Any]) -> None:
    with pytest.raises(ParityError) as raised:
        read_text(HEAD + CLASSES.format(**SPARSE, given=given))
    assert str(raised.value).split("\n")[0] == line
