"""Outputs, metrics, callbacks and what is given beside a program: as Keras has them, or a line each."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from helpers_forked import interpreter

from parity.catalog import OPTIMIZERS
from parity.cli import main
from parity.errors import ParityError, UsageError
from parity.reading.entries_of import reader_of
from parity.reading.layers_of import layers_of
from parity.reading.odd import Said
from parity.reading.said import read_said, said_parts
from parity.run.told import Told, ToldInput, ToldNode

HEAD = """\
import keras
import numpy as np
from keras import layers, ops
keras.utils.clear_session()
x, y = np.zeros((8, 4), "float32"), np.zeros((8, 4), "float32")
i = keras.Input((4,), name="i")
h = layers.Dense(4, name="h")
"""

OUTPUTS = "model = keras.Model(i, {ends})\nmodel.compile('sgd', 'mse')\nmodel.fit(x, {y})\n"


@pytest.mark.parametrize(("ends", "y", "outputs"), [
    ("[h(i), h(ops.relu(i))]", "[y, y]", {"h": "h", "h_1": "h_1"}),
    ("{'a b': h(i), 'a-b': layers.Dense(4, name='g')(i)}", "{'a b': y, 'a-b': y}", {"a_b": "h", "a_b_1": "g"}),
])  # fmt: skip
def test_outputs_of_one_name_or_one_tensor(
    ends: str, y: str, outputs: dict[str, str], read_text: Callable[..., Any]
) -> None:
    found = read_text(HEAD + OUTPUTS.format(ends=ends, y=y))
    assert found.spec["model"]["outputs"] == outputs
    assert set(found.spec["loss"]) == set(outputs)
    assert {*found.arrays} == {"X", *outputs}


@pytest.mark.parametrize(
    "ends", ["(lambda one: [one, one])(h(i))", "(lambda one: [one, layers.Identity()(one)])(h(i))"]
)
def test_outputs_that_are_one_tensor_are_refused(ends: str, read_text: Callable[..., Any]) -> None:
    with pytest.raises(
        ParityError, match="the same tensor as output 'h', is not read; it needs a layer of its own for"
    ):
        read_text(HEAD + OUTPUTS.format(ends=f"(lambda one: {ends})(h(i))", y="[y, y]"))


def test_an_output_that_is_an_input_is_refused(read_text: Callable[..., Any]) -> None:
    with pytest.raises(ParityError) as raised:
        read_text(HEAD + OUTPUTS.format(ends="[h(i), layers.Identity(name='same')(i)]", y="[y, y]"))
    assert str(raised.value) == (
        "output 'same', which is an input as it is, is not read; it needs a layer that gives it"
    )


METRICS = """
class Accuracy(keras.metrics.Metric):
    def update_state(self, *given, **more):
        pass
    def result(self):
        return 0.0
class Own(keras.metrics.MeanAbsoluteError):
    pass
model = keras.Sequential([keras.Input((4,)), h])
model.compile("sgd", "mse", {given})
model.fit(x, y{more})
"""


@pytest.mark.parametrize(("given", "more", "metrics", "notes"), [
    ("metrics=['ACC', keras.metrics.MeanSquaredError(name='error')]", "", ["accuracy", "mse"], []),
    ("metrics=[Accuracy()]", "", None, ["Metric __main__.Accuracy is left out: no entry of the metrics is it."]),
    ("metrics=[Own()]", "", None, ["Metric __main__.Own is left out: no entry of the metrics is it."]),
    ("metrics=[keras.metrics.BinaryAccuracy(threshold=0.3), keras.metrics.BinaryAccuracy()]", "", ["binary_accuracy"],
     ["Metric keras.metrics.BinaryAccuracy is left out: no entry of the metrics is it."]),
    ("metrics=['mae'], weighted_metrics=['mse']", "", ["mae", "mse"], []),
    ("metrics=['mae'], weighted_metrics=['mse']", ", sample_weight=np.ones(8)", ["mae"],
     ["Metrics that weigh rows are left out: no entry of the metrics does."]),
])  # fmt: skip
def test_metrics_are_keras_own(
    given: str, more: str, metrics: list[str] | None, notes: list[str], read_text: Callable[..., Any]
) -> None:
    found = read_text(HEAD + METRICS.format(given=given, more=more))
    assert (found.spec.get("metrics"), found.notes) == (metrics, notes)


@pytest.mark.parametrize("callback", [
    "type('ModelCheckpoint', (keras.callbacks.Callback,), {'__module__': 'my.callbacks'})()",
    "type('Slower', (keras.callbacks.ModelCheckpoint,), {'__module__': 'keras_callbacks'})('a.keras')",
    "keras.callbacks.ReduceLROnPlateau()",
    "keras.callbacks.SwapEMAWeights()",
])  # fmt: skip
def test_callbacks_that_may_change_a_step_are_refused(callback: str, read_text: Callable[..., Any]) -> None:
    text = METRICS.format(given="metrics=[]", more=f", callbacks=[keras.callbacks.CSVLogger('log'), {callback}]")
    with pytest.raises(ParityError, match=r"^train.py, line \d+: callback \S+ is not read; it needs an optimizer's"):
        read_text(HEAD + text)


@pytest.mark.parametrize(("part", "text", "line"), [
    ("loss", "huberr", "--loss: no loss is called 'huberr'; did you mean 'huber'?"),
    ("loss", "{mse", "--loss '{mse' is no YAML (1: YAML: expected ',' or '}', but got '<stream end>'; expected YAML "
     "1.2); expected such as mse, or {huber: {delta: 0.5}}"),
    ("optimizer", "[1]",
     "--optimizer [1]: expected one as a spec says it, such as adam, or {sgd: {learning_rate: 0.1}}"),
    ("optimizer", "{sgd: 3}", "--optimizer sgd: expected fields, such as adam, or {sgd: {learning_rate: 0.1}}, and it "
     "is given 3"),
    ("optimizer", "{sgd: {momentum: -1}}", "--optimizer sgd: expected fields that it can have; this needs a sgd that "
     "can have momentum=-1 (Input should be greater than or equal to 0)"),
])  # fmt: skip
def test_what_is_given_badly_is_one_line(part: str, text: str, line: str) -> None:
    done = CliRunner().invoke(main, ["read", "nowhere:model", f"--{part}", text], standalone_mode=True)
    with pytest.raises(UsageError) as raised:
        said_parts(read_said({part: text}))
    assert str(raised.value) == line
    assert (done.exit_code, "Traceback" in done.output) == (2, False)


def test_a_loss_beside_one_of_the_programs_own_is_refused(read_text: Callable[..., Any]) -> None:
    with pytest.raises(UsageError) as raised:
        read_text(HEAD + METRICS.format(given="metrics=[]", more=""), loss="mae")
    assert str(raised.value) == ("--loss: the program has one of its own; leave --loss out, or change the program")


def test_what_a_reader_says_that_an_entry_cannot_have_is_opaque(monkeypatch: pytest.MonkeyPatch) -> None:
    node = ToldNode(name="one", part="odd.Layer", reads=["input"], shape=[3], read_shapes=[[4]], layer="one")
    told = Told(framework="keras", inputs=[ToldInput(name="input", shape=[4])], nodes=[node], outputs=[("out", "one")])
    monkeypatch.setattr(type(reader_of("keras")), "odd", lambda self, node: Said("dense", {"units": -3}))
    ((layer,),) = (one.values() for one in layers_of(told).layers)
    assert layer["needs"] == "a dense that can have units=-3 (Input should be greater than 0)"


def test_an_axis_counted_from_the_front_is_the_last(read_text: Callable[..., Any]) -> None:
    text = OUTPUTS.format(ends="layers.Softmax(axis=1)(layers.BatchNormalization(axis=1)(h(i)))", y="y")
    found = read_text(HEAD + text)
    assert found.spec["model"]["layers"][1] == {"batch_norm": {"name": "batch_normalization"}}


@pytest.mark.parametrize(("told", "fields"), [
    ("0.001, 100, 0.1, warmup_target=0.05, warmup_steps=20", {"alpha": 0.1, "warmup_steps": 20, "warmup_from": 0.001}),
    ("0.0, 100, warmup_target=0.05, warmup_steps=20", {"warmup_steps": 20}),
    ("0.05, 100, warmup_steps=20", {}),  # Without a target Keras passes the steps by.
    ("0.3, 100, warmup_target=0.05", {}),  # Nor is the initial rate anything without steps.
])  # fmt: skip
def test_a_cosine_with_keras_s_own_warm_up(told: str, fields: dict[str, Any], read_text: Callable[..., Any]) -> None:
    compiled = f"model.compile(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay({told})), 'mse')"
    found = read_text(f"{HEAD}model = keras.Model(i, h(i))\n{compiled}\nmodel.fit(x, y)\n")
    sgd = found.spec["optimizer"]["sgd"]
    assert sgd["learning_rate"]["cosine"] == {"initial_learning_rate": 0.05, "decay_steps": 100, **fields}
    steps = (0, 7, 19, 20, 21, 60, 119, 120, 500)
    asked = (
        f"import keras; own = keras.optimizers.schedules.CosineDecay({told}); print(*(float(own(n)) for n in {steps}))"
    )
    own = subprocess.run([interpreter("keras"), "-c", asked], capture_output=True, text=True, check=True).stdout
    meant = OPTIMIZERS["sgd"].model_validate(sgd).learning_rate
    assert [meant.rate(step) for step in steps] == pytest.approx([*map(float, own.split())], rel=1e-5, abs=1e-9)


def test_what_a_loss_of_keras_s_leaves_out_of_its_configuration_is_read(read_text: Callable[..., Any]) -> None:
    compiled = "model.compile('sgd', keras.losses.Huber(delta=0.5))"
    found = read_text(f"{HEAD}model = keras.Model(i, h(i))\n{compiled}\nmodel.fit(x, y)\n")
    assert found.spec["loss"] == {"huber": {"delta": 0.5}}
