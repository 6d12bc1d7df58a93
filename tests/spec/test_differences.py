"""Differences: which there are, how they are grouped and split, which are inert, and that mixing follows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_differences import assert_all_is_the_other_side_and_none_is_this_one, paths
from hypothesis import assume, given
from hypothesis import strategies as st

from parity.catalog import ACTIVATIONS
from parity.data.section import DataSpec
from parity.initializers.constant import Constant
from parity.initializers.fan_in_uniform import FanInUniform
from parity.initializers.glorot_uniform import GlorotUniform
from parity.initializers.truncated_normal import TruncatedNormal
from parity.initializers.zeros import Zeros
from parity.losses.categorical_crossentropy import CategoricalCrossentropy
from parity.losses.sigmoid_crossentropy import SigmoidCrossentropy
from parity.metrics.accuracy import Accuracy
from parity.ops.activation import ActivationOp
from parity.ops.conv1d import Conv1D
from parity.ops.dense import Dense
from parity.ops.dropout import Dropout
from parity.ops.flatten import Flatten
from parity.optimizers.adam import Adam
from parity.optimizers.sgd import SGD
from parity.run.randomness import batches
from parity.spec.differences import Difference, differences, mixed
from parity.spec.load import build_spec, load_spec
from parity.spec.paths import at
from parity.spec.resolve import Resolved, changed, resolve
from parity.spec.sections import Config, ModelSpec, SideSpec, Spec, TrainingSpec

LEAF = Path(__file__).resolve().parents[2] / "specs" / "leaf.yaml"


def resolved(config: Config, name: str = "a", changes: Mapping[str, Any] = {}) -> Resolved:
    sides = {name: SideSpec(framework="keras", changes=dict(changes))}
    return resolve(Spec(name="test", sides=sides, **{key: getattr(config, key) for key in Config.model_fields}))[0]


def network(*layers: Any, shape: tuple[int, ...] = (8, 3), **sections: Any) -> Config:
    told = {"loss": CategoricalCrossentropy(), "optimizer": SGD(), "data": DataSpec(source="leaf_like"), **sections}
    return Config(model=ModelSpec(input=shape, layers=layers), **told)


def pair(config: Config, changes: Mapping[str, Any]) -> tuple[Resolved, Resolved]:
    """Return a config as it is and with changes."""
    return resolved(config), resolved(config, "b", changes)


def told(found: list[Difference]) -> list[tuple[str, str, str]]:
    return [(one.path, one.a, one.b) for one in found]


# ---------------------------------------------------------------------------------------------------- leaf


def test_the_leaf_programs_differ_in_exactly_eleven_places_and_padding_is_inert() -> None:
    a, b = resolve(load_spec(LEAF))
    normal, default, tensorflow = "truncated_normal(mean=0.0, stddev=1.0)", "parity default", "side tensorflow"
    inert = "with kernel_size 1 and strides 1, 'same' pads nothing"
    sgd = "sgd(momentum=0.9, nesterov=true, decay=1e-06)"
    adam = "adam(beta_1=0.9, beta_2=0.999, epsilon=1e-08, epsilon_place=before_correction)"
    wanted = [
        ("layers.conv1d.padding", "valid", "same", default, tensorflow, inert),
        ("layers.*.kernel_initializer", "glorot_uniform", normal, default, tensorflow, ""),
        ("layers.*.bias_initializer", "zeros", normal, default, tensorflow, ""),
        ("layers.dropout.rate", "0.4", "0.6", "spec", tensorflow, ""),
        ("layers.logits.use_bias", "true", "false", default, tensorflow, ""),
        ("loss", "categorical_crossentropy", "sigmoid_crossentropy", "spec", tensorflow, ""),
        ("loss.from_logits", "false", "true", default, tensorflow, ""),
        ("optimizer", sgd, adam, "spec", tensorflow, ""),
        ("optimizer.learning_rate", "0.01", "0.001", "spec", tensorflow, ""),
        ("training.shuffle", "true", "false", "spec", tensorflow, ""),
        ("training.drop_remainder", "false", "true", default, tensorflow, ""),
    ]
    found = differences(a, b, rows=990)
    assert [(one.path, one.a, one.b, one.a_origin, one.b_origin, one.reason) for one in found] == wanted
    assert [one.path for one in found if one.inert] == ["layers.conv1d.padding"]
    kernels = found[1]
    assert kernels.layers == ("conv1d", "dense", "dense_1", "logits")
    assert kernels.paths == tuple(f"layers.{name}.kernel_initializer" for name in kernels.layers)


# ------------------------------------------------------------------------------------- grouping, splitting


THREE = network(Flatten(), Dense(units=4), Dense(units=4), Dense(units=2, name="logits"))


@pytest.mark.parametrize(
    ("changes", "path", "layers"),
    [
        ({"layers.dense.units": 5}, "layers.dense.units", ("dense",)),
        ({"layers.dense*.units": 5}, "layers.{dense,dense_1}.units", ("dense", "dense_1")),
        ({"layers.{logits,dense}.activation": "relu"}, "layers.{dense,logits}.activation", ("dense", "logits")),
        ({"layers.*.use_bias": False}, "layers.*.use_bias", ("dense", "dense_1", "logits")),
    ],
)
def test_the_same_change_on_many_layers_is_one_difference(
    changes: dict[str, Any], path: str, layers: tuple[str, ...]
) -> None:
    a, b = pair(THREE, changes)
    (one,) = differences(a, b)
    assert (one.path, one.layers) == (path, layers)
    assert one.paths == tuple(f"layers.{name}.{path.rpartition('.')[2]}" for name in layers)


def test_another_name_alone_is_a_difference_of_names() -> None:
    a, b = (network(Flatten(), Dense(units=4, name=name), Dense(units=4, name=f"{name}_2")) for name in ("one", "two"))
    assert told(differences(resolved(a), resolved(b, "b"))) == [
        ("layers.{one,one_2,two,two_2}", "dense named one, dense named one_2", "dense named two, dense named two_2")
    ]


def test_another_change_on_another_layer_is_another_difference() -> None:
    a, b = pair(THREE, {"layers.*.units": 5, "layers.dense_1.units": 6})
    assert told(differences(a, b)) == [("layers.dense.units", "4", "5"), ("layers.dense_1.units", "4", "6"),
                                       ("layers.logits.units", "2", "5")]  # fmt: skip


def test_the_same_change_from_another_start_is_another_difference() -> None:
    first = network(Flatten(), Dense(units=4, kernel_initializer="zeros"), Dense(units=4))
    a, b = pair(first, {"layers.*.kernel_initializer": "fan_in_uniform"})
    assert told(differences(a, b)) == [
        ("layers.dense.kernel_initializer", "zeros", "fan_in_uniform"),
        ("layers.dense_1.kernel_initializer", "glorot_uniform", "fan_in_uniform"),
    ]


def test_a_field_of_a_nested_entry_is_a_difference_of_its_own() -> None:
    normal = TruncatedNormal(stddev=0.1)
    start = network(Flatten(), Dense(units=4, kernel_initializer=normal), Dense(units=4, kernel_initializer=normal))
    a, b = pair(start, {"layers.*.kernel_initializer.stddev": 0.2})
    assert told(differences(a, b)) == [("layers.*.kernel_initializer.stddev", "0.1", "0.2")]


def test_a_change_of_kind_is_split_from_the_fields_both_kinds_have() -> None:
    a, b = pair(
        THREE, {"optimizer": Adam(learning_rate=0.5, beta_1=0.8), "loss": SigmoidCrossentropy(from_logits=True)}
    )
    assert told(differences(a, b)) == [
        ("loss", "categorical_crossentropy", "sigmoid_crossentropy"),
        ("loss.from_logits", "false", "true"),
        ("optimizer", "sgd(momentum=0.0, nesterov=false, decay=0.0)",
         "adam(beta_1=0.8, beta_2=0.999, epsilon=1e-07, epsilon_place=before_correction)"),
        ("optimizer.learning_rate", "0.01", "0.5"),
    ]  # fmt: skip
    same_rate = pair(THREE, {"optimizer": Adam(learning_rate=0.01)})
    assert [one.path for one in differences(*same_rate)] == ["optimizer"]


def test_differences_come_in_the_order_of_the_sections() -> None:
    changes = {"metrics": ["accuracy"], "training.epochs": 2, "optimizer.momentum": 0.5, "loss.from_logits": True,
               "layers.dense.units": 3, "data.rows": 5}  # fmt: skip
    assert [one.path for one in differences(*pair(THREE, changes))] == list(reversed(changes))


def test_a_whole_section_that_says_the_same_is_no_difference() -> None:
    a, b = pair(THREE, {"training": {"seed": 0}, "optimizer": {"sgd": {"momentum": 0}}, "loss": THREE.loss})
    assert differences(a, b) == []
    assert b.origin("training.seed") == "side b"


# --------------------------------------------------------------------------------------------------- inert


def reasons(config: Config, changes: Mapping[str, Any], rows: int | None = None) -> dict[str, str]:
    return {one.path: one.reason for one in differences(*pair(config, changes), rows)}


@pytest.mark.parametrize(
    ("conv", "reason"),
    [
        ({"kernel_size": 1}, "with kernel_size 1 and strides 1, 'same' pads nothing"),
        ({"kernel_size": 1, "strides": 3}, "with kernel_size 1 and strides 3, 'same' pads nothing"),
        # Windows of 2 at every fourth of 8 + 2: the second starts at 4 and ends within.
        ({"kernel_size": 2, "strides": 4}, "with kernel_size 2 and strides 4, 'same' pads nothing"),
        ({"kernel_size": 2}, ""),
        ({"kernel_size": 3, "strides": 2}, ""),
        ({"kernel_size": 2, "dilation_rate": 2}, ""),
    ],
)
def test_padding_is_inert_where_it_pads_nothing(conv: dict[str, int], reason: str) -> None:
    config = network(Conv1D(filters=2, **conv), Flatten(), Dense(units=2))
    assert reasons(config, {"layers.conv1d.padding": "same"}) == {"layers.conv1d.padding": reason}


def test_padding_is_not_inert_when_one_of_the_layers_it_changes_pads() -> None:
    config = network(Conv1D(filters=2, kernel_size=1), Conv1D(filters=2, kernel_size=3), Flatten(), Dense(units=2))
    assert reasons(config, {"layers.*.padding": "same"}) == {"layers.*.padding": ""}


def test_padding_is_not_inert_when_the_other_side_has_a_window_that_needs_it() -> None:
    config = network(Conv1D(filters=2, kernel_size=1), Flatten(), Dense(units=2))
    both = {"layers.conv1d.padding": "same", "layers.conv1d.kernel_size": 3}
    assert set(reasons(config, both).values()) == {""}


def test_the_start_of_a_bias_that_no_side_has_is_inert() -> None:
    config = network(Flatten(), Dense(units=2, use_bias=False))
    path = "layers.dense.bias_initializer"
    assert reasons(config, {path: {"constant": 1}}) == {path: "neither side has the bias"}
    assert reasons(config, {path: {"constant": 1}, "layers.dense.use_bias": True})[path] == ""
    assert reasons(network(Flatten(), Dense(units=2)), {path: {"constant": 1}}) == {path: ""}


def test_dropping_the_last_batch_is_inert_when_it_is_full() -> None:
    config = network(Flatten(), Dense(units=2), training=TrainingSpec(batch_size=16))
    path = "training.drop_remainder"
    assert reasons(config, {path: True}, rows=160) == {path: "160 rows fill every batch"}
    assert reasons(config, {path: True}, rows=161) == {path: ""}
    assert reasons(config, {path: True}) == {path: ""}, "the number of rows is not known"
    assert reasons(config, {path: True, "training.batch_size": 7}, rows=160)[path] == "", "160 is no multiple of 7"


def test_metrics_are_inert() -> None:
    assert reasons(THREE, {"metrics": ["accuracy"]}) == {"metrics": "metrics are reported, nothing is trained by them"}


CONVS = st.builds(
    Conv1D,
    filters=st.integers(1, 2),
    kernel_size=st.integers(1, 4),
    strides=st.integers(1, 4),
    padding=st.sampled_from(["valid", "same"]),
    use_bias=st.booleans(),
    activation=st.sampled_from(["linear", "relu", "tanh"]),
)


@given(CONVS, st.integers(4, 9), st.randoms(use_true_random=False))
def test_padding_that_is_called_inert_changes_no_bit_and_padding_that_is_not_changes_something(
    op: Conv1D, length: int, random: Any
) -> None:
    other = "same" if op.padding == "valid" else "valid"
    changed_op = op.replace(padding=other)
    rng = np.random.default_rng(random.randrange(2**32))
    x = rng.uniform(1, 2, size=(2, length, 3))
    p = {name: rng.uniform(1, 2, size=one.shape) for name, one in op.parameters((length, 3)).items()}
    before, after = op.forward(x, p), changed_op.forward(x, p)
    assert np.array_equal(before, after) is bool(op.inert("padding", other, (length, 3)))
    if op.inert("padding", other, (length, 3)):
        dy = rng.normal(size=before.shape)
        (dx, dp), (changed_dx, changed_dp) = op.vjp(x, p, dy), changed_op.vjp(x, p, dy)
        assert np.array_equal(dx, changed_dx)
        assert all(np.array_equal(dp[name], changed_dp[name]) for name in dp)


@given(st.integers(1, 60), st.integers(1, 20), st.booleans())
def test_a_remainder_that_is_called_inert_leaves_every_batch_as_it_was(rows: int, size: int, shuffle: bool) -> None:
    assume(rows >= size)
    config = network(Flatten(), Dense(units=2), training=TrainingSpec(batch_size=size, shuffle=shuffle))
    inert = bool(reasons(config, {"training.drop_remainder": True}, rows)["training.drop_remainder"])
    kept, dropped = (list(islice(batches(3, rows, size, shuffle, drop), 50)) for drop in (False, True))
    assert inert is all(np.array_equal(one, two) for one, two in zip(kept, dropped, strict=True))


# --------------------------------------------------------------------------------------- pairs of any kind


INITIALIZERS = st.one_of(
    st.sampled_from([Zeros(), GlorotUniform(), FanInUniform()]),
    st.builds(TruncatedNormal, mean=st.sampled_from([0.0, 1.0]), stddev=st.sampled_from([0.05, 1.0])),
    st.builds(Constant, value=st.sampled_from([0.0, 1.0])),
)
STARTS = {"kernel_initializer": INITIALIZERS, "bias_initializer": INITIALIZERS, "use_bias": st.booleans()}
ACTIVATED = st.sampled_from([entry() for entry in ACTIVATIONS.values()])
LAYERS = {
    "conv1d": st.builds(
        Conv1D, filters=st.integers(1, 2), kernel_size=st.integers(1, 3), strides=st.integers(1, 2),
        padding=st.sampled_from(["valid", "same"]), activation=ACTIVATED, **STARTS,
    ),
    "flatten": st.just(Flatten()),
    "dropout": st.builds(Dropout, rate=st.sampled_from([0.0, 0.5])),
    "activation": st.builds(ActivationOp, function=ACTIVATED),
    "dense": st.builds(Dense, units=st.integers(1, 2), activation=ACTIVATED, **STARTS),
}  # fmt: skip
SHARED = {"from_logits": st.booleans(), "recover_logits": st.booleans()}
RATES = st.sampled_from([0.01, 0.1])
SECTIONS = {
    "data": st.builds(DataSpec, source=st.sampled_from(["leaf_like", "digits"]), rows=st.sampled_from([None, 9])),
    "loss": st.one_of(st.builds(CategoricalCrossentropy, **SHARED), st.builds(SigmoidCrossentropy, **SHARED)),
    "optimizer": st.one_of(
        st.builds(SGD, learning_rate=RATES, momentum=st.sampled_from([0.0, 0.9]), nesterov=st.booleans()),
        st.builds(Adam, learning_rate=RATES, beta_1=st.sampled_from([0.8, 0.9])),
    ),
    "training": st.builds(
        TrainingSpec, batch_size=st.sampled_from([4, 8]), shuffle=st.booleans(), drop_remainder=st.booleans()
    ),
    "metrics": st.sampled_from([(), (Accuracy(),)]),
}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Resolved, Resolved]:
    """Return two sides with the same layers, whose every field is drawn on its own."""
    after = st.lists(st.sampled_from(["activation", "dense", "dropout"]), max_size=4)
    kinds = ["conv1d"] * draw(st.integers(0, 2)) + ["flatten"] + draw(after)
    first, second = (
        resolved(
            network(*(draw(LAYERS[kind]) for kind in kinds), **{name: draw(one) for name, one in SECTIONS.items()}),
            name,
        )
        for name in ("a", "b")
    )
    return first, second


@given(pairs())
def test_taking_all_gives_the_other_side_and_taking_none_leaves_this_one(both: tuple[Resolved, Resolved]) -> None:
    assert_all_is_the_other_side_and_none_is_this_one(*both)


@given(pairs(), st.data())
def test_what_is_taken_is_no_difference_any_more_and_what_is_not_still_is(
    both: tuple[Resolved, Resolved], data: st.DataObject
) -> None:
    a, b = both
    found = differences(a, b)
    taken = data.draw(st.sets(st.sampled_from(range(len(found))))) if found else set()
    between = replace(a, config=mixed(a.config, b.config, paths([found[index] for index in taken])))
    assert told(differences(between, b)) == told([one for index, one in enumerate(found) if index not in taken])
    assert paths(differences(a, between)) == paths([found[index] for index in taken])


@given(pairs(), st.data())
def test_taking_one_path_takes_away_exactly_that_path(both: tuple[Resolved, Resolved], data: st.DataObject) -> None:
    a, b = both
    all_paths = paths(differences(a, b))
    assume(all_paths)
    one = data.draw(st.sampled_from(sorted(all_paths)))
    between = replace(a, config=mixed(a.config, b.config, {one}))
    assert paths(differences(between, b)) == all_paths - {one}
    assert paths(differences(a, between)) == {one}


@given(pairs())
def test_differences_are_the_same_from_either_side(both: tuple[Resolved, Resolved]) -> None:
    a, b = both
    forth, back = differences(a, b, 16), differences(b, a, 16)
    assert [(one.paths, one.a, one.b, one.inert) for one in forth] == [
        (one.paths, one.b, one.a, one.inert) for one in back
    ]


@given(pairs())
def test_a_difference_can_be_written_as_a_change(both: tuple[Resolved, Resolved]) -> None:
    a, b = both
    for one in differences(a, b):
        value = at(b.config, one.paths[0])
        if type(value) is not type(at(a.config, one.paths[0])) and hasattr(value, "kind"):
            continue  # A change of kind as a whole also brings the fields that both kinds have.
        assert changed(a, {one.path: value}, "a test").config == mixed(a.config, b.config, set(one.paths))


@given(pairs(), st.randoms(use_true_random=False))
def test_no_difference_that_is_called_inert_moves_a_forward_pass(both: tuple[Resolved, Resolved], random: Any) -> None:
    a, b = both
    inert = paths([one for one in differences(a, b) if one.inert and one.layers])
    for side, other in (both, (b, a)):
        between = replace(side, config=mixed(side.config, other.config, inert))
        x = np.random.default_rng(random.randrange(2**32)).uniform(size=(2, 8, 3))
        one, two = forward(side, x), forward(between, x)
        assert np.array_equal(one, two)


def forward(side: Resolved, x: np.ndarray) -> np.ndarray:
    """Return the outputs of a network in evaluation, from parameters that only names and shapes decide."""
    for layer in side.layers():
        rng = np.random.default_rng(len(layer.name))
        p = {name: rng.uniform(size=one.shape) for name, one in sorted(layer.parameters.items())}
        x = layer.op.forward(x, p)
    return x


def test_regularizers_constraints_and_schedules_are_differences_like_others() -> None:
    model = {"input": [4, 4, 2], "layers": [{"conv2d": {"filters": 2, "kernel_size": 3}}, "flatten", {"dense": 3}]}
    cosine = {"cosine": {"initial_learning_rate": 0.1, "decay_steps": 9}}
    spec = build_spec({
        "name": "held", "data": {"source": "rows.npz"}, "model": model, "loss": "mse", "optimizer": "sgd",
        "sides": {
            "a": {"framework": "keras", "changes": {"layers.dense": {"use_bias": False}}},
            "b": {"framework": "torch", "changes": {
                "layers.*.kernel_regularizer": "l2", "layers.conv2d.kernel_constraint": {"max_norm": 3},
                "layers.conv2d.kernel_size": 2, "optimizer.learning_rate": cosine,
                "layers.dense": {"use_bias": False, "bias_regularizer": "l2"},
            }},
        },
    })  # fmt: skip
    a, b = resolve(spec)
    found = {one.path: (one.a, one.b, one.reason) for one in differences(a, b)}
    assert found == {
        "layers.*.kernel_regularizer": ("none", "l2", ""),
        "layers.conv2d.kernel_constraint": ("none", "max_norm(max_value=3.0)", ""),
        "layers.conv2d.kernel_size": ("[3, 3]", "[2, 2]", ""),
        "layers.dense.bias_regularizer": ("none", "l2", "neither side has the bias"),
        "optimizer.learning_rate": ("0.01", "cosine(initial_learning_rate=0.1, decay_steps=9)", ""),
    }
    paths = {path for one in differences(a, b) for path in one.paths}
    assert mixed(a.config, b.config, paths) == b.config
    assert mixed(a.config, b.config, set()) == a.config
