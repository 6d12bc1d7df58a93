"""Models in one form: channels that lie where they lay, activations in the layers that they follow, sums of sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.reading.plainly import (
    activations_joined,
    channels_moved_last,
    merges_joined,
    moves_undone,
    pools_flattened,
    pools_whole,
)
from parity.spec.graph import graph_of, named
from parity.spec.plain import brief
from parity.spec.sections import ModelSpec

FIRST: dict[str, Any] = {"input": [3, 8, 6], "layers": [
    {"normalization": {"mean": [1.0, 2.0, 3.0], "variance": [1.0, 4.0, 9.0], "axis": 1}},
    {"conv2d": {"filters": 4, "kernel_size": 3, "data_format": "channels_first", "name": "c1"}}, {"activation": "relu"},
    {"batch_norm": {"axis": 1}}, {"max_pooling2d": {"pool_size": 2, "data_format": "channels_first"}},
    {"conv2d": {"filters": 4, "kernel_size": 3, "padding": "same", "data_format": "channels_first", "name": "c2"}},
    {"concatenate": {"inputs": ["c2", "max_pooling2d"], "axis": 1}}, {"dropout": 0.3}, "flatten", {"dense": 5},
    {"activation": "softmax"},
]}  # fmt: skip

TURNED: dict[str, Any] = {"input": [3, 8, 6], "layers": [
    {"conv2d": {"filters": 4, "kernel_size": 3, "data_format": "channels_first"}},
    {"permute": {"dims": [2, 3, 1]}}, {"layer_norm": {"name": "norm"}}, {"permute": {"dims": [3, 1, 2], "name": "s"}},
    {"conv2d": {"filters": 4, "kernel_size": 1, "data_format": "channels_first", "inputs": "s", "name": "side"}},
    {"global_average_pooling2d": {"data_format": "channels_first", "inputs": "s"}}, {"dense": 4},
    {"reshape": {"target_shape": [4, 1, 1], "name": "gate"}}, {"multiply": {"inputs": ["side", "gate"]}},
    {"add": {"inputs": ["multiply", "s"]}}, "flatten", {"dense": 2},
]}  # fmt: skip
"""Rows whose channels a program moves by itself for a layer, and moves back; and a gate for each channel."""

MIXED: dict[str, Any] = {"input": [3, 8], "layers": [
    {"conv1d": {"filters": 4, "kernel_size": 3, "data_format": "channels_first", "name": "c"}}, {"dense": 5},
    {"permute": {"dims": [2, 1]}}, {"dense": 2}, {"permute": {"dims": [2, 1]}}, "flatten", {"dense": 2},
]}  # fmt: skip
"""A dense layer along the places, and one along the channels."""

ENDS: dict[str, Any] = {"input": [3, 8, 6], "layers": [
    {"conv2d": {"filters": 4, "kernel_size": 3, "data_format": "channels_first"}}, {"permute": {"dims": [2, 3, 1]}},
]}  # fmt: skip

BRANCHES: dict[str, Any] = {"input": [9, 4], "layers": [
    {"permute": {"dims": [2, 1], "name": "first"}},
    {"conv1d": {"filters": 3, "kernel_size": 3, "data_format": "channels_first", "activation": "relu", "name": "c1"}},
    {"batch_norm": {"axis": 1}},
    {"conv1d": {"filters": 3, "kernel_size": 1, "data_format": "channels_first", "inputs": "c1", "name": "c2"}},
    {"add": {"inputs": ["batch_norm", "c2"]}}, {"permute": {"dims": [2, 1], "name": "last"}},
    {"layer_norm": {"name": "norm"}}, {"permute": {"dims": [2, 1], "name": "again"}},
    {"max_pooling1d": {"pool_size": 2, "data_format": "channels_first"}},
    {"global_max_pooling1d": {"data_format": "channels_first"}}, {"dense": 2},
]}  # fmt: skip
"""Rows of steps whose channels a program moves first for its convolutions, as PyTorch has them."""

FLATTENED: dict[str, Any] = {"input": [9, 4], "layers": [
    {"permute": {"dims": [2, 1]}}, {"conv1d": {"filters": 3, "kernel_size": 3, "data_format": "channels_first"}},
    {"permute": {"dims": [2, 1]}}, {"permute": {"dims": [2, 1]}},
    {"conv1d": {"filters": 3, "kernel_size": 3, "data_format": "channels_first"}}, "flatten", {"dense": 2},
]}  # fmt: skip

SPLIT: dict[str, Any] = {"input": [9, 4], "layers": [
    {"permute": {"dims": [2, 1]}}, {"conv1d": {"filters": 3, "kernel_size": 1, "data_format": "channels_first"}},
    {"permute": {"dims": [2, 1], "name": "back"}}, {"dense": {"units": 2, "name": "a"}},
    {"dense": {"units": 3, "inputs": "back", "name": "b"}},
], "outputs": {"one": "a", "two": "b"}}  # fmt: skip

ALONG: dict[str, Any] = {"input": [9, 4], "layers": [
    {"permute": {"dims": [2, 1]}}, {"dense": 5}, {"permute": {"dims": [2, 1]}}, "flatten", {"dense": 2},
]}  # fmt: skip
"""A dense layer along the steps, for which they are moved last."""

POOLED = [{"conv2d": {"filters": 4, "kernel_size": 3, "name": "c"}},
          {"global_average_pooling2d": {"keepdims": True, "name": "pool"}}]  # fmt: skip


def layers(model: ModelSpec) -> list[Any]:
    return [brief(op) for op in model.layers]


def test_channels_are_moved_last_and_what_flattens_them_keeps_its_order() -> None:
    moved = channels_moved_last(ModelSpec.model_validate(FIRST))
    assert moved.input == (8, 6, 3)
    kinds = [op.kind for op in moved.layers]
    assert kinds[7:10] == ["dropout", "permute", "flatten"]
    assert not any("data_format" in str(one) or "'axis'" in str(one) for one in layers(moved))
    assert brief(moved.layers[8]) == {"permute": {"name": "permute", "dims": [3, 1, 2]}}


@pytest.mark.parametrize(("told", "permutes"), [(FIRST, 1), (TURNED, 1), (MIXED, 3), (ENDS, 0)])
def test_a_model_moved_computes_the_same(told: dict[str, Any], permutes: int) -> None:
    model = named(ModelSpec.model_validate(told))
    rng = np.random.default_rng(0)
    first, last = graph_of(model), graph_of(channels_moved_last(model))
    assert [layer.op.kind for layer in last.layers].count("permute") == permutes
    x = rng.normal(size=(2, *told["input"]))
    values = {name: rng.uniform(0.5, 1.0, size=one.shape) for name, one in first.parameters.items()}
    assert {name: one.shape for name, one in last.parameters.items()} == {n: v.shape for n, v in values.items()}
    found = [ended(graph, rows, values) for graph, rows in ((first, x), (last, np.moveaxis(x, 1, -1)))]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)


@pytest.mark.parametrize(("told", "permutes"), [(BRANCHES, 0), (FLATTENED, 1), (SPLIT, 0), (ALONG, 2), (FIRST, 0)])
def test_a_model_that_moves_channels_and_moves_them_back_leaves_them(told: dict[str, Any], permutes: int) -> None:
    model = named(ModelSpec.model_validate(told))
    rng = np.random.default_rng(0)
    found = moves_undone(model)
    if permutes == [op.kind for op in model.layers].count("permute"):
        assert found == model
    first, last = graph_of(model), graph_of(found)
    assert [layer.op.kind for layer in last.layers].count("permute") == permutes
    x = rng.normal(size=(2, *told["input"]))
    values = {name: rng.uniform(0.5, 1.0, size=one.shape) for name, one in first.parameters.items()}
    assert {name: one.shape for name, one in last.parameters.items()} == {n: v.shape for n, v in values.items()}
    assert list(found.outputs) == list(model.outputs)
    for number in range(len(first.outputs)):
        np.testing.assert_allclose(*(ended(graph, x, values, number) for graph in (first, last)), rtol=1e-12)


def ended(graph: Any, x: np.ndarray, values: dict[str, np.ndarray], number: int = 0) -> np.ndarray:
    """Return what a graph gives in evaluation, by the meaning of its layers; of several outputs one."""
    known = {graph.inputs[0].name: x}
    for layer in graph.layers:
        own = {name.partition(".")[2]: one for name, one in values.items() if name.partition(".")[0] == layer.owner}
        reads = [known[one.name] for one in layer.reads]
        known[layer.name] = layer.op.forward(reads[0] if len(reads) == 1 else tuple(reads), own)
    return known[graph.outputs[number].name]


def test_activations_stand_in_the_layers_that_they_follow() -> None:
    joined = activations_joined(ModelSpec.model_validate(FIRST))
    assert [op.kind for op in joined.layers].count("activation") == 0
    assert brief(joined.layers[1].ending()) == "relu"
    assert brief(joined.layers[-1].ending()) == "softmax"


@pytest.mark.parametrize("after", [
    [{"dense": {"units": 3, "name": "one"}}, {"activation": {"function": "relu", "name": "act"}},
     {"add": {"inputs": ["one", "act"]}}],  # What stands before it is read, too.
    [{"dense": {"units": 3, "activation": "tanh"}}, {"activation": "relu"}],  # It has one.
    [{"flatten": {}}, {"activation": "relu"}],  # It can have none.
    [{"dense": {"units": 3, "activity_regularizer": "l2"}}, {"activation": "relu"}],  # Penalised ahead of it.
])  # fmt: skip
def test_activations_that_cannot_be_elsewhere_stay(after: list[Any]) -> None:
    joined = activations_joined(ModelSpec.model_validate({"input": [3], "layers": [*after, {"dense": 2}]}))
    assert [op.kind for op in joined.layers].count("activation") == 1


def shared(first: str, second: str, *more: Any) -> ModelSpec:
    """Return a model that calls a layer twice, with an activation behind each call."""
    names = [name for one in more for told in one.values() for name in [told["name"]]]
    return named(ModelSpec.model_validate({"inputs": {"a": [3], "b": [3]}, "layers": [
        {"dense": {"units": 3, "name": "d", "inputs": "a"}}, {"activation": {"function": first, "name": "one"}},
        {"again": {"layer": "d", "inputs": "b", "name": "d_2"}}, {"activation": {"function": second, "name": "two"}},
        *more, {"add": {"inputs": ["one", "two", *names]}}, {"dense": {"units": 2, "name": "out"}},
    ]}))  # fmt: skip


def test_activations_behind_each_call_of_a_layer_stand_in_it() -> None:
    joined = activations_joined(shared("relu", "relu"))
    assert [op.kind for op in joined.layers] == ["dense", "again", "add", "dense"]
    assert brief(joined.layers[0].ending()) == "relu"
    assert graph_of(named(joined)).by_name["add"].op.said_inputs == ("d", "d_2")


@pytest.mark.parametrize("model", [
    shared("relu", "tanh"),  # Of one call another.
    shared("relu", "relu", {"dense": {"units": 3, "name": "more", "inputs": "d"}}),  # One is read as it is, too.
    shared("relu", "relu", {"again": {"layer": "d", "inputs": "a", "name": "d_3"}}),  # Of one none.
])  # fmt: skip
def test_activations_that_stand_behind_some_calls_alone_stay(model: ModelSpec) -> None:
    assert [op.kind for op in activations_joined(model).layers].count("activation") == 2
    assert [op.kind for op in activations_joined(shared("relu", "relu"), kept=["d_2"]).layers].count("activation") == 2


def sums(*layers: Any, kind: str = "add") -> ModelSpec:
    dense = [{"dense": {"units": 3, "name": name, "inputs": "input"}} for name in "abc"]
    return named(ModelSpec.model_validate({"input": [4], "layers": [*dense, *layers, {"dense": 1}]}))


@pytest.mark.parametrize("kind", ["add", "multiply", "maximum", "minimum"])
@pytest.mark.parametrize("ends", [["ab", "c"], ["c", "ab"]])
def test_a_sum_of_a_sum_is_one_of_all(kind: str, ends: list[str]) -> None:
    two = sums({kind: {"inputs": ["a", "b"], "name": "ab"}}, {kind: {"inputs": ends, "name": "all"}})
    one = merges_joined(two)
    assert [op.kind for op in one.layers].count(kind) == 1
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 4))
    values = {name: rng.normal(size=one.shape) for name, one in graph_of(two).parameters.items()}
    found = [ended(graph_of(model), x, values) for model in (two, one)]
    np.testing.assert_allclose(*found, rtol=1e-12)
    assert merges_joined(two, kept=["ab"]) == two


@pytest.mark.parametrize("model", [
    sums({"add": {"inputs": ["a", "b"], "name": "ab"}}, {"multiply": {"inputs": ["ab", "c"]}}),
    sums({"average": {"inputs": ["a", "b"], "name": "ab"}}, {"average": {"inputs": ["ab", "c"]}}),
    sums({"subtract": {"inputs": ["a", "b"], "name": "ab"}}, {"subtract": {"inputs": ["ab", "c"]}}),
    sums({"add": {"inputs": ["a", "b"], "name": "ab"}}, {"add": {"inputs": ["ab", "c", "ab"]}}),
    sums({"add": {"inputs": ["a", "b"], "name": "ab"}}, {"add": {"inputs": ["ab", "c"], "name": "abc"}},
         {"multiply": {"inputs": ["ab", "abc"]}}),
])  # fmt: skip
def test_what_is_no_sum_of_all_stays(model: ModelSpec) -> None:
    assert merges_joined(model) == model


@pytest.mark.parametrize("behind", [
    ["flatten"], [{"reshape": {"target_shape": [4]}}], [{"permute": {"dims": [3, 1, 2]}}, "flatten"],
])  # fmt: skip
def test_a_pooling_over_all_that_is_flattened_gives_the_channels_alone(behind: list[Any]) -> None:
    model = ModelSpec.model_validate({"input": [8, 8, 3], "layers": [*POOLED, *behind, {"dense": 2}]})
    assert layers(pools_flattened(model))[1:] == [
        {"global_average_pooling2d": {"name": "pool"}}, {"dense": {"name": "dense", "units": 2}},
    ]  # fmt: skip


def test_a_pooling_whose_axes_the_model_gives_keeps_them() -> None:
    model = ModelSpec.model_validate({"input": [8, 8, 3], "layers": [*POOLED, {"permute": {"dims": [3, 1, 2]}}]})
    assert [op.kind for op in pools_flattened(model).layers] == [op.kind for op in model.layers]


def test_a_pooling_that_something_else_reads_with_its_axes_keeps_them() -> None:
    several = [*POOLED, "flatten", {"dense": {"units": 4, "name": "d"}}, {"reshape": {"target_shape": [1, 1, 4]}},
               {"add": {"inputs": ["pool", "reshape"]}}]  # fmt: skip
    model = ModelSpec.model_validate({"input": [8, 8, 3], "layers": several})
    assert [op.kind for op in pools_flattened(model).layers] == [op.kind for op in model.layers]


WIDTHS: dict[str, Any] = {"input": [9, 4], "layers": [
    {"permute": {"dims": [2, 1], "name": "first"}},
    *({"conv1d": {"filters": 3, "kernel_size": 3, "data_format": "channels_first", "name": "c3"}},
      {"max_pooling1d": {"pool_size": 7, "data_format": "channels_first", "name": "p3"}}, {"flatten": {"name": "f3"}}),
    *({"conv1d": {"filters": 3, "kernel_size": 5, "data_format": "channels_first", "name": "c5", "inputs": "first"}},
      {"average_pooling1d": {"pool_size": 5, "strides": 2, "padding": [[0, 0]], "data_format": "channels_first",
                             "name": "p5"}}, {"reshape": {"target_shape": [3], "name": "f5"}}),
    {"concatenate": {"inputs": ["f3", "f5"]}}, {"dense": 2},
]}  # fmt: skip
"""Convolutions of several widths, each pooled over as many places as there are, as PyTorch programs have them."""

POOLED_2D: dict[str, Any] = {"input": [5, 4, 3], "layers": [
    {"conv2d": {"filters": 4, "kernel_size": 2}}, {"average_pooling2d": {"pool_size": [4, 3]}}, "flatten", {"dense": 2},
]}  # fmt: skip


def same_numbers(model: ModelSpec, found: ModelSpec) -> None:
    """Assert that two models give the same, of the same weights."""
    graphs, rng = [graph_of(named(one)) for one in (model, found)], np.random.default_rng(0)
    assert model.input is not None
    x = rng.normal(size=(2, *model.input))
    values = {name: rng.normal(size=one.shape) for name, one in graphs[0].parameters.items()}
    np.testing.assert_allclose(*(ended(graph, x, values) for graph in graphs), rtol=1e-12)


@pytest.mark.parametrize(("told", "kinds"), [
    (WIDTHS, ["permute", "conv1d", "global_max_pooling1d", "conv1d", "global_average_pooling1d", "concatenate",
              "dense"]),
    (POOLED_2D, ["conv2d", "global_average_pooling2d", "dense"]),
])  # fmt: skip
def test_a_pooling_of_one_window_as_long_as_all_is_one_over_all(told: dict[str, Any], kinds: list[str]) -> None:
    model = named(ModelSpec.model_validate(told))
    found = pools_whole(model)
    assert [op.kind for op in found.layers] == kinds
    same_numbers(model, found)


def test_channels_moved_first_for_poolings_over_all_are_left_where_they_lie() -> None:
    model = named(ModelSpec.model_validate(WIDTHS))
    found = moves_undone(pools_whole(model))
    assert "channels_first" not in str(layers(found))
    assert not any(op.kind == "permute" for op in found.layers)
    same_numbers(model, found)


def test_a_pooling_over_all_whose_axes_are_read_keeps_them() -> None:
    several = [{"max_pooling1d": {"pool_size": 9, "name": "pool"}}, {"dense": {"units": 4}}]
    found = pools_whole(ModelSpec.model_validate({"input": [9, 4], "layers": several}))
    assert brief(found.layers[0]) == {"global_max_pooling1d": {"name": "pool", "keepdims": True}}


TOKENS = {"embedding": {"input_dim": 9, "output_dim": 4, "mask_zero": True}}


@pytest.mark.parametrize("ahead", [
    [{"max_pooling1d": {"pool_size": 8}}],  # The last place is cut off.
    [{"average_pooling1d": {"pool_size": 9, "padding": [[1, 0]], "count_include_pad": True}}],  # What is around counts.
    [{"max_pooling1d": {"pool_size": 9, "strides": 1, "padding": "same"}}],  # There are nine windows.
    [{"max_pooling1d": {"pool_size": 5, "strides": 4}}],  # There are two.
    [TOKENS, {"average_pooling1d": {"pool_size": 9}}],  # One over all leaves masked steps out of its mean.
    [{"max_pooling1d": {"pool_size": 9, "name": "pool"}}, {"zero_padding1d": {"padding": [0, 10], "inputs": "input"}},
     {"again": {"layer": "pool", "name": "more"}},
     {"concatenate": {"inputs": ["pool", "more"], "axis": 1}}],  # Called again, it has two windows.
])  # fmt: skip
def test_a_pooling_that_is_not_over_all_stays(ahead: list[Any]) -> None:
    given = {"shape": [9], "dtype": "integer"} if ahead[0] is TOKENS else {"shape": [9, 4]}
    model = ModelSpec.model_validate({"inputs": {"input": given}, "layers": [*ahead, "flatten", {"dense": 2}]})
    assert pools_whole(model) == model
