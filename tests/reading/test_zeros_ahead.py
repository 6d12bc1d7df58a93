"""Zeros ahead of a window, and ends cut off behind it, as the padding that they come to: one form for a pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers_pairs import reading

from parity.reading.pair_side import PairSide
from parity.reading.zeros_ahead import ends_cut, padded_alike, zeros_taken_in
from parity.spec.graph import graph_of, named
from parity.spec.sections import ModelSpec

INPUT = [7, 6, 4]
CONV: dict[str, Any] = {"filters": 3, "kernel_size": 3, "strides": 2, "name": "conv"}
UP: dict[str, Any] = {"filters": 3, "kernel_size": 3, "strides": 2, "name": "up", "activation": "relu"}


def model_of(*layers: Any, row: list[int] | None = None) -> ModelSpec:
    return named(ModelSpec.model_validate({"input": row or INPUT, "layers": list(layers)}))


def given(model: ModelSpec) -> np.ndarray:
    """Return what a model gives of some rows, by the meaning of its layers and the same numbers for each tensor."""
    graph, rng = graph_of(model), np.random.default_rng(0)
    values = {graph.inputs[0].name: rng.normal(size=(2, *graph.inputs[0].shape))}
    for layer in graph.layers:
        kept = {name: np.random.default_rng(len(name)).normal(size=one.shape)
                for name, one in layer.op.parameters(layer.input_shape).items()}  # fmt: skip
        read = [values[one.name] for one in layer.reads]
        values[layer.name] = layer.op.forward(*read, kept)
    return values[graph.layers[-1].name]


def zeros(padding: Any, name: str = "zeros", rank: int = 2, **more: Any) -> dict[str, Any]:
    return {f"zero_padding{rank}d": {"padding": padding, "name": name, **more}}


TAKEN: dict[str, tuple[list[Any], Any]] = {
    "around a valid convolution": ([zeros(1), {"conv2d": CONV}], ((1, 1), (1, 1))),
    "at the end alone": ([zeros([[0, 1], [0, 1]]), {"conv2d": CONV}], ((0, 1), (0, 1))),
    "around its own": ([zeros([[2, 0], [0, 0]]), {"conv2d": CONV | {"padding": "same"}}], ((3, 1), (0, 1))),
    "around zeros": ([zeros(1), zeros([[0, 1], [2, 0]], "more"), {"conv2d": CONV}], ((1, 2), (3, 1))),
    "around a depthwise one": ([zeros(1), {"depthwise_conv2d": {"kernel_size": 3, "name": "conv"}}], ((1, 1), (1, 1))),
    "around a separable one": ([zeros(1), {"separable_conv2d": {"filters": 2, "kernel_size": 3, "name": "conv"}}],
                               ((1, 1), (1, 1))),
    "around the largest of what is above 0": ([
        {"conv2d": CONV | {"name": "first", "strides": 1, "activation": "relu"}}, {"dropout": 0.1}, zeros(1),
        {"max_pooling2d": {"pool_size": 3, "strides": 2, "name": "conv"}}], ((1, 1), (1, 1))),
}  # fmt: skip


@pytest.mark.parametrize("case", TAKEN)
def test_zeros_are_the_padding_of_what_reads_them(case: str) -> None:
    layers, padding = TAKEN[case]
    before = model_of(*layers)
    found, ahead = zeros_taken_in(before)
    assert [op.kind for op in found.layers if "padding" in op.kind] == []
    assert {str(op.name): vars(op)["padding"] for op in found.layers if op.name == "conv"} == {"conv": padding}
    assert set(ahead) == {"conv"}
    if "dropout" not in str(layers):
        np.testing.assert_allclose(given(found), given(before), rtol=1e-12)


STAYS: dict[str, list[Any]] = {
    "the largest of what may be below 0": [zeros(1), {"max_pooling2d": {"pool_size": 3}}],
    "a mean": [{"conv2d": CONV | {"activation": "relu"}}, zeros(1), {"average_pooling2d": {"pool_size": 2}}],
    "a window of zeros alone": [{"activation": "relu"}, zeros(3), {"max_pooling2d": {"pool_size": 2}}],
    "an activation between": [zeros(1), {"activation": "sigmoid"}, {"conv2d": CONV}],
    "read by another layer, too": [zeros(1, "z"), {"conv2d": CONV | {"strides": 1, "padding": "same", "filters": 4}},
                                   {"add": {"inputs": ["z", "conv"]}}],
    "what the model gives": [{"conv2d": CONV}, zeros(1)],
    "other axes": [{"conv2d": CONV | {"data_format": "channels_last"}}, zeros(1, data_format="channels_first"),
                   {"conv2d": {"filters": 2, "kernel_size": 1}}],
    "read by two calls of one layer, by one of them without": [
        {"conv2d": CONV | {"filters": 4, "strides": 1, "kernel_size": 3}}, zeros(1),
        {"again": {"layer": "conv", "name": "second"}}],
}  # fmt: skip


@pytest.mark.parametrize("case", STAYS)
def test_other_zeros_stay_what_they_are(case: str) -> None:
    before = model_of(*STAYS[case])
    assert zeros_taken_in(before) == (before, {})


def test_zeros_that_two_windows_read_are_the_padding_of_both() -> None:
    branch = CONV | {"inputs": "z", "padding": "valid"}
    before = model_of(zeros(1, "z"), {"conv2d": branch | {"name": "left"}}, {"conv2d": branch | {"name": "right"}},
                      {"add": {"inputs": ["left", "right"]}})  # fmt: skip
    found, ahead = zeros_taken_in(before)
    assert [op.kind for op in found.layers] == ["conv2d", "conv2d", "add"]
    assert ahead == {"left": "z", "right": "z"}
    np.testing.assert_allclose(given(found), given(before), rtol=1e-12)


def test_zeros_that_a_loss_reads_stay() -> None:
    before = model_of(zeros(1), {"conv2d": CONV})
    assert zeros_taken_in(before, ["zeros"]) == (before, {})


CUT: dict[str, tuple[list[Any], Any]] = {
    "the end of a transposed one": ([{"conv2d_transpose": UP}, {"cropping2d": {"cropping": [[0, 1], [0, 1]]}}],
                                    ((0, 1), (0, 1))),
    "more of one that cuts": ([{"conv2d_transpose": UP | {"padding": "same"}}, {"cropping2d": {"cropping": 1}}],
                              ((1, 2), (1, 2))),
    "along one axis": ([{"conv2d_transpose": UP}, {"slice": {"start": 2, "axis": 2}}], ((0, 0), (2, 0))),
    "counted from the end": ([{"conv2d_transpose": UP}, {"slice": {"stop": -1, "axis": -2}}], ((0, 0), (0, 1))),
    "of zeros on both sides": ([{"conv2d": CONV | {"padding": 2, "strides": 1, "name": "up"}},
                                {"cropping2d": {"cropping": [[0, 2], [1, 2]]}}], ((2, 0), (1, 0))),
    "by strides": ([{"conv2d": CONV | {"padding": 4, "name": "up"}}, {"cropping2d": {"cropping": [[2, 1], [0, 0]]}}],
                   ((0, 2), (4, 4))),
}  # fmt: skip


@pytest.mark.parametrize("case", CUT)
def test_ends_that_are_cut_off_are_less_padding(case: str) -> None:
    layers, padding = CUT[case]
    before = model_of(*layers)
    found, by = ends_cut(before)
    assert [vars(op)["padding"] for op in found.layers] == [padding]
    assert set(by) == {"up"}
    np.testing.assert_allclose(given(found), given(before), rtol=1e-12)


LEFT: dict[str, list[Any]] = {
    "more than the zeros": [{"conv2d": CONV | {"padding": 1, "strides": 1}}, {"cropping2d": {"cropping": 2}}],
    "of the channels": [{"conv2d_transpose": UP}, {"slice": {"stop": 2, "axis": 3}}],
    "behind what goes along an axis": [{"conv2d_transpose": UP | {"activation": "softmax"}},
                                       {"cropping2d": {"cropping": 1}}],
    "beside another reader": [
        {"conv2d_transpose": UP}, {"cropping2d": {"cropping": 1, "name": "cut"}},
        {"global_average_pooling2d": {"inputs": "cut", "name": "one"}},
        {"global_average_pooling2d": {"inputs": "up", "name": "other"}}, {"add": {"inputs": ["one", "other"]}}],
    "of a pooling": [{"max_pooling2d": {"pool_size": 1}}, {"cropping2d": {"cropping": 1}}],
}  # fmt: skip


@pytest.mark.parametrize("case", LEFT)
def test_other_ends_are_cut_off_by_a_layer(case: str) -> None:
    before = model_of(*LEFT[case])
    assert ends_cut(before) == (before, {})


ALIKE: list[tuple[str, dict[str, Any], Any, Any, bool]] = [
    ("conv2d", CONV, "same", [[1, 1], [0, 1]], True),  # Seven rows have one ahead, six columns none.
    ("conv2d", CONV, "same", 1, False),
    ("conv2d", CONV | {"kernel_size": 1}, "valid", 0, True),
    ("max_pooling2d", {"pool_size": 3, "strides": 2, "name": "conv"}, "same", [[1, 1], [0, 1]], True),
    ("conv2d_transpose", CONV, "same", [[0, 1], [0, 1]], True),
    ("conv2d_transpose", CONV, "same", [[1, 0], [1, 0]], False),
    ("conv2d_transpose", CONV | {"kernel_size": 2}, "same", "valid", True),
    ("conv2d_transpose", CONV, "same", "valid", False),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "fields", "one", "other", "same"), ALIKE)
def test_a_padding_is_said_as_the_other_program_says_it(
    kind: str, fields: dict[str, Any], one: Any, other: Any, same: bool
) -> None:
    mine, theirs = (model_of({kind: fields | {"padding": padding}}) for padding in (one, other))
    assert (padded_alike(mine, theirs) == theirs) is same
    assert padded_alike(mine, theirs) in (mine, theirs)


def test_of_other_rows_a_padding_by_name_stays_what_it_is() -> None:
    mine = model_of({"conv2d": CONV | {"padding": "same"}})
    theirs = model_of({"conv2d": CONV | {"padding": [[1, 1], [0, 1]]}}, row=[6, 6, 4])
    assert padded_alike(mine, theirs) == mine


def test_a_difference_of_padding_is_said_where_the_zeros_are() -> None:
    layers = [{"dense": {"units": 2, "name": "zeros"}}, {"dense": {"units": 2, "name": "conv"}}]
    side = PairSide(name="b", reading=reading("torch", layers, {}), model=model_of({"conv2d": CONV}),
                    names={"conv": "conv"}, padded={"conv": "zeros"})  # fmt: skip
    told = side.said_at("")
    assert (told["layers.conv"], told["layers.conv.padding"]) == ("torch.py:2", "torch.py:1")
