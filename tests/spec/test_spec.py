"""Loading a spec: YAML 1.2 with lines, short forms, the Python API, JSON Schema, the text of every kind of fault."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from parity.catalog import FAMILIES
from parity.data.section import DataSpec
from parity.entries import Entry, scalars
from parity.errors import Fault, SpecError, did_you_mean, listed, nearest
from parity.initializers.truncated_normal import TruncatedNormal
from parity.losses.categorical_crossentropy import CategoricalCrossentropy
from parity.metrics.accuracy import Accuracy
from parity.ops.conv1d import Conv1D
from parity.ops.dense import Dense
from parity.ops.dropout import Dropout
from parity.ops.flatten import Flatten
from parity.optimizers.adam import Adam
from parity.optimizers.sgd import SGD
from parity.spec.load import build_spec, load_spec, parse_spec
from parity.spec.plain import to_yaml
from parity.spec.resolve import resolve
from parity.spec.sections import ExplainSpec, ModelSpec, SaidSpec, SideSpec, Spec, TrainingSpec, json_schema
from parity.spec.yaml import parse_yaml

SPECS = sorted((Path(__file__).resolve().parents[2] / "specs").glob("*.yaml"))
LEAF = next(path for path in SPECS if path.stem == "leaf")

BASE = """\
name: small
data: {source: leaf_like}
model:
  input: [8, 3]
  layers:
    - conv1d: {filters: 4, kernel_size: 3}
    - flatten
    - dropout: 0.5
    - dense: {units: 5, activation: relu}
    - dense: 2
loss: categorical_crossentropy
optimizer: {sgd: {learning_rate: 1e-6}}
"""
"""A right spec of 12 lines; what a test adds begins on line 13."""


def known(names: Iterable[str], most: int = 20) -> str:
    """Return a list of names as a fault has it: new entries and fields are no new faults."""
    return listed(names, most).removeprefix("one of ")


FIELDS = known(Dense.model_fields)
DENSE = known(set(Dense.model_fields) - {"name"})
LAYERS, ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, METRICS = (
    listed(FAMILIES[family]).removeprefix("one of ")
    for family in ("op", "activation", "initializer", "loss", "optimizer", "metric")
)
SGD_FIELDS, ADAM_FIELDS = known(SGD.model_fields), known(Adam.model_fields)
RATES = known(["a number", *FAMILIES["schedule"]], 12)
SECTIONS = "data, layers, loss, metrics, numerics, optimizer, training"
SPEC_FIELDS = "data, explain, loss, metrics, model, name, numerics, optimizer, question, sides, training"


def faults(text: str) -> list[str]:
    """Return the lines a user reads for a faulty spec."""
    with pytest.raises(SpecError) as caught:
        parse_spec(text, "s.yaml")
    return str(caught.value).splitlines()


def edited(old: str, new: str) -> str:
    assert old in BASE
    return BASE.replace(old, new)


def with_changes(*changes: str) -> str:
    """Return the right spec with a side whose changes begin on line 18."""
    lines = ["sides:", "  a: {framework: keras}", "  b:", "    framework: torch", "    changes:"]
    return BASE + "\n".join([*lines, *(f"      {change}" for change in changes)]) + "\n"


# --------------------------------------------------------------------------------------------------- YAML


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-6", 1e-6),
        ("1E5", 1e5),
        ("1.0e-06", 1e-6),
        ("-.5", -0.5),
        (".inf", math.inf),
        ("+1", 1),
        ("0o14", 12),
        ("0x10", 16),
        ("012", 12),
        ("true", True),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("12:30:45", "12:30:45"),
        ('"1e-6"', "1e-6"),
        ("~", None),
        ("", None),
        ("[1, two]", [1, "two"]),
    ],
)
def test_yaml_is_read_as_version_1_2(text: str, value: object) -> None:
    data, _ = parse_yaml(f"key: {text}", None)
    assert data == {"key": value}
    assert type(data["key"]) is type(value)


def test_a_number_without_a_dot_before_its_exponent_reaches_the_optimizer_as_a_number() -> None:
    assert parse_spec(BASE).optimizer == SGD(learning_rate=1e-6)


def test_every_key_and_item_knows_its_line() -> None:
    _, lines = parse_yaml(BASE, "s.yaml")
    assert lines.file == "s.yaml"
    assert lines.found[("name",)] == 1
    assert lines.found[("model", "input")] == 4
    assert lines.found[("model", "layers", 0)] == 6
    assert lines.found[("model", "layers", 3, "dense", "activation")] == 9
    assert lines.found[("optimizer", "sgd", "learning_rate")] == 12


def test_anchors_and_merged_keys_are_read_and_their_faults_have_the_line_they_were_written_on() -> None:
    text = edited(
        "    - dense: {units: 5, activation: relu}\n    - dense: 2\n",
        "    - dense: &wide {units: 5, use_bias: &bias false}\n"
        "    - dense:\n        <<: *wide\n        units: 7\n        use_bias: *bias\n",
    )
    *_, first, second = parse_spec(text).model.layers
    assert first == Dense(units=5, use_bias=False)
    assert second == Dense(units=7, use_bias=False)
    assert [line.split(": ")[0] for line in faults(text.replace("units: 5", "unit: 5"))] == ["s.yaml:9", "s.yaml:9"]
    assert [line.split(": ")[0] for line in faults(text.replace("units: 7", "units: -7"))] == ["s.yaml:12"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "s.yaml:1: spec: there is nothing in it; expected a mapping with name, data, model, loss, optimizer"),
        (
            "# later\n",
            "s.yaml:1: spec: there is nothing in it; expected a mapping with name, data, model, loss, optimizer",
        ),
        ("- 1", "s.yaml:1: spec: got a list; expected a mapping with name, data, model, loss, optimizer"),
        ("leaf", "s.yaml:1: spec: got a value; expected a mapping with name, data, model, loss, optimizer"),
        (BASE + "name: b", "s.yaml:13: YAML: a second key 'name'; expected each key once; take one of them out"),
        (
            BASE + "training:\n\tseed: 3",
            "s.yaml:14: YAML: a tab where the line is indented; expected YAML 1.2; indent with spaces",
        ),
        (
            BASE + "metrics: [",
            "s.yaml:13: YAML: expected the node content, but found '<stream end>'; expected YAML 1.2",
        ),
        (
            BASE + "---\nname: b",
            "s.yaml:13: YAML: expected a single document in the stream, but found another document; expected YAML 1.2",
        ),
        (BASE + "metrics: !mine [a]", "s.yaml:13: YAML: a tag, !mine; expected YAML 1.2; write plain values"),
        (
            "name: !!python/object/apply:os.system [ls]",
            "s.yaml:1: YAML: a tag, tag:yaml.org,2002:python/object/apply:os.system; expected YAML 1.2; "
            "write plain values",
        ),
        (
            "name: a\nquestion: \0",
            "s.yaml:2: YAML: unacceptable character #x0000: special characters are not allowed; expected YAML 1.2",
        ),
        (
            BASE + "metrics: &m [*m]",
            "s.yaml:13: YAML: it is nested without end: an alias stands within what it stands for; expected a spec",
        ),
        ("[" * 20000, "s.yaml: YAML: it is nested without end; expected a spec"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in pairwise("abcdefghij")),
            "s.yaml:5: YAML: with its aliases written out it has more than 100000 values; expected a spec",
        ),
        ("#" * 300_000, "s.yaml: YAML: it has 300000 letters; expected a spec, of at most 250000"),
        (
            "name: a\nquestion: !!int x",
            "s.yaml:2: YAML: 'x' cannot be read as int; expected plain values; put text in quotes",
        ),
        ("name: a\nquestion: !!omap [a: 1]", "s.yaml:2: YAML: a tag, omap; expected YAML 1.2; write plain values"),
        (
            f"name: a\nquestion: 0x1{'0' * 5000}",
            "s.yaml:2: YAML: got a number of about 6021 digits; expected whole numbers below 2**64",
        ),
        (
            'name: a\nquestion: "\\uD800"',
            "s.yaml:2: YAML: half of a surrogate pair, \\ud800, in '\\ud800'; expected text; take it out",
        ),
        ('"\\e[31mX": 1', "s.yaml:1: YAML: a control character, \\x1b, in '\\x1b[31mX'; expected text; take it out"),
    ],
)
def test_what_is_no_spec_at_all_is_one_line(text: str, says: str) -> None:
    assert faults(text) == [says]


def test_a_letter_that_json_writes_as_a_pair_is_one_letter() -> None:
    assert parse_spec(BASE + 'question: "\\ud83d\\ude00"').question == "\U0001f600"


def test_a_number_of_too_many_digits_is_one_line() -> None:
    (line,) = faults(f"name: a\nquestion: {'9' * 9000}")
    assert line.startswith("s.yaml:2: YAML: '9999999")
    assert "cannot be read as int" in line
    assert len(line) < 200


@given(st.text(max_size=60))
def test_any_text_is_a_spec_or_a_spec_error(text: str) -> None:
    with pytest.raises(SpecError):
        parse_spec(text, "s.yaml")


@given(st.integers(0, len(BASE) - 1), st.characters(codec="utf-8"))
def test_a_spec_with_one_wrong_character_is_a_spec_or_a_spec_error(at: int, character: str) -> None:
    found: Spec | SpecError
    try:
        found = parse_spec(BASE[:at] + character + BASE[at + 1 :], "s.yaml")
    except SpecError as error:
        found = error
    assert isinstance(found, Spec) or all(str(fault).startswith("s.yaml") for fault in found.faults)


# -------------------------------------------------------------------------------------------------- files


def unreadable(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    return str(caught.value)


def test_a_missing_file_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "leaf.yaml").write_text(BASE)
    assert unreadable(tmp_path / "leef.yaml") == (
        f"{tmp_path}/leef.yaml: no such file; expected a spec, a YAML file; did you mean '{tmp_path}/leaf.yaml'?"
    )
    assert unreadable(tmp_path / "unlike") == f"{tmp_path}/unlike: no such file; expected a spec, a YAML file"


def test_a_folder_is_told_with_the_specs_in_it(tmp_path: Path) -> None:
    assert unreadable(tmp_path) == f"{tmp_path}: it is a folder; expected a spec, a YAML file"
    (tmp_path / "b.yml").write_text(BASE)
    (tmp_path / "a.yaml").write_text(BASE)
    assert unreadable(tmp_path).endswith("; name a file in it: a.yaml, b.yml")


def test_bytes_that_are_no_utf8_are_told_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("name: a\nquestion: caf\xe9\n".encode("latin-1"))
    assert unreadable(path) == f"{path}:2: YAML: byte 0xe9 is not UTF-8; expected text in UTF-8; save it as UTF-8"


def test_a_file_is_read_as_utf8_whatever_the_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(BASE.replace("\n", "\r\n").encode() + "question: Größe?\r\n".encode())
    assert load_spec(path) == parse_spec(BASE + "question: Größe?\n")
    path.write_text(BASE + "metric: [accuracy]\n")
    assert unreadable(path).startswith(f"{path}:13: metric: unknown field 'metric'")


# --------------------------------------------------------------------------- short forms and the Python API


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("dense: 2", "dense: {units: 2}"),
        ("dropout: 0.5", "dropout: {rate: 0.5}"),
        ("flatten", "flatten: {}"),
        ("flatten", "flatten:"),
        ("activation: relu", "activation: {function: {relu: {}}}"),
        ("dense: {units: 2, activation: relu}", "dense: {units: 2, activation: {relu: {}}}"),
        ("dense: {units: 2, kernel_initializer: zeros}", "dense: {units: 2, kernel_initializer: {zeros: {}}}"),
        (
            "dense: {units: 2, bias_initializer: {constant: 1}}",
            "dense: {units: 2, bias_initializer: {constant: {value: 1.0}}}",
        ),
    ],
)
def test_a_short_form_means_the_long_one(short: str, long: str) -> None:
    layer = "    - dense: 2\n"
    assert parse_spec(edited(layer, f"    - {short}\n")) == parse_spec(edited(layer, f"    - {long}\n"))


def python_leaf() -> Spec:
    """Return what specs/leaf.yaml says, built of objects."""
    normal = TruncatedNormal(stddev=1.0)
    return Spec(
        name="leaf",
        question=load_spec(LEAF).question,
        data=DataSpec(source="leaf_like", standardize=True, reshape=(3, 64), transpose=(1, 0)),
        model=ModelSpec(
            input=(64, 3),
            layers=(
                Conv1D(filters=512, kernel_size=1, activation="relu"),
                Flatten(),
                Dropout(rate=0.4),
                Dense(units=2048, activation="relu"),
                Dense(units=1024, activation="relu"),
                Dense(units=99, activation="softmax", name="logits"),
            ),
        ),
        loss=CategoricalCrossentropy(),
        optimizer=SGD(learning_rate=0.01, momentum=0.9, nesterov=True, decay=1e-6),
        training=TrainingSpec(batch_size=16, epochs=2, shuffle=True, seed=0),
        metrics=(Accuracy(),),
        explain=ExplainSpec(
            steps=62,
            said=(
                SaidSpec(
                    text="Softmax instead of logits is the main cause; the rest may or may not matter.",
                    paths=("loss.from_logits",),
                    source="the question's accepted answer",
                ),
            ),
        ),
        sides={
            "keras": SideSpec(framework="keras"),
            "tensorflow": SideSpec(
                framework="tensorflow",
                changes={
                    "layers.conv1d.padding": "same",
                    "layers.*.kernel_initializer": normal,
                    "layers.*.bias_initializer": normal,
                    "layers.dropout.rate": 0.6,
                    "layers.logits.use_bias": False,
                    "loss": {"sigmoid_crossentropy": {"from_logits": True}},
                    "optimizer": Adam(learning_rate=0.001, epsilon=1e-8),
                    "training.shuffle": False,
                    "training.drop_remainder": True,
                },
            ),
        },
    )


def test_objects_and_yaml_build_the_same_spec() -> None:
    built, loaded = python_leaf(), load_spec(LEAF)
    for field in set(Spec.model_fields) - {"sides"}:
        assert getattr(built, field) == getattr(loaded, field), field
    # A change is kept as it was written, so sides are the same once they are resolved.
    assert resolve(built) == resolve(loaded)


def test_objects_and_plain_data_can_be_mixed() -> None:
    data, _ = parse_yaml(BASE, None)
    mixed = {**data, "loss": CategoricalCrossentropy(), "training": TrainingSpec()}
    mixed["model"] = {"input": (8, 3), "layers": [Conv1D(filters=4, kernel_size=3), *data["model"]["layers"][1:]]}
    assert build_spec(mixed) == parse_spec(BASE)


def test_faults_of_objects_are_those_of_a_file_without_lines() -> None:
    data, _ = parse_yaml(with_changes("layers.dens.units: 3", "training.epochs: 0"), None)
    for model in (data["model"], ModelSpec.model_validate(data["model"])):
        with pytest.raises(SpecError) as caught:
            build_spec({**data, "model": model, "metric": [Accuracy()]})
        assert str(caught.value).splitlines() == [
            f"metric: unknown field 'metric'; expected one of {SPEC_FIELDS}; did you mean 'metrics'?",
            "sides.b.changes.layers.dens.units: no layer matches 'dens'; expected one of conv1d, dense, dense_1, "
            "dropout, flatten; did you mean 'dense'?",
            "sides.b.changes.training.epochs: got 0; expected a number greater than 0",
        ]


def test_a_spec_of_objects_is_checked_at_the_latest_when_it_is_resolved() -> None:
    spec = parse_spec(BASE)
    side = SideSpec(framework="torch", changes={"layers.dens.units": 3})
    with pytest.raises(SpecError, match=r"^sides\.b\.changes\.layers\.dens\.units: no layer matches 'dens'; expected"):
        resolve(spec.model_copy(update={"sides": {"b": side}}))
    with pytest.raises(SpecError, match=r"^model\.layers\[0\]\.conv1d: conv1d reads \(length, channels\)"):
        resolve(spec.model_copy(update={"model": ModelSpec(input=(8,), layers=spec.model.layers)}), ("keras",))


def test_entries_are_frozen_and_refuse_what_they_do_not_know() -> None:
    with pytest.raises(ValidationError, match="unit"):
        Dense(units=3, unit=4)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="frozen"):
        Dense(units=3).units = 4  # type: ignore[misc]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_dumped_spec_is_read_back_as_it_was(path: Path) -> None:
    spec = load_spec(path)
    assert Spec.model_validate(spec.model_dump()) == spec
    assert Spec.model_validate_json(spec.model_dump_json()) == spec
    assert parse_spec(to_yaml(spec)) == spec
    # What nobody said is left out, and still it is the same spec.
    said = spec.model_dump(exclude_unset=True)
    each = [(getattr(spec.loss, name), said["loss"][name]) for name in spec.model.outputs]
    for loss, written in each or [(spec.loss, said["loss"])]:
        assert set(written[loss.kind]) == loss.model_fields_set
    assert Spec.model_validate(said) == spec


# ------------------------------------------------------------------------------------------------- faults


FIVE_FAULTS = """\
name: faulty
data: {source: leaf_like}
model:
  input: [64, 3]
  layers:
    - conv1d: {filters: 512, kernel_size: 1, activation: relu}
    - flaten
    - dropout: {rate: lots}
    - dense: {units: -99, name: logits}
loss: categorical_crossentropy
optimizer: sgd
sides:
  a:
    framework: tensorflo
  b:
    framework: torch
    changes:
      layers.logit.use_bias: false
"""


def test_five_faults_are_five_lines() -> None:
    assert faults(FIVE_FAULTS) == [
        f"s.yaml:7: model.layers[1]: unknown layer 'flaten'; expected one of {LAYERS}; did you mean 'flatten'?",
        "s.yaml:8: model.layers[2].dropout.rate: got 'lots'; expected a number",
        "s.yaml:9: model.layers[3].dense.units: got -99; expected a number greater than 0",
        "s.yaml:14: sides.a.framework: got 'tensorflo'; expected one of keras, keras_2, keras_torch, tensorflow, "
        "tf_keras, torch; did you mean 'tensorflow'?",
        "s.yaml:18: sides.b.changes.layers.logit.use_bias: no layer matches 'logit'; "
        "expected one of conv1d, dropout, flaten, logits; did you mean 'logits'?",
    ]


def test_a_model_whose_every_layer_is_wrong_is_not_also_called_empty() -> None:
    found = faults(edited(BASE[BASE.index("    - conv1d") : BASE.index("loss:")], "    - dens: 3\n    - flaten\n"))
    assert [line.split(";")[0] for line in found] == [
        "s.yaml:6: model.layers[0]: unknown layer 'dens'",
        "s.yaml:7: model.layers[1]: unknown layer 'flaten'",
    ]
    empty = faults(edited(BASE[BASE.index("  layers:") : BASE.index("loss:")], "  layers: []\n"))
    assert empty == ["s.yaml:5: model.layers: got a list of 0; expected a list of at least 1"]


def test_a_list_that_is_too_short_and_not_empty_is_a_fault() -> None:
    short = "loss:\n  categorical_focal_crossentropy: {class_weight: [3.0]}\nmetrics: []\n#"
    (found,) = faults(edited("loss: ", short))
    assert "class_weight: got a list of 1; expected a list of at least 2" in found


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        # What is missing, and what has another name.
        ("name: small\n", "", "1: name: it is missing; expected a value: names the folder of the reports; add 'name'"),
        ("loss:", "los:", f"11: los: unknown field 'los'; expected one of {SPEC_FIELDS}; did you mean 'loss'?"),
        (
            "dense: 2",
            "dense: {activation: relu}",
            "10: model.layers[4].dense.units: it is missing; expected a value: size of the output's last axis; "
            "add 'units'",
        ),
        ("dense: 2", "dense", "10: model.layers[4].dense.units: it is missing; "
         "expected a value: size of the output's last axis; add 'units'"),
        (
            "units: 5",
            "unitts: 5",
            f"9: model.layers[3].dense.unitts: unknown field 'unitts'; expected one of {FIELDS}; did you mean 'units'?",
        ),
        ("activation: relu", "activation: {relu: {slope: 2}}",
         "9: model.layers[3].dense.activation.relu.slope: unknown field 'slope'; expected no fields"),
        ("learning_rate: 1e-6", "lr: 1e-6", "12: optimizer.sgd.lr: unknown field 'lr'; "
         f"expected one of {SGD_FIELDS}; did you mean 'learning_rate'?"),
        # Entries.
        ("- flatten", "- flaten",
         f"7: model.layers[1]: unknown layer 'flaten'; expected one of {LAYERS}; did you mean 'flatten'?"),
        ("- flatten", "- Flatten",
         f"7: model.layers[1]: unknown layer 'Flatten'; expected one of {LAYERS}; did you mean 'flatten'?"),
        ("- flatten", "- 3",
         f"7: model.layers[1]: got 3; expected one of {LAYERS}, by name or as {{name: {{field: value}}}}"),
        ("- flatten", "-",
         f"7: model.layers[1]: got nothing; expected one of {LAYERS}, by name or as {{name: {{field: value}}}}"),
        ("- flatten", "- {flatten: , dense: 3}",
         f"7: model.layers[1]: got a mapping of 2; expected one of {LAYERS}, by name or as {{name: {{field: value}}}}"),
        ("- flatten", "- flatten: 3",
         "7: model.layers[1].flatten: got 3; expected a mapping of data_format, inputs, name, trainable"),
        ("activation: relu", "activation: rleu", "9: model.layers[3].dense.activation: unknown activation 'rleu'; "
         f"expected one of {ACTIVATIONS}; did you mean 'relu'?"),
        ("activation: relu", "bias_initializer: zero", "9: model.layers[3].dense.bias_initializer: "
         f"unknown initializer 'zero'; expected one of {INITIALIZERS}; did you mean 'zeros'?"),
        ("categorical_crossentropy", "crossentropy", "11: loss: unknown loss 'crossentropy'; expected one of "
         f"{LOSSES}; did you mean 'categorical_crossentropy'?"),
        ("{sgd: {learning_rate: 1e-6}}", "adamm",
         f"12: optimizer: unknown optimizer 'adamm'; expected one of {OPTIMIZERS}; did you mean 'adam'?"),
        # Values.
        ("units: 5", "units: ten", "9: model.layers[3].dense.units: got 'ten'; expected a whole number"),
        ("units: 5", "units: 5.5", "9: model.layers[3].dense.units: got 5.5; expected a whole number"),
        ("units: 5", 'units: "5"', "9: model.layers[3].dense.units: got '5'; expected a whole number"),
        ("units: 5", "units: true", "9: model.layers[3].dense.units: got true; expected a whole number"),
        ("units: 5", "units: [5]", "9: model.layers[3].dense.units: got a list of 1; expected a whole number"),
        ("units: 5", "units: 0", "9: model.layers[3].dense.units: got 0; expected a number greater than 0"),
        ("0.5", "1.5", "8: model.layers[2].dropout.rate: got 1.5; expected a number of at most 1"),
        ("0.5", "-0.1", "8: model.layers[2].dropout.rate: got -0.1; expected a number of at least 0"),
        ("0.5", "false", "8: model.layers[2].dropout.rate: got false; expected a number"),
        ("1e-6", ".nan", "12: optimizer.sgd.learning_rate: got nan; expected a finite number"),
        ("1e-6", ".inf", "12: optimizer.sgd.learning_rate: got inf; expected a finite number"),
        ("1e-6", '"1e-6"', "12: optimizer.sgd.learning_rate: got '1e-6'; expected a number"),
        ("units: 5", "units: 5, use_bias: yes",
         "9: model.layers[3].dense.use_bias: got 'yes'; expected true or false; "
         "write true: in YAML 1.2 yes is text"),
        ("units: 5", "units: 5, use_bias: 0", "9: model.layers[3].dense.use_bias: got 0; expected true or false"),
        ("source: leaf_like", "source: leaf_like, standardize: off",
         "2: data.standardize: got 'off'; expected true or false; write false: in YAML 1.2 off is text"),
        ("kernel_size: 3", "kernel_size: 3, padding: vlid",
         "6: model.layers[0].conv1d.padding: got 'vlid'; expected one of same, valid; did you mean 'valid'?"),
        ("kernel_size: 3", "kernel_size: 3, strides: 2, dilation_rate: 2", "6: model.layers[0].conv1d: "
         "strides > 1 with dilation_rate > 1, which Keras and TensorFlow refuse; set one to 1"),
        ("source: leaf_like", "source: leaf_like, transpose: [0, 2]",
         "2: data: transpose is [0, 2]; expected each of the axes 0 to 1 once, counted without the batch axis"),
        ("activation: relu", "kernel_initializer: {truncated_normal: {stddev: -1}}",
         "9: model.layers[3].dense.kernel_initializer.truncated_normal.stddev: got -1; "
         "expected a number greater than 0"),
        # Structure.
        ("[8, 3]", "8", "4: model.input: got 8; expected a list; write [8]"),
        ("[8, 3]", "[8, 3.5]", "4: model.input[1]: got 3.5; expected a whole number"),
        ("[8, 3]", "[]", "4: model.input: got a list of 0; expected a list of at least 1"),
        ("data: {source: leaf_like}", "data: leaf_like", "2: data: got 'leaf_like'; expected a mapping of "
         "one_hot, reshape, rows, sample_weights, scale, source, standardize, targets, transpose, validation_split, x, "
         "y"),
        ("name: small", "name: 3", "1: name: got 3; expected text; put it in quotes"),
        ("name: small", "name: 2026-01-02", "1: name: got the date 2026-01-02; expected text; put it in quotes"),
        ("name: small", "name: a b",
         "1: name: got 'a b'; expected letters, digits and _.-, a letter or digit first"),
        ("name: small", f"name: {'x' * 101}",
         f"1: name: got '{'x' * 56}...; expected text of at most 100 characters"),
        # Names and shapes.
        ("units: 5", "units: 5, name: 1a",
         "9: model.layers[3].dense.name: got '1a'; expected letters, digits and _, a letter first"),
        ("units: 5", "units: 5, name: class", "9: model.layers[3].dense.name: 'class' is a word of Python's own; "
         "expected a name that nothing else in the model has; say class_1"),
        ("[8, 3]", "[8]", "6: model.layers[0].conv1d: conv1d reads (length, channels), it is given (8,)"),
        ("[8, 3]", "[2, 8]", "6: model.layers[0].conv1d: conv1d with a window of 3 reads at least that length, "
         "it is given (2, 8): is 8 the length and 2 the channels?"),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_with_its_place_what_was_expected_and_a_way_out(old: str, new: str, says: str) -> None:
    assert faults(edited(old, new)) == [f"s.yaml:{says}"]


SIDE_FIELDS = (
    "changes, channels_first, cut, defaults, device, framework, inputs, l2_in_optimizer, loss, map, masks_ignored, "
    "model, optimizer, packages, padded, program, python, said_at, script"
)


@pytest.mark.parametrize(
    ("added", "says"),
    [
        ("metrics: accuracy", "metrics: got 'accuracy'; expected a list; write [accuracy]"),
        ("metrics: [acuracy]",
         f"metrics[0]: unknown metric 'acuracy'; expected one of {METRICS}; did you mean 'accuracy'?"),
        ("training: {batch_size: ten}", "training.batch_size: got 'ten'; expected a whole number"),
        ("training: {batch_size: true}", "training.batch_size: got true; expected a whole number"),
        ("training: {bs: 3}", "training.bs: unknown field 'bs'; expected one of batch_size, drop_remainder, epochs, "
         "initial_weights, random, seed, shuffle; did you mean 'batch_size'?"),
        ("training: {seed: -1}", "training.seed: got -1; expected a number of at least 0"),
        ("training: {seed: 9223372036854775808}", "training.seed: got 9223372036854775808; "
         "expected a number less than 9223372036854775808"),
        ("training: {shuffle: no}", "training.shuffle: got 'no'; expected true or false; "
         "write false: in YAML 1.2 no is text"),
        ("explain: {steps: yes}", "explain.steps: got 'yes'; expected a whole number"),
        ("3: x", "[3]: got 3; expected a name; put it in quotes"),
        ("sides: [keras]", "sides: got a list of 1; expected a mapping"),
        ("sides: {3: {framework: keras}}", "sides[3]: got 3; expected text; put it in quotes"),
        ("sides: {my side: {framework: keras}}",
         "sides.my side: got 'my side'; expected letters, digits and _.-, a letter or digit first"),
        ("sides: {a: keras}", "sides.a: got 'keras'; expected a mapping of " + SIDE_FIELDS),
        ("sides: {a: }", "sides.a: got nothing; expected a mapping of " + SIDE_FIELDS),
        ("sides: {a: {}}", "sides.a.framework: it is missing; expected a value: which framework runs it: "
         "keras, keras_2, keras_torch, tensorflow, tf_keras, torch; add 'framework'"),
        ("sides: {a: {framwork: keras}}", "sides.a.framwork: unknown field 'framwork'; "
         f"expected one of {SIDE_FIELDS}; did you mean 'framework'?"),
        ("sides: {a: {framework: pytorch}}", "sides.a.framework: got 'pytorch'; "
         "expected one of keras, keras_2, keras_torch, tensorflow, tf_keras, torch; did you mean 'torch'?"),
        ("sides: {a: {framework: [torch]}}",
         "sides.a.framework: got a list of 1; "
         "expected one of keras, keras_2, keras_torch, tensorflow, tf_keras, torch"),
        ("sides: {a: {framework: torch, defaults: natve}}",
         "sides.a.defaults: got 'natve'; expected one of native, parity; did you mean 'native'?"),
        ("sides: {a: {framework: torch, python: 3.12}}",
         "sides.a.python: got 3.12; expected text; put it in quotes"),
        ("sides: {a: {framework: torch, changes: [1]}}", "sides.a.changes: got a list of 1; expected a mapping"),
    ],
)  # fmt: skip
def test_a_fault_in_what_may_be_left_out_is_one_line_too(added: str, says: str) -> None:
    assert faults(f"{BASE}{added}\n") == [f"s.yaml:13: {says}"]


def test_two_layers_of_one_name_are_refused() -> None:
    text = edited("units: 5", "units: 5, name: a").replace("dense: 2", "dense: {units: 2, name: a}")
    assert faults(text) == [
        "s.yaml:10: model.layers[4].dense.name: a second layer is called 'a'; "
        "expected a name that nothing else in the model has"
    ]


def test_a_seed_may_be_as_large_as_the_generator_takes() -> None:
    assert parse_spec(f"{BASE}training: {{seed: {2**63 - 1}}}\n").training.seed == 2**63 - 1


# --------------------------------------------------------------------------------------- faults in changes


@pytest.mark.parametrize(
    ("change", "says"),
    [
        # Paths.
        ("lss: adam",
         f"lss: no section 'lss'; expected a path that starts with one of {SECTIONS}; did you mean 'loss'?"),
        ("model.layers.dense.units: 3", "model.layers.dense.units: no section 'model'; "
         f"expected a path that starts with one of {SECTIONS}; layers are reached as layers.NAME.FIELD"),
        ('"": 3', f": no section ''; expected a path that starts with one of {SECTIONS}"),
        ("layers: {}", "layers: no layer is named; "
         "expected layers.NAME.FIELD, layers.NAME: {FIELD: VALUE}, or a list of layers; "
         "the layers are conv1d, flatten, dropout, dense, dense_1"),
        ("layers.conv2d.padding: same", "layers.conv2d.padding: no layer matches 'conv2d'; "
         "expected one of conv1d, dense, dense_1, dropout, flatten; did you mean 'conv1d'?"),
        ("layers.lstm*.units: 3", "layers.lstm*.units: no layer matches 'lstm*'; "
         "expected one of conv1d, dense, dense_1, dropout, flatten"),
        ('"layers.{conv1d,dens}.use_bias": false', "layers.{conv1d,dens}.use_bias: no layer matches 'dens'; "
         "expected one of conv1d, dense, dense_1, dropout, flatten; did you mean 'dense'?"),
        ("layers.dense.unit: 3", "layers.dense.unit: dense has no field 'unit'; expected one of "
         f"{DENSE}; did you mean 'units'?"),
        ('"layers.dense*.rate": 3', "layers.dense*.rate: no layer that 'dense*' matches has a field 'rate'; "
         f"expected one of {DENSE}"),
        ("layers.dense.name: x", "layers.dense.name: a side cannot rename a layer; expected one name in every side; "
         "set it under model"),
        ("layers.dense: {units: 3, rate: 3}", "layers.dense.rate: dense has no field 'rate'; expected one of "
         f"{DENSE}"),
        ("layers.dense: 3", "layers.dense: got 3; expected a mapping of fields to values"),
        ("optimizer.lr: 3", "optimizer.lr: sgd has no field 'lr'; "
         f"expected one of {SGD_FIELDS}; did you mean 'learning_rate'?"),
        ("optimizer.beta_1: 0.5",
         f"optimizer.beta_1: sgd has no field 'beta_1'; expected one of {SGD_FIELDS}"),
        ("optimizer.momentum.x: 1", "optimizer.momentum.x: momentum is a value, it has no field 'x'; "
         "expected a path that ends in momentum"),
        ("layers.dense.kernel_initializer.stddev: 1", "layers.dense.kernel_initializer.stddev: "
         "glorot_uniform has no field 'stddev'; expected glorot_uniform as it is, it has no fields"),
        ("layers.dense.kernel_initializer.a.b: 1", "layers.dense.kernel_initializer.a.b: "
         "glorot_uniform has no field 'a'; expected glorot_uniform as it is, it has no fields"),
        ("metrics.accuracy: 1", "metrics.accuracy: metrics have no fields; expected metrics: a list; "
         "change the whole list"),
        ("layers.*.kernel_regularizer: l3", "layers.*.kernel_regularizer: unknown regularizer 'l3'; "
         "expected one of l1, l1_l2, l2"),
        ("layers.dense.kernel_regularizer.factor: 1", "layers.dense.kernel_regularizer.factor: kernel_regularizer is a "
         "value, it has no field 'factor'; expected a path that ends in kernel_regularizer"),
        ("optimizer.learning_rate: {cosin: {decay_steps: 1}}", "optimizer.learning_rate: unknown schedule 'cosin'; "
         f"expected one of {RATES}; did you mean 'cosine'?"),
        ("optimizer.learning_rate: [1]", "optimizer.learning_rate: got a list of 1; "
         f"expected one of {RATES}, by name or as {{name: {{field: value}}}}"),
        ("optimizer.learning_rate: {cosine: {initial_learning_rate: 1}}", "optimizer.learning_rate.cosine.decay_steps: "
         "it is missing; expected a value: steps from the initial rate to the last one; add 'decay_steps'"),
        ('optimizer.learning_rate: "1"', "optimizer.learning_rate: got '1'; "
         f"expected one of {RATES}, by name or as {{name: {{field: value}}}}"),
        ("optimizer.learning_rate: true", "optimizer.learning_rate: got true; expected a number"),
        ("layers.conv1d.kernel_constraint: {max_norm: {axis: -1}}", "layers.conv1d.kernel_constraint.max_norm.axis: "
         "got -1, expected an axis counted from 0 or a list of them"),
        ("layers.conv1d.kernel_constraint: {max_norm: {axis: 3}}", "layers.conv1d.kernel_constraint: kernel_constraint "
         "of conv1d: max_norm along axis 3, and there are 3 axes, counted from 0"),
        # Values.
        ("training.shuffle: 7", "training.shuffle: got 7; expected true or false"),
        ("training.batch_size: true", "training.batch_size: got true; expected a whole number"),
        ("training.batch_size: 0", "training.batch_size: got 0; expected a number greater than 0"),
        ("training: {batchsize: 3}", "training.batchsize: unknown field 'batchsize'; expected one of "
         "batch_size, drop_remainder, epochs, initial_weights, random, seed, shuffle; did you mean 'batch_size'?"),
        ("data: {sorce: x}", "data.sorce: unknown field 'sorce'; "
         "expected one of one_hot, reshape, rows, sample_weights, scale, source, standardize, targets, transpose, "
         "validation_split, x, y; "
         "did you mean 'source'?"),
        ("data.transpose: [0, 2]", "data.transpose: transpose is [0, 2]; "
         "expected each of the axes 0 to 1 once, counted without the batch axis"),
        ("loss: nll", f"loss: unknown loss 'nll'; expected one of {LOSSES}"),
        ("optimizer: {adam: {lr: 1}}", "optimizer.adam.lr: unknown field 'lr'; "
         f"expected one of {ADAM_FIELDS}; did you mean 'learning_rate'?"),
        ("layers.dense.units: ten", "layers.dense.units: got 'ten'; expected a whole number"),
        ("layers.dense.units: true", "layers.dense.units: got true; expected a whole number"),
        ("layers.dense: {units: true}", "layers.dense.units: got true; expected a whole number"),
        ('"layers.*.kernel_initializer": xyz', "layers.*.kernel_initializer: unknown initializer 'xyz'; "
         f"expected one of {INITIALIZERS}"),
        ('"layers.*.kernel_initializer": {truncated_normal: {stdev: 1}}',
         "layers.*.kernel_initializer.truncated_normal.stdev: unknown field 'stdev'; expected one of mean, stddev; "
         "did you mean 'stddev'?"),
        ("layers.dense: {kernel_initializer: {truncated_normal: {stddev: -1}}}",
         "layers.dense.kernel_initializer.truncated_normal.stddev: got -1; expected a number greater than 0"),
        ("metrics: [acuracy]", f"metrics[0]: unknown metric 'acuracy'; expected one of {METRICS}; "
         "did you mean 'accuracy'?"),
        ("layers.conv1d: {strides: 2, dilation_rate: 2}", "layers.conv1d: "
         "strides > 1 with dilation_rate > 1, which Keras and TensorFlow refuse; set one to 1"),
        # Shapes.
        ("layers.conv1d.kernel_size: 30", "layers.conv1d.kernel_size: "
         "conv1d with a window of 30 reads at least that length, it is given (8, 3)"),
    ],
)  # fmt: skip
def test_a_fault_in_a_change_has_the_line_of_the_change(change: str, says: str) -> None:
    assert faults(with_changes("training.seed: 1", change)) == [f"s.yaml:19: sides.b.changes.{says}"]


def test_a_change_whose_path_is_no_text_is_one_fault() -> None:
    assert faults(with_changes("3: 5")) == ["s.yaml:18: sides.b.changes[3]: got 3; expected text; put it in quotes"]


def test_every_faulty_change_is_told_and_a_right_one_beside_it_is_not() -> None:
    found = faults(with_changes("layers.dens.units: 3", "training.seed: 1", "training.epochs: 0", "los: x"))
    assert [line.split(": ")[0] for line in found] == ["s.yaml:18", "s.yaml:20", "s.yaml:21"]


def test_changes_are_checked_even_where_the_rest_is_faulty() -> None:
    text = with_changes("optimizer: adam", "optimizer.beta_1: 2", "layers.flatten.units: 3", "layers.dropout.rate: x")
    found = faults(text.replace("- flatten", "- flaten").replace("8, 3", "8, -3"))
    assert found == [
        "s.yaml:4: model.input[1]: got -3; expected a number greater than 0",
        f"s.yaml:7: model.layers[1]: unknown layer 'flaten'; expected one of {LAYERS}; did you mean 'flatten'?",
        "s.yaml:19: sides.b.changes.optimizer.beta_1: got 2; expected a number less than 1",
        "s.yaml:20: sides.b.changes.layers.flatten.units: no layer matches 'flatten'; "
        "expected one of conv1d, dense, dense_1, dropout, flaten; did you mean 'flaten'?",
        "s.yaml:21: sides.b.changes.layers.dropout.rate: got 'x'; expected a number",
    ]


def test_what_an_unknown_layer_would_have_taken_is_not_guessed() -> None:
    found = faults(with_changes("layers.flaten.units: 3").replace("- flatten", "- flaten"))
    assert found == [
        f"s.yaml:7: model.layers[1]: unknown layer 'flaten'; expected one of {LAYERS}; did you mean 'flatten'?"
    ]


def test_a_change_after_another_is_checked_against_what_that_one_made() -> None:
    spec = parse_spec(with_changes("optimizer: adam", "optimizer.beta_1: 0.5"))
    assert resolve(spec)[1].config.optimizer == Adam(beta_1=0.5)
    assert faults(with_changes("optimizer.beta_1: 0.5", "optimizer: adam"))[0].startswith("s.yaml:18: ")


def test_a_change_that_breaks_a_later_layer_is_blamed_for_it() -> None:
    text = edited("    - flatten\n", "    - conv1d: {filters: 4, kernel_size: 6}\n    - flatten\n")
    text = text.replace("[8, 3]", "[10, 3]")
    assert parse_spec(text)
    text += "sides: {a: {framework: keras, changes: {training.seed: 3, layers.conv1d.kernel_size: 8}}}\n"
    assert faults(text) == [
        "s.yaml:14: sides.a.changes.layers.conv1d.kernel_size: layer conv1d_1: "
        "conv1d with a window of 6 reads at least that length, it is given (3, 4)"
    ]


def test_faults_of_all_sides_are_told_at_once() -> None:
    text = BASE + "sides: {a: {framework: keras, changes: {los: x}}, b: {framework: torch, changes: {los: x}}}\n"
    assert [line.split(": ")[1] for line in faults(text)] == ["sides.a.changes.los", "sides.b.changes.los"]
    data, _ = parse_yaml(text, None)
    with pytest.raises(SpecError) as caught:
        resolve(Spec.model_validate(data))
    assert [fault.path for fault in caught.value.faults] == ["sides.a.changes.los", "sides.b.changes.los"]


# ---------------------------------------------------------------------------------------- words of a fault


def test_a_fault_leaves_out_what_it_does_not_know() -> None:
    assert str(Fault(path="loss", got="got 3")) == "loss: got 3"
    assert str(Fault(path="loss", got="got 3", expected="a name", fix="say so", line=4, file="f.yaml")) == (
        "f.yaml:4: loss: got 3; expected a name; say so"
    )


def test_faults_are_told_in_the_order_of_their_lines_and_those_without_come_last() -> None:
    error = SpecError(Fault(path=str(line), got="wrong", line=line) for line in (7, None, 2))
    assert str(error) == "2: 2: wrong\n7: 7: wrong\nNone: wrong"


@pytest.mark.parametrize(
    ("name", "near"),
    [("flaten", "flatten"), ("FLATTEN", "flatten"), ("lr", "learning_rate"), ("Bs", "batch_size"), ("xyz", None)],
)
def test_the_nearest_name_is_found_by_likeness_case_and_initials(name: str, near: str | None) -> None:
    assert nearest(name, ["dense", "flatten", "learning_rate", "batch_size"]) == near
    assert did_you_mean(name, ["dense", "flatten", "learning_rate", "batch_size"]) == (
        f"did you mean {near!r}?" if near else ""
    )


def test_the_nearest_name_is_given_as_it_is_written() -> None:
    assert nearest("adagrad", ["Adam", "AdaGrad"]) == "AdaGrad"


def test_long_lists_of_choices_are_cut() -> None:
    assert listed("cab") == "one of a, b, c"
    assert listed("cab", most=2) == "one of a, b (and 1 more)"
    assert listed([]) == "nothing"


# --------------------------------------------------------------------------------------------- JSON Schema


@cache
def schema() -> dict[str, Any]:
    """Return the schema, made when first asked for: that takes seconds."""
    return json_schema()


def refused(text: str) -> bool:
    data, _ = parse_yaml(text, None)
    return not Draft202012Validator(schema()).is_valid(data)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_schema_takes_the_specs_of_the_gallery(path: Path) -> None:
    data, _ = parse_yaml(path.read_text(encoding="utf-8"), None)
    Draft202012Validator(schema()).validate(data)
    Draft202012Validator(schema()).validate(load_spec(path).model_dump(mode="json"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("- flatten", "- flaten"),
        ("- flatten", "- flatten: 3"),
        ("- flatten", "- {flatten: , dense: 3}"),
        ("dense: 2", "dense"),
        ("dense: 2", "dense: -2"),
        ("dense: 2", "dense: ten"),
        ("units: 5", "units: true"),
        ("units: 5", "unit: 5"),
        ("units: 5", "units: 5, use_bias: yes"),
        ("activation: relu", "activation: rleu"),
        ("activation: relu", "kernel_initializer: {truncated_normal: {stddev: 0}}"),
        ("0.5", "1.5"),
        ("name: small", "name: a b"),
        ("name: small\n", ""),
        ("loss: categorical_crossentropy", "loss: [categorical_crossentropy]"),
        ("loss:", "metrics: accuracy\nloss:"),
        ("loss:", "sides: {a: {framework: jax}}\nloss:"),
        ("loss:", "seed: 3\nloss:"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(old: str, new: str) -> None:
    text = edited(old, new)
    assert not refused(BASE)
    assert faults(text)
    assert refused(text)


@pytest.mark.parametrize(
    "layer",
    ["dense: 3", "dense: {units: 3, activation: relu}", "dense: {units: 3, activation: {relu: }}", "flatten:",
     "flatten: {}", "dropout: 0.5", "dropout: {rate: 0.5}", "activation: softmax", "activation: {function: softmax}",
     "dense: {units: 3.0, bias_initializer: {constant: 2}, kernel_initializer: {truncated_normal: }}"],
)  # fmt: skip
def test_the_schema_takes_every_short_form_that_the_loader_takes(layer: str) -> None:
    text = edited("dense: 2", layer)
    assert parse_spec(text)
    assert not refused(text)


def test_the_schema_explains_every_field() -> None:
    bare = [
        f"{owner}.{name}"
        for owner, model in [("spec", schema()), *schema()["$defs"].items()]
        for name, field in model.get("properties", {}).items()
        if "description" not in field and name not in {kind for found in FAMILIES.values() for kind in found}
    ]
    assert not bare


@pytest.mark.parametrize("entry", [entry for found in FAMILIES.values() for entry in found.values()])
def test_a_scalar_field_of_an_entry_takes_nothing_that_only_looks_like_its_kind(entry: type[Entry]) -> None:
    required: Mapping[str, Any] = {
        "units": 1, "filters": 1, "kernel_size": 1, "rate": 0.5, "function": "relu",
    }  # fmt: skip
    known = {name: value for name, value in required.items() if name in entry.model_fields}
    for name, field in entry.model_fields.items():
        kinds = scalars(field.annotation)
        wrong = {bool: ("yes", 0, 1), int: (True, "1"), float: (True, "1.0")}
        for value in (value for kind, values in wrong.items() if kind in kinds for value in values):
            with pytest.raises(ValidationError, match=re.escape(name)):
                entry.model_validate({**known, name: value})
