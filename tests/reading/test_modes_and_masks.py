"""What a layer is told of training, and which steps count for it, are as in Keras, or the program is not read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from parity.errors import ParityError

HEAD = """\
import keras
import numpy as np
from keras import layers, ops
keras.utils.clear_session()
rng = np.random.default_rng(0)
"""

NET = """\
class Within(layers.Layer):
    def __init__(self):
        super().__init__()
        self.drop = layers.Dropout(0.5)
    def call(self, x{inside}):
        return self.drop(x{told})
class Net({base}):
    def __init__(self):
        super().__init__()
        self.dense, self.norm, self.within = layers.Dense(3), layers.BatchNormalization(), Within()
    def call(self, x, training=False):
        {body}
model = Net()
model.compile("sgd", "mse")
model.fit(rng.normal(size=(8, 4)), rng.normal(size=(8, 3)))
"""

FUNCTIONAL = """\
inputs = keras.Input((4,))
base = keras.Sequential([keras.Input((4,)), layers.BatchNormalization()])
h = layers.Dropout(0.5)(base(inputs, training=False), training=True)
model = keras.Model(inputs, layers.Dense(3)(h))
model.compile("sgd", "mse")
model.fit(rng.normal(size=(8, 4)), rng.normal(size=(8, 3)))
"""

MASKED = """\
class Inner(layers.Layer):
    def __init__(self):
        super().__init__()
        self.gru = layers.GRU(4)
    def call(self, x, mask=None):
        return self.gru(x{mask})
gru = {gru}
inputs = keras.Input((5,), dtype="int32")
h = layers.Embedding(7, 3, mask_zero=True)(inputs)
h = {between}
model = keras.Model(inputs, layers.Dense(2)(gru(h)))
model.compile("sgd", "mse")
model.fit(rng.integers(0, 7, (8, 5)), rng.normal(size=(8, 2)))
"""

ALL = ["dense", "batch_norm", "dropout"]


def kinds(found: Any) -> list[str]:
    return [one if isinstance(one, str) else next(iter(one)) for one in found.spec["model"]["layers"]]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("body", [
    "return self.within(self.norm(self.dense(x)))",
    "return self.within(self.norm(self.dense(x), training=training), training=training)",
], ids=["by the context", "passed on"])  # fmt: skip
@pytest.mark.parametrize("inside", ["", ", training=None", ", training=False"])
def test_layers_follow_the_mode_of_a_model_that_is_called(
    inside: str, body: str, read_text: Callable[..., Any]
) -> None:
    told = ", training=training" if inside else ""
    assert kinds(read_text(HEAD + NET.format(base="keras.Model", body=body, inside=inside, told=told))) == ALL


@pytest.mark.parametrize(("body", "line"), [
    ("return self.within(self.norm(self.dense(x)), training=False)",
     "train.py, line 9: layer 'dropout', always called with training=False, is not read; it needs a field that holds a "
     "layer in one mode"),
    ("return self.within(self.norm(self.dense(x), training=True))",
     "train.py, line 15: layer 'batch_normalization', always called with training=True, is not read; it needs a field "
     "that holds a layer in one mode\n"
     "train.py, line 9: layer 'dropout', always called with training=True, is not read; "
     "it needs a field that holds a layer in one mode"),
    ("return self.within(self.dense(x * (2.0 if training else 3.0)))",
     "train.py, line 16: Net.call, which computes something else in training, is not read; it needs layers that know "
     "themselves what they do in training"),
    ("return self.within(self.dense(ops.roll(x, 1 if training else 2)))",
     "train.py, line 16: Net.call, which computes something else in training, is not read; it needs layers that know "
     "themselves what they do in training"),
], ids=["held", "held on, and what follows", "a number", "an argument"])  # fmt: skip
def test_what_a_mode_changes_is_refused(body: str, line: str, read_text: Callable[..., Any]) -> None:
    with pytest.raises(ParityError) as raised:
        read_text(HEAD + NET.format(base="keras.Model", body=body, inside="", told=""))
    assert str(raised.value) == line


def test_a_norm_that_is_held_goes_by_its_running_statistics(read_text: Callable[..., Any]) -> None:
    body = "return self.norm(self.within(self.dense(x)), training=False)"
    found = read_text(HEAD + NET.format(base="keras.Model", body=body, inside="", told=""))
    assert found.spec["model"]["layers"][-1] == {
        "batch_norm": {"name": "batch_normalization", "freeze_statistics": True}
    }


def test_a_functional_model_tells_its_layers_its_own_mode(read_text: Callable[..., Any]) -> None:
    """As Keras 3 does, whatever a line said: the running statistics of such a norm move."""
    found = read_text(HEAD + FUNCTIONAL)
    assert found.spec["model"]["layers"][:2] == [
        {"batch_norm": {"name": "batch_normalization"}}, {"dropout": {"name": "dropout", "rate": 0.5}}
    ]  # fmt: skip


def test_a_sequential_model_with_a_call_of_its_own_is_what_it_calls(read_text: Callable[..., Any]) -> None:
    """Of which Keras trains nothing: a Sequential keeps the layers of its list alone."""
    text = NET.format(base="keras.Sequential", body="return self.norm(self.dense(x))", inside="", told="")
    held = "super().__init__({})\n        self.dense".format
    text = text.replace(held(""), held("[layers.ReLU()]"))
    with pytest.raises(ParityError, match="layer 'dense', whose weights are none of the model's") as raised:
        read_text(HEAD + text)
    assert "ReLU" not in str(raised.value)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("between", ["layers.Dense(3)(h)", "layers.ReLU()(h)", "layers.Add()([h, h * 1.0])",
                                     "layers.Masking()(h * 2.0)"])  # fmt: skip
@pytest.mark.parametrize("gru", ["Inner()", "layers.GRU(4)", "keras.Sequential([keras.Input((5, 3)), layers.GRU(4)])"])
def test_masks_that_travel_as_in_a_spec_are_read(between: str, gru: str, read_text: Callable[..., Any]) -> None:
    if "Add" in between:
        between = "layers.Add()([h, layers.Dense(3)(h)])"
    found = read_text(HEAD + MASKED.format(between=between, gru=gru, mask=", mask=mask"))
    assert kinds(found)[0] == "embedding"
    assert kinds(found)[-2:] == ["gru", "dense"]


@pytest.mark.parametrize("between", ["h + layers.Dense(3)(h)", "ops.relu(h)", "h * 2.0", "ops.cast(h, 'float32')",
                                     "layers.Add()([h, ops.tanh(h)])", "ops.concatenate([h, h], axis=-1)"])  # fmt: skip
def test_a_mask_that_a_function_drops_is_no_other_mask(between: str, read_text: Callable[..., Any]) -> None:
    with pytest.raises(ParityError) as raised:
        read_text(HEAD + MASKED.format(between=between, gru="layers.GRU(4)", mask=""))
    assert str(raised.value).endswith(
        "the mask that layer 'gru' (keras.layers.GRU) goes by is not read; it needs the same mask in a spec: what lies "
        "between hands masks on, or ends them, otherwise than the program"
    )


def test_a_mask_that_ends_before_anything_goes_by_it_is_no_matter(read_text: Callable[..., Any]) -> None:
    text = MASKED.format(between="ops.tanh(h)", gru="layers.Flatten()", mask="")
    assert kinds(read_text(HEAD + text)) == ["embedding", "activation", "flatten", "dense"]


def test_a_mask_that_the_loss_goes_by_in_a_spec_alone_is_refused(read_text: Callable[..., Any]) -> None:
    text = MASKED.format(between="ops.tanh(h)", gru="layers.Dropout(0.1)", mask="").replace("(8, 2)", "(8, 5, 2)")
    with pytest.raises(ParityError, match="the mask of output 'dense', which the loss goes by, is not read"):
        read_text(HEAD + text)
