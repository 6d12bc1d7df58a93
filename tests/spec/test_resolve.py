"""Resolving: names, changes by pattern and path, and where every value came from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers_frameworks import FRAMEWORKS
from hypothesis import given
from hypothesis import strategies as st

from parity.activations.softmax import Softmax
from parity.catalog import INITIALIZERS
from parity.errors import SpecError, listed
from parity.frameworks import title_of
from parity.initializers.constant import Constant
from parity.initializers.fan_in_uniform import FanInUniform
from parity.initializers.glorot_uniform import GlorotUniform
from parity.initializers.truncated_normal import TruncatedNormal
from parity.initializers.zeros import Zeros
from parity.losses.sigmoid_crossentropy import SigmoidCrossentropy
from parity.metrics.accuracy import Accuracy
from parity.ops.conv1d import Conv1D
from parity.ops.dense import Dense
from parity.optimizers.adam import Adam
from parity.optimizers.sgd import SGD
from parity.spec.load import load_spec, parse_spec
from parity.spec.paths import alternatives, at, auto_names, matching, set_path, split, walk
from parity.spec.plain import dump
from parity.spec.resolve import DEFAULT, Resolved, changed, resolve
from parity.spec.sections import Config, SideSpec, Spec

LEAF = Path(__file__).resolve().parents[2] / "specs" / "leaf.yaml"

SMALL = """\
name: small
data: {source: leaf_like, standardize: true}
model:
  input: [8, 3]
  layers:
    - conv1d: {filters: 4, kernel_size: 3, kernel_initializer: {truncated_normal: {mean: 0.5}}}
    - flatten
    - dropout: 0.5
    - dense: {units: 5, activation: relu}
    - dense: {units: 2, name: logits}
loss: categorical_crossentropy
optimizer: {sgd: {learning_rate: 0.1}}
"""


def spec(text: str = SMALL) -> Spec:
    return parse_spec(text)


def side(changes: Mapping[str, Any] = {}, **fields: Any) -> Resolved:
    """Return one side of the small spec, resolved."""
    told = SideSpec(**{"framework": "keras", **fields, "changes": dict(changes)})
    return resolve(spec().model_copy(update={"sides": {"b": told}}))[0]


def layer(resolved: Resolved, name: str) -> Any:
    return at(resolved.config, f"layers.{name}")


def refusal(resolved: Resolved, changes: Mapping[str, Any]) -> list[str]:
    with pytest.raises(SpecError) as caught:
        changed(resolved, changes, "a test")
    return str(caught.value).splitlines()


# -------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        ([("dense", None), ("dense", None), ("flatten", None)], ["dense", "dense_1", "flatten"]),
        ([("dense", None), ("dense", "a"), ("dense", None)], ["dense", "a", "dense_1"]),
        # A name given later in the model is not taken by a layer before it.
        ([("dense", None), ("dense", "dense"), ("dense", None)], ["dense_1", "dense", "dense_2"]),
        ([("dense", "dense_1"), ("dense", None), ("dense", None)], ["dense_1", "dense", "dense_2"]),
        ([], []),
    ],
)  # fmt: skip
def test_layers_without_a_name_are_counted_as_keras_counts_them(kinds: list[Any], names: list[str]) -> None:
    assert auto_names(kinds) == names


NAMES = st.sampled_from(["dense", "dense_1", "dense_2", "flatten", "a"])


@given(st.lists(st.tuples(st.sampled_from(["dense", "flatten", "a"]), st.none() | NAMES), max_size=8))
def test_no_two_layers_get_one_name_unless_they_were_given_it(kinds: list[tuple[str, str | None]]) -> None:
    names = auto_names(kinds)
    given_names = [name for _, name in kinds if name]
    made = [name for name, (_, said) in zip(names, kinds, strict=True) if not said]
    assert len(set(made)) == len(made)
    assert not set(made) & set(given_names)
    assert [name for name, (_, said) in zip(names, kinds, strict=True) if said] == given_names


def test_layers_know_their_shapes_and_parameters_by_name() -> None:
    layers = side().layers()
    assert [one.name for one in layers] == ["conv1d", "flatten", "dropout", "dense", "logits"]
    assert [one.output_shape for one in layers] == [(6, 4), (24,), (24,), (5,), (2,)]
    assert [one.input_shape for one in layers] == [(8, 3), (6, 4), (24,), (24,), (5,)]
    assert {name: one.shape for name, one in side().parameters().items()} == {
        "conv1d.kernel": (3, 3, 4), "conv1d.bias": (4,), "dense.kernel": (24, 5), "dense.bias": (5,),
        "logits.kernel": (5, 2), "logits.bias": (2,),
    }  # fmt: skip
    assert "logits.bias" not in side({"layers.logits.use_bias": False}).parameters()


# --------------------------------------------------------------------------------------------------- paths


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("loss", ["loss"]),
        ("training.batch_size", ["training", "batch_size"]),
        ("layers.{a,b}.kernel_initializer.stddev", ["layers", "{a,b}", "kernel_initializer", "stddev"]),
        ("layers.{dense*,a}", ["layers", "{dense*,a}"]),
        ("", []),
    ],
)
def test_a_path_is_split_at_its_dots(path: str, parts: list[str]) -> None:
    assert split(path) == parts


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*", ["conv1d", "dense", "dense_1", "logits"]),
        ("dense*", ["dense", "dense_1"]),
        ("dense", ["dense"]),
        ("dense_?", ["dense_1"]),
        ("{logits, conv1d}", ["conv1d", "logits"]),
        ("{dense*,logits}", ["dense", "dense_1", "logits"]),
        ("Dense", []),
        ("", []),
    ],
)
def test_a_pattern_means_layers_in_their_own_order(pattern: str, names: list[str]) -> None:
    assert matching(pattern, ["conv1d", "dense", "dense_1", "logits"]) == names


def test_a_list_of_patterns_has_its_parts() -> None:
    assert alternatives("{a, b*}") == ["a", "b*"]
    assert alternatives("a") == ["a"]


# ------------------------------------------------------------------------------------------------- changes


def test_a_change_reaches_every_layer_that_matches_and_has_the_field() -> None:
    resolved = side({"layers.*.use_bias": False})
    assert [layer(resolved, name).use_bias for name in ("conv1d", "dense", "logits")] == [False] * 3
    assert layer(resolved, "flatten") == layer(side(), "flatten")


@pytest.mark.parametrize(
    ("pattern", "units"),
    [("*", (7, 7)), ("d*", (7, 2)), ("{dense,logits}", (7, 7)), ("logits", (5, 7)), ("l?g*", (5, 7))],
)
def test_a_pattern_says_which_layers_change(pattern: str, units: tuple[int, int]) -> None:
    resolved = side({f"layers.{pattern}.units": 7})
    assert (layer(resolved, "dense").units, layer(resolved, "logits").units) == units


def test_a_path_reaches_into_a_nested_entry() -> None:
    resolved = side({"layers.conv1d.kernel_initializer.stddev": 2})
    assert layer(resolved, "conv1d").kernel_initializer == TruncatedNormal(mean=0.5, stddev=2.0)


def test_several_fields_of_a_layer_are_changed_at_once() -> None:
    resolved = side({"layers.logits": {"activation": "softmax", "use_bias": False}})
    assert layer(resolved, "logits") == Dense(units=2, name="logits", activation=Softmax(), use_bias=False)
    # Each is right only together with the other: a stride and a dilation above 1 exclude each other.
    strided = side({"layers.conv1d.strides": 2})
    dilated = changed(strided, {"layers.conv1d": {"dilation_rate": 2, "strides": 1}}, "a test")
    assert (layer(dilated, "conv1d").strides, layer(dilated, "conv1d").dilation_rate) == (1, 2)


def test_a_field_of_an_entry_can_be_set_beside_the_entry_itself() -> None:
    fields = {"kernel_initializer": "truncated_normal", "kernel_initializer.stddev": 3}
    assert layer(side({"layers.dense": fields}), "dense").kernel_initializer == TruncatedNormal(stddev=3.0)


def test_changes_are_made_one_after_another() -> None:
    assert side({"optimizer": "adam", "optimizer.beta_1": 0.5}).config.optimizer == Adam(beta_1=0.5)
    assert side({"training.epochs": 4, "training": {"batch_size": 8}}).config.training.epochs == 1
    both = side({"layers.*.units": 9, "layers.logits.units": 3})
    assert (layer(both, "dense").units, layer(both, "logits").units) == (9, 3)


def test_a_whole_section_or_one_of_its_fields_is_changed() -> None:
    resolved = side(
        {"loss": {"sigmoid_crossentropy": {"from_logits": True}}, "optimizer.momentum": 0.9, "data.rows": 10,
         "metrics": ["accuracy"]}
    )  # fmt: skip
    assert resolved.config.loss == SigmoidCrossentropy(from_logits=True)
    assert resolved.config.optimizer == SGD(learning_rate=0.1, momentum=0.9)
    assert resolved.config.data.rows == 10
    assert resolved.config.data.standardize
    assert resolved.config.metrics == (Accuracy(),)


def test_a_change_may_be_an_object() -> None:
    assert side({"optimizer": Adam(beta_1=0.5)}) == side({"optimizer": {"adam": {"beta_1": 0.5}}})


SHAPED = "data: {source: leaf_like, reshape: [3, 64], transpose: [1, 0]}"


@pytest.mark.parametrize(
    ("changes", "reshape", "transpose"),
    [
        # Each alone is wrong beside the old value of the other, or of the third.
        ({"data.reshape": [192], "data.transpose": None}, (192,), None),
        ({"data.transpose": None, "data.reshape": [192]}, (192,), None),
        ({"data.reshape": [192], "data.transpose": [0]}, (192,), (0,)),
        ({"data.reshape": [4, 4, 12], "training.seed": 3, "data.transpose": [2, 1, 0]}, (4, 4, 12), (2, 1, 0)),
    ],
)
def test_changes_that_are_right_only_together_are_made_together(
    changes: dict[str, Any], reshape: tuple[int, ...], transpose: tuple[int, ...] | None
) -> None:
    (shaped,) = resolve(spec(SMALL.replace("data: {source: leaf_like, standardize: true}", SHAPED)), ("keras",))
    found = changed(shaped, changes, "a test")
    assert (found.config.data.reshape, found.config.data.transpose) == (reshape, transpose)
    assert {found.origin(path) for path in changes} == {"a test"}
    assert found.origin("data.source") == "spec"
    assert found.config.training.seed == changes.get("training.seed", 0)


def test_changes_that_are_wrong_together_too_are_all_told() -> None:
    (shaped,) = resolve(spec(SMALL.replace("data: {source: leaf_like, standardize: true}", SHAPED)), ("keras",))
    assert refusal(shaped, {"data.reshape": [192], "training.seed": 3, "data.transpose": [0, 1, 2]}) == [
        "data.reshape: transpose names 2 axes, but reshape [192] has 1; name each axis of a reshaped row once",
        "data.transpose: transpose names 3 axes, but reshape [3, 64] has 2; name each axis of a reshaped row once",
    ]


def test_nothing_else_changes() -> None:
    before, after = side(), side({"layers.dense.kernel_initializer": "zeros"})
    kept = {path: part for path, part in walk(before.config) if not path.startswith("layers.dense")}
    assert kept == {path: part for path, part in walk(after.config) if not path.startswith("layers.dense")}
    assert layer(after, "dense") == layer(before, "dense").model_copy(update={"kernel_initializer": Zeros()})
    assert before == side(), "the side that was changed is as it was"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"layers.dens.units": 3}, "layers.dens.units: no layer matches 'dens'; "
         "expected one of conv1d, dense, dropout, flatten, logits; did you mean 'dense'?"),
        ({"layers.dense.units": -3}, "layers.dense.units: got -3; expected a number greater than 0"),
        ({"layers.dense.units": True}, "layers.dense.units: got true; expected a whole number"),
        ({"layers.*.strides": 2, "layers.*.dilation_rate": 2}, "layers.*.dilation_rate: strides > 1 with "
         "dilation_rate > 1, which Keras and TensorFlow refuse; set one to 1"),
        ({"layers.conv1d.kernel_initializer.std": 1}, "layers.conv1d.kernel_initializer.std: truncated_normal has no "
         "field 'std'; expected one of mean, stddev"),
        ({"layers.*.kernel_initializer.stddev": 1}, "layers.*.kernel_initializer.stddev: glorot_uniform has no field "
         "'stddev'; expected glorot_uniform as it is, it has no fields"),
        ({"layers.*.bias_initializer": SGD()}, "layers.*.bias_initializer: unknown initializer 'sgd'; "
         f"expected {listed(INITIALIZERS)}"),
        ({"layers.conv1d.filters": 1, "layers.conv1d.kernel_size": 9}, "layers.conv1d.kernel_size: "
         "conv1d with a window of 9 reads at least that length, it is given (8, 3)"),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_made_is_a_fault_at_its_path(changes: dict[str, Any], says: str) -> None:
    assert refusal(side(), changes) == [says]


def test_all_faults_of_the_changes_are_told() -> None:
    found = refusal(side(), {"los": 1, "training.seed": 3, "training.epochs": 0, "layers.x.units": 1})
    assert [line.split(": ")[0] for line in found] == ["los", "training.epochs", "layers.x.units"]


def test_set_path_says_where_it_put_the_value() -> None:
    config, touched = set_path(side().config, "layers.{dense,logits}.bias_initializer", {"constant": 1})
    assert touched == ["layers.dense.bias_initializer", "layers.logits.bias_initializer"]
    assert at(config, "layers.logits.bias_initializer") == Constant(value=1.0)
    assert at(config, "layers.logits.bias_initializer.value") == 1.0
    assert set_path(config, "training.seed", 3)[1] == ["training.seed"]


# ------------------------------------------------------------------------------------------------- origins


def told(resolved: Resolved) -> dict[str, str]:
    """Return the origin of every field of every part, by path."""
    return {
        f"{path}.{name}": resolved.origin(f"{path}.{name}")
        for path, part in walk(resolved.config)
        for name in type(part).model_fields
        if name != "name"
    }


def test_what_the_spec_says_and_what_it_leaves_to_parity() -> None:
    origins = told(side())
    said = {path for path, origin in origins.items() if origin == "spec"}
    assert said == {
        "data.source",
        "data.standardize",
        "optimizer.learning_rate",
        "layers.conv1d.filters",
        "layers.conv1d.kernel_size",
        "layers.conv1d.kernel_initializer",
        "layers.conv1d.kernel_initializer.mean",
        "layers.dropout.rate",
        "layers.dense.units",
        "layers.dense.activation",
        "layers.logits.units",
    }
    assert {origin for path, origin in origins.items() if path not in said} == {DEFAULT}
    assert side().origin("loss") == "spec"
    assert side().origin("metrics") == DEFAULT


def test_what_a_side_changes_is_its_own_and_nothing_else_moves() -> None:
    changes = {"layers.*.bias_initializer": "zeros", "training.shuffle": False, "optimizer.learning_rate": 0.2}
    before, after = told(side()), told(side(changes))
    assert {path: origin for path, origin in after.items() if origin != before[path]} == {
        "layers.conv1d.bias_initializer": "side b",
        "layers.dense.bias_initializer": "side b",
        "layers.logits.bias_initializer": "side b",
        "training.shuffle": "side b",
        "optimizer.learning_rate": "side b",
    }


def test_what_a_changed_entry_leaves_unsaid_is_a_default_again() -> None:
    changes = {"optimizer": {"adam": {"beta_1": 0.5}}, "layers.dense.kernel_initializer": {"truncated_normal": None}}
    resolved = side(changes)
    assert resolved.origin("optimizer") == "side b"
    assert resolved.origin("optimizer.beta_1") == "side b"
    assert resolved.origin("optimizer.beta_2") == DEFAULT
    assert resolved.origin("layers.dense.kernel_initializer") == "side b"
    assert resolved.origin("layers.dense.kernel_initializer.stddev") == DEFAULT


def test_a_later_change_names_itself() -> None:
    resolved = changed(side({"training.seed": 3}), {"training.epochs": 2}, "--set")
    assert (resolved.origin("training.seed"), resolved.origin("training.epochs")) == ("side b", "--set")
    assert changed(resolved, {"training.seed": 4}, "--set").origin("training.seed") == "--set"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_native_defaults_fill_only_what_nobody_says(framework: str) -> None:
    plain, native = side(framework=framework), side(framework=framework, defaults="native")
    own = f"{title_of(framework)} default"
    for path, origin in told(native).items():
        assert origin == told(plain).get(path, origin) or origin == own
        if origin != own and not path.endswith("_initializer"):
            assert at(native.config, path) == at(plain.config, path), path
    # Every difference of a framework's own defaults is there, with its origin.
    for path, part in walk(plain.config):
        for name, value in getattr(type(part), "native", {}).get(framework, {}).items():
            if told(plain)[f"{path}.{name}"] == DEFAULT:
                found = at(native.config, f"{path}.{name}")
                assert getattr(found, "kind", found) == value
                assert native.origin(f"{path}.{name}") == own


def test_pytorch_starts_and_batches_its_own_way_when_asked() -> None:
    native = side(framework="torch", defaults="native")
    assert layer(native, "dense").kernel_initializer == FanInUniform()
    assert native.origin("layers.dense.kernel_initializer") == "PyTorch default"
    assert layer(native, "dense").bias_initializer == FanInUniform()
    assert native.config.training.batch_size == 1
    assert native.origin("training.batch_size") == "PyTorch default"
    # The spec says which initializer the convolution has, and its mean; the rest is PyTorch's.
    assert layer(native, "conv1d").kernel_initializer == TruncatedNormal(mean=0.5, stddev=1.0)
    assert native.origin("layers.conv1d.kernel_initializer") == "spec"
    assert native.origin("layers.conv1d.kernel_initializer.mean") == "spec"
    assert native.origin("layers.conv1d.kernel_initializer.stddev") == "PyTorch default"
    assert layer(side(framework="torch"), "dense").kernel_initializer == GlorotUniform()


def test_native_defaults_also_fill_what_a_change_brings() -> None:
    changes = {"optimizer": {"adam": {"learning_rate": 0.01}}, "training.batch_size": 8}
    native = side(changes, framework="torch", defaults="native")
    assert native.config.optimizer == Adam(learning_rate=0.01, epsilon=1e-8, epsilon_place="after_correction")
    assert native.origin("optimizer.learning_rate") == "side b"
    assert native.origin("optimizer.epsilon") == "PyTorch default"
    assert native.origin("optimizer.beta_1") == DEFAULT
    assert native.config.training.batch_size == 8
    assert native.origin("training.batch_size") == "side b"
    assert side(changes, framework="torch").config.optimizer == Adam(learning_rate=0.01)


# --------------------------------------------------------------------------------------------------- sides


def test_without_sides_every_installed_framework_runs_the_same_config() -> None:
    found = resolve(spec(), ("keras", "torch"))
    assert [(one.name, one.framework) for one in found] == [("keras", "keras"), ("torch", "torch")]
    assert found[0].config == found[1].config
    assert resolve(spec()) == []


def test_sides_keep_their_order_name_and_interpreter() -> None:
    told_sides = {"z": SideSpec(framework="torch", python="/opt/py"), "a": SideSpec(framework="keras")}
    found = resolve(spec().model_copy(update={"sides": told_sides}), ("tensorflow",))
    assert [(one.name, one.framework, one.python) for one in found] == [("z", "torch", "/opt/py"), ("a", "keras", None)]


def test_a_resolved_config_is_resolved_again_to_itself() -> None:
    for resolved in resolve(load_spec(LEAF)):
        again = Spec(name="again", **{name: getattr(resolved.config, name) for name in Config.model_fields})
        assert resolve(again, (resolved.framework,))[0].config == resolved.config


def test_a_dump_says_every_field_of_every_part() -> None:
    data = dump(side().config)
    (kind, sgd), *_ = data["optimizer"].items()
    assert (kind, set(sgd)) == ("sgd", set(SGD.model_fields))
    assert (sgd["learning_rate"], sgd["nesterov"], sgd["clipnorm"]) == (0.1, False, None)
    conv = data["model"]["layers"][0]["conv1d"]
    assert set(conv) == set(Conv1D.model_fields)
    assert conv["kernel_initializer"] == {"truncated_normal": {"mean": 0.5, "stddev": 0.05}}
    assert data["metrics"] == []
