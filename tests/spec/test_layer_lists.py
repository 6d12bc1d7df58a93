"""Sides of different layers: how changes say so, what is aligned with what, which differences come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from helpers_differences import assert_all_is_the_other_side_and_none_is_this_one, paths
from hypothesis import assume, given
from hypothesis import strategies as st

from parity.compile.emit import compile_side
from parity.errors import SpecError
from parity.explain.contest import ImpossibleError, contest, split
from parity.ops import Op
from parity.ops.activation import ActivationOp
from parity.ops.batch_norm import BatchNorm
from parity.ops.conv1d import Conv1D
from parity.ops.dense import Dense
from parity.ops.dropout import Dropout
from parity.ops.flatten import Flatten
from parity.ops.max_pooling1d import MaxPooling1D
from parity.spec.align import align, names_like
from parity.spec.differences import Difference, differences, mixed
from parity.spec.load import build_spec, parse_spec
from parity.spec.resolve import Resolved, resolve

LAYERS: list[Any] = [
    {"conv1d": {"filters": 4, "kernel_size": 3}},
    {"conv1d": {"filters": 4, "kernel_size": 3}},
    "max_pooling1d",
    {"dropout": 0.2},
    "flatten",
    {"dense": {"units": 6, "activation": "relu"}},
    {"dropout": 0.5},
    {"dense": {"units": 2, "name": "logits"}},
]
NAMES = ["conv1d", "conv1d_1", "max_pooling1d", "dropout", "flatten", "dense", "dropout_1", "logits"]


def spec_of(changes: Mapping[str, Any], layers: list[Any] = LAYERS, shape: tuple[int, ...] = (12, 3)) -> dict[str, Any]:
    return {
        "name": "lists", "data": {"source": "rows.npz"}, "model": {"input": list(shape), "layers": layers},
        "loss": "mse", "optimizer": "sgd",
        "sides": {"a": {"framework": "keras"}, "b": {"framework": "torch", "changes": dict(changes)}},
    }  # fmt: skip


def pair(changes: Mapping[str, Any], **how: Any) -> tuple[Resolved, Resolved]:
    a, b = resolve(build_spec(spec_of(changes, **how)))
    return a, b


def names(side: Resolved) -> list[str]:
    return [layer.name for layer in side.layers()]


def told(found: list[Difference]) -> list[tuple[str, str, str]]:
    return [(one.path, one.a, one.b) for one in found]


# ------------------------------------------------------------------------------------------------- the syntax


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"layers.dropout": None}, [name for name in NAMES if name != "dropout"]),
        ({"layers.dropout*": None}, [name for name in NAMES if not name.startswith("dropout")]),
        ({"layers.{dense,dropout_1}": None}, [*NAMES[:5], "logits"]),
        ({"layers.flatten.after": "batch_norm"}, [*NAMES[:5], "batch_norm", *NAMES[5:]]),
        ({"layers.flatten.before": "batch_norm"}, [*NAMES[:4], "batch_norm", *NAMES[4:]]),
        ({"layers.conv1d*.after": {"dropout": 0.1}},
         ["conv1d", "dropout_2", "conv1d_1", "dropout_3", *NAMES[2:]]),
        ({"layers.logits.before": [{"dense": 3}, {"dropout": {"rate": 0.1, "name": "late"}}]},
         [*NAMES[:7], "dense_1", "late", "logits"]),
        ({"layers.dropout.after": "batch_norm", "layers.dropout": None}, [*NAMES[:3], "batch_norm", *NAMES[4:]]),
        ({"layers.flatten.after": {"dense": 5}, "layers.dense_1.units": 7}, [*NAMES[:5], "dense_1", *NAMES[5:]]),
        ({"layers": ["flatten", {"dense": {"units": 9, "activation": "relu"}}]}, ["flatten", "dense"]),
        # Of two dense layers it is the last that has as many units.
        ({"layers": ["flatten", {"dense": 2}, {"dense": {"units": 2, "name": "own"}}]}, ["flatten", "logits", "own"]),
    ],
)  # fmt: skip
def test_a_change_inserts_removes_and_replaces_layers(changes: dict[str, Any], expected: list[str]) -> None:
    a, b = pair(changes)
    assert names(a) == NAMES
    assert names(b) == expected


def test_what_a_layer_list_says_comes_from_the_side_and_what_it_leaves_out_is_the_default() -> None:
    _, b = pair({"layers": ["flatten", {"dense": {"units": 2}}], "layers.*.use_bias": False})
    name = names(b)[1]
    assert b.origin(f"layers.{name}.units") == b.origin("layers.flatten") == "side b"
    assert b.origin(f"layers.{name}.activation") == "parity default"
    assert b.origin("layers.conv1d") == "side b", "it is that side that has none"


def test_native_defaults_reach_layers_that_a_change_brings() -> None:
    spec = spec_of({"layers.flatten.after": {"dense": 3}})
    spec["sides"]["b"]["defaults"] = "native"
    _, b = resolve(build_spec(spec))
    (dense,) = [layer.op for layer in b.layers() if layer.name == "dense_1"]
    assert dense.kernel_initializer.kind == "fan_in_uniform"  # type: ignore[attr-defined]
    assert b.origin("layers.dense_1.kernel_initializer") == "PyTorch default"


YAML = """\
name: s
data: {source: rows.npz}
model:
  input: [12, 3]
  layers:
    - conv1d: {filters: 4, kernel_size: 3}
    - flatten
    - dense: 2
loss: mse
optimizer: sgd
sides:
  a: {framework: keras}
  b:
    framework: torch
    changes:
"""


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        ("layers.conv1d.after: {dens: 3}", 16,
         "sides.b.changes.layers.conv1d.after: unknown layer 'dens'; expected one of"),
        ("layers.conv1d.after: []", 16, "sides.b.changes.layers.conv1d.after: an empty list; expected a layer, or"),
        ("layers.conv2d.after: flatten", 16, "sides.b.changes.layers.conv2d.after: no layer matches 'conv2d'"),
        ("layers.conv1d: {after: flatten}", 16,
         "sides.b.changes.layers.conv1d.after: after among fields; expected a change of its own, layers.conv1d.after"),
        ("layers.*: null", 16, "sides.b.changes.layers.*: no layer is left; expected a network of at least one layer"),
        ("layers: []", 16, "sides.b.changes.layers: an empty list"),
        ("layers: 3", 16, "sides.b.changes.layers: no layer is named"),
        ("layers.dense.after: {dense: {units: 2, name: flatten}}", 16,
         "sides.b.changes.layers.dense.after: a second layer is called 'flatten'"),
        ("layers.flatten.after: {conv1d: {filters: 2, kernel_size: 2}}", 16,
         "sides.b.changes.layers.flatten.after: conv1d reads (length, channels), it is given (40,)"),
        ("layers:\n        - flatten\n        - max_pooling1d", 18,
         "sides.b.changes.layers[1]: max_pooling1d reads (length, channels), it is given (36,)"),
        ("layers:\n        - flatten\n        - dense: {unit: 3}", 18,
         "sides.b.changes.layers[1].dense.unit: unknown field 'unit'"),
        ("layers.conv1d: null\n      layers.flatten: null\n      layers.dense.before: {max_pooling1d: 40}", 18,
         "sides.b.changes.layers.dense.before: max_pooling1d with a window of 40"),
    ],
)  # fmt: skip
def test_a_fault_in_a_change_of_layers_has_its_line(change: str, line: int, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(f"{YAML}      {change}\n", "s.yaml")
    (fault,) = caught.value.faults
    assert str(fault).startswith(f"s.yaml:{line}: {says}")


def test_faults_elsewhere_do_not_make_a_changed_list_faulty() -> None:
    text = YAML.replace("loss: mse", "loss: mes") + "      layers: [flatten, {dense: {units: 2, name: last}}]\n"
    with pytest.raises(SpecError) as caught:
        parse_spec(text + "      layers.last.units: 3\n", "s.yaml")
    (fault,) = caught.value.faults
    assert "unknown loss 'mes'" in str(fault)


# ------------------------------------------------------------------------------------------------ the alignment


def test_of_equal_alignments_the_one_that_pairs_earliest_is_taken() -> None:
    same = lambda one, other: int(one == other)  # noqa: E731 - a score in a line
    assert align("aXa", "a", same) == [("a", "a"), ("X", None), ("a", None)]
    assert align("aXa", "Ya", same) == [(None, "Y"), ("a", "a"), ("X", None), ("a", None)]
    assert align("ab", "ba", same) == [("a", None), ("b", "b"), (None, "a")]
    assert align("", "xy", same) == [(None, "x"), (None, "y")]


def named(*ops: Op) -> list[Op]:
    return [op.replace(name=name) for op, name in zip(ops, "pqrstuvw", strict=False)]


@pytest.mark.parametrize(
    ("known", "layers", "expected"),
    [
        # By kind and place.
        ([Dense(units=1), Flatten(), Dense(units=2)], [Dense(units=9), Flatten()], ["p", "q"]),
        # The one with more fields in common.
        ([Dense(units=1, activation="relu"), Dense(units=2)], [Dense(units=2)], ["q"]),
        # Two pairs are better than one that fits better.
        ([Dense(units=1), Dense(units=2)], [Dense(units=2), Dense(units=3)], ["p", "q"]),
        # A name that is said outweighs kinds, and nothing else may take it.
        ([Dense(units=1), Dense(units=2)], [Dense(units=2, name="p"), Dense(units=3)], ["p", "q"]),
        ([Dense(units=1), Dense(units=2)], [Dense(units=9), Dense(units=1, name="p")], ["dense", "p"]),
        # New ones are counted on.
        ([Flatten()], [Dropout(rate=0.1), Flatten(), Dropout(rate=0.1)], ["dropout", "p", "dropout_1"]),
    ],
)
def test_layers_take_the_names_of_those_they_stand_for(known: list[Op], layers: list[Op], expected: list[str]) -> None:
    assert names_like(named(*known), layers) == expected


# ---------------------------------------------------------------------------------------------- the differences


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"layers.dropout": None}, [("layers.dropout", "dropout(rate=0.2)", "absent")]),
        ({"layers.max_pooling1d.after": "batch_norm"}, [("layers.batch_norm", "absent", "batch_norm")]),
        # The same on many layers is one.
        ({"layers.conv1d*.after": {"batch_norm": {"momentum": 0.5}}},
         [("layers.{batch_norm,batch_norm_1}", "absent", "batch_norm(momentum=0.5)")]),
        # Another kind in the same place.
        ({"layers.max_pooling1d.after": {"conv1d": {"filters": 4, "kernel_size": 2, "strides": 2}},
          "layers.max_pooling1d": None},
         [("layers.{max_pooling1d,conv1d_2}", "max_pooling1d", "conv1d(kernel_size=2, strides=2, filters=4)")]),
        # A block: what has weights, and what follows it without any.
        ({"layers.dense": None, "layers.dropout_1": None},
         [("layers.{dense,dropout_1}", "dense(activation=relu, units=6), dropout(rate=0.5)", "absent")]),
        # What has no weights and follows no block is a difference of its own.
        ({"layers.max_pooling1d": None, "layers.dropout": None},
         [("layers.max_pooling1d", "max_pooling1d", "absent"), ("layers.dropout", "dropout(rate=0.2)", "absent")]),
        # A list says the same.
        ({"layers": [*LAYERS[:3], *LAYERS[4:]]}, [("layers.dropout", "dropout(rate=0.2)", "absent")]),
        ({"layers": [*LAYERS[:2], {"dropout": 0.3}, *LAYERS[4:]]},
         [("layers.max_pooling1d", "max_pooling1d", "absent"), ("layers.dropout.rate", "0.2", "0.3")]),
        # Of the same name and another kind.
        ({"layers": [*LAYERS[:3], {"batch_norm": {"name": "dropout"}}, *LAYERS[4:]]},
         [("layers.dropout", "dropout(rate=0.2)", "batch_norm")]),
        # Moved.
        ({"layers": [*LAYERS[:2], {"dropout": {"rate": 0.2, "name": "dropout"}},
                     {"max_pooling1d": {"name": "max_pooling1d"}}, *LAYERS[4:]]},
         [("layers.max_pooling1d", "max_pooling1d", "max_pooling1d")]),
        # It does nothing.
        ({"layers.dropout.after": {"dropout": 0.0}}, [("layers.dropout_2", "absent", "dropout(rate=0.0)")]),
    ],
)  # fmt: skip
def test_layers_that_come_go_or_change_are_differences(changes: Mapping[str, Any], expected: Any) -> None:
    a, b = pair(changes)
    assert told(differences(a, b)) == expected


def test_a_layer_that_hands_on_what_it_is_given_is_inert_unless_it_ends_the_model() -> None:
    inside = differences(*pair({"layers.dropout.after": {"dropout": 0.0}}))
    end = differences(*pair({"layers.logits.after": {"dropout": 0.0}}))
    live = differences(*pair({"layers.dropout.after": {"dropout": 0.1}}))
    assert [one.reason for one in (*inside, *end, *live)] == ["it hands on what it is given", "", ""]


def test_layers_that_cannot_go_alone_are_one_difference() -> None:
    # Without its convolution the pool has too little to read; without both there is enough for the next layer.
    layers = [{"max_pooling1d": 4}, {"conv1d": {"filters": 3, "kernel_size": 1}}, "flatten", {"dense": 2}]
    small = [{"max_pooling1d": {"pool_size": 2, "name": name}} for name in ("p", "q")]
    a, b = pair({"layers.conv1d.before": small, "layers.max_pooling1d": None}, layers=layers, shape=(4, 3))
    (one,) = differences(a, b)
    assert one.path == "layers.{max_pooling1d,p,q}"
    assert (one.a, one.b) == ("max_pooling1d(pool_size=4)", "max_pooling1d, max_pooling1d")


def test_a_new_end_goes_with_what_makes_its_shape_right() -> None:
    # 2 -> 5 -> 2: either of the two new layers alone would end in another shape than both sides have.
    a, b = pair({"layers.logits.after": [{"dropout": 0.1}, {"dense": 5}, {"dense": {"units": 2, "name": "last"}}]})
    assert told(differences(a, b)) == [
        ("layers.dropout_2", "absent", "dropout(rate=0.1)"),
        ("layers.{dense_1,last}", "absent", "dense(units=5), dense(units=2)"),
    ]


def test_both_directions_name_the_same_differences() -> None:
    a, b = pair({"layers": [LAYERS[0], "batch_norm", "flatten", {"dense": {"units": 2, "name": "logits"}}]})
    forth, back = differences(a, b), differences(b, a)
    assert {(one.path, one.a, one.b) for one in forth} == {(one.path, one.b, one.a) for one in back}
    assert {one.a for one in forth if one.path == "layers.batch_norm"} == {"absent"}


def test_a_trial_that_no_network_can_be_is_impossible() -> None:
    layers = [{"conv1d": {"filters": 3, "kernel_size": 4}}, {"dropout": 0.1}, "flatten", {"dense": 2}]
    changes = {"layers.dropout.after": {"max_pooling1d": 3}, "layers.dropout": None, "layers.conv1d.kernel_size": 2}
    a, b = pair(changes, layers=layers, shape=(4, 3))
    arena = contest(a, b, differences(a, b))
    pool = next(one for one in arena.live if "max_pooling1d" in one.path)
    with pytest.raises(ImpossibleError, match="max_pooling1d with a window of 3"):
        arena.config_of(frozenset({pool.path}))
    assert arena.config_of(arena.everything) == b.config


STEPS: list[Any] = [
    {"conv1d": {"filters": 4, "kernel_size": 2, "padding": "same"}}, "batch_norm", "max_pooling1d",
    {"conv1d": {"filters": 4, "kernel_size": 2, "padding": "same"}}, "max_pooling1d", "flatten", {"dense": 2},
]  # fmt: skip


def test_a_pool_that_goes_while_the_convolution_beside_it_takes_over_its_step_is_one_difference_with_it() -> None:
    a, b = pair({"layers.max_pooling1d*": None, "layers.conv1d*.strides": 2}, layers=STEPS)
    (one,) = differences(a, b)
    assert one.path == "layers.{conv1d,max_pooling1d,conv1d_1,max_pooling1d_1}"
    assert set(one.paths) == {"layers.conv1d.strides", "layers.max_pooling1d", "layers.conv1d_1.strides",
                              "layers.max_pooling1d_1"}  # fmt: skip
    assert one.a == "conv1d with strides 1, max_pooling1d (2 times)"
    assert one.b == "conv1d with strides 2 (2 times)"


def test_a_group_of_layers_can_be_split_into_them() -> None:
    a, b = pair({"layers.max_pooling1d*": None, "layers.conv1d*.strides": 2, "layers.flatten.after": [
        {"dense": 3}, {"dropout": 0.1}]}, layers=STEPS)  # fmt: skip
    found = differences(a, b)
    assert [len(one.values) for one in found] == [4, 2]
    parts = split(found, [one.path for one in found])
    assert [(one.path, one.a, one.b, one.layers) for one in parts] == [
        ("layers.conv1d.strides", "1", "2", ("conv1d",)),
        ("layers.max_pooling1d", "max_pooling1d", "absent", ("max_pooling1d",)),
        ("layers.conv1d_1.strides", "1", "2", ("conv1d_1",)),
        ("layers.max_pooling1d_1", "max_pooling1d", "absent", ("max_pooling1d_1",)),
        ("layers.dense_1", "absent", "dense(units=3)", ("dense_1",)),
        ("layers.dropout", "absent", "dropout(rate=0.1)", ("dropout",)),
    ]
    assert mixed(a.config, b.config, paths(parts)) == b.config


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # Not the step of a pool of 2.
        ({"layers.max_pooling1d": None, "layers.conv1d.strides": 3}, ["layers.conv1d.strides", "layers.max_pooling1d"]),
        # No pool goes.
        ({"layers.conv1d.strides": 2}, ["layers.conv1d.strides"]),
        # The one beside it, not the next.
        ({"layers.max_pooling1d_1": None, "layers.conv1d.strides": 2},
         ["layers.conv1d.strides", "layers.max_pooling1d_1"]),
        # The one behind it, where the one ahead does not change.
        ({"layers.max_pooling1d": None, "layers.conv1d_1.strides": 2}, ["layers.{max_pooling1d,conv1d_1}"]),
        # A pool that comes where a convolution steps less is the same, the other way round.
        ({"layers.max_pooling1d_1": None, "layers.conv1d_1.strides": 2}, ["layers.{conv1d_1,max_pooling1d_1}"]),
    ],
)  # fmt: skip
def test_a_step_is_taken_over_only_where_the_windows_go_as_far_on_both_sides(
    changes: dict[str, Any], expected: list[str]
) -> None:
    a, b = pair(changes, layers=STEPS)
    forth, back = differences(a, b), differences(b, a)
    assert [one.path for one in forth] == expected
    assert [(one.path, one.b, one.a) for one in back] == [(one.path, one.a, one.b) for one in forth]
    assert mixed(a.config, b.config, paths(forth)) == b.config


# ------------------------------------------------------------------------------------------------- any two lists


ANY = {
    "conv1d": st.builds(Conv1D, filters=st.integers(1, 2), kernel_size=st.integers(1, 2), padding=st.just("same")),
    "pool": st.builds(MaxPooling1D, pool_size=st.integers(1, 2), padding=st.just("same")),
    "norm": st.builds(BatchNorm, scale=st.booleans()),
    "dropout": st.builds(Dropout, rate=st.sampled_from([0.0, 0.5])),
    "activation": st.builds(ActivationOp, function=st.sampled_from(["relu", "linear"])),
    "dense": st.builds(Dense, units=st.integers(1, 3)),
}
"""Layers that read any (length, channels)."""

NAMED = st.sampled_from([None, None, None, "one", "two"])


@st.composite
def lists(draw: st.DrawFn) -> list[Op]:
    """Return a list of layers, some of them named."""
    kinds = draw(st.lists(st.sampled_from(sorted(ANY)), max_size=6))
    layers, taken = [], set()
    for kind in kinds:
        name = draw(NAMED)
        layers.append(draw(ANY[kind]).replace(name=None if name in taken else name))
        taken.add(name)
    return [*layers, Flatten(), Dense(units=2)]


@st.composite
def sides(draw: st.DrawFn) -> tuple[Resolved, Resolved]:
    """Return two sides, the second with another list of layers."""
    spec = spec_of({"layers": draw(lists())}, layers=draw(lists()))
    a, b = resolve(build_spec(spec))
    return a, b


@given(sides())
def test_taking_all_gives_the_other_side_and_taking_none_leaves_this_one(both: tuple[Resolved, Resolved]) -> None:
    assert_all_is_the_other_side_and_none_is_this_one(*both)


@given(sides(), st.data())
def test_any_subset_is_a_network_with_just_these_differences_or_impossible(
    both: tuple[Resolved, Resolved], data: st.DataObject
) -> None:
    a, b = both
    found = differences(a, b)
    assume(found)
    taken = data.draw(st.sets(st.sampled_from(range(len(found)))))
    arena = contest(a, b, [replace(one, reason="") for one in found])
    try:
        config = arena.config_of(frozenset(found[index].path for index in taken))
    except ImpossibleError:
        assert 0 < len(taken) < len(found)
        return
    chosen = paths([found[index] for index in taken])
    between = replace(a, config=config)
    assert between.layers()[-1].output_shape == (2,)
    assert len({layer.name for layer in between.layers()}) == len(between.layers())
    assert mixed(config, b.config, paths(found)) == b.config
    assert mixed(config, a.config, chosen) == a.config


@given(sides())
def test_no_two_differences_have_a_path_in_common(both: tuple[Resolved, Resolved]) -> None:
    found = differences(*both)
    every = [path for one in found for path in one.paths]
    assert len(every) == len(set(every))
    assert len({one.path for one in found}) == len(found)


# --------------------------------------------------------------------------------------------------------- masks


@pytest.mark.parametrize("framework", ["keras", "tensorflow", "torch"])
def test_a_layer_that_both_sides_have_takes_the_same_masks(framework: str) -> None:
    a, b = (replace(side, framework=framework) for side in pair({"layers.dropout": None}))
    assert compile_side(a, name="x", formatted=False).bindings.masks == (0, 1)
    program = compile_side(b, name="x", formatted=False)
    assert program.bindings.masks == (1,)
    assert "MASKS = (1,)" in program.source
    assert "counter=[0, 0, MASKS[call], step]" in program.source
    assert "MASKS" not in compile_side(a, name="x", formatted=False).source


def test_masks_are_told_by_name() -> None:
    a, b = pair({"layers.dropout": None, "layers.flatten.after": [{"dropout": {"rate": 0.1, "name": "own"}}]})
    masks = {layer.name: layer.mask for side in (a, b) for layer in side.drawing()}
    assert (masks["dropout"], masks["dropout_1"]) == (0, 1)
    assert 2**32 < masks["own"] < 2**63
