"""Features that a program counts with the channels first: which tensors have them, and how they are put in order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.compile.features import features_of, in_any_order
from parity.run.axes import counted_first, counted_last
from parity.spec.graph import Graph, graph_of, named
from parity.spec.sections import ModelSpec

FLAT: dict[str, Any] = {"flatten": {"name": "flat"}}


def graph(*layers: Any, input_: tuple[int, ...] = (3, 2, 4)) -> Graph:
    return graph_of(named(ModelSpec.model_validate({"input": input_, "layers": list(layers)})))


def test_all_that_has_the_features_is_found_up_to_the_dense_layers_that_read_them() -> None:
    found = features_of(
        graph(FLAT, {"dropout": {"name": "drop", "rate": 0.5}}, {"batch_norm": {"name": "bn"}},
              {"dense": {"name": "one", "units": 3}}, {"dense": {"name": "two", "units": 1}}), ["flat"]
    )  # fmt: skip
    shape = ((3, 2, 4),)
    assert found.layers == {"flat": shape, "drop": shape, "bn": shape}
    names = ("bn.gamma", "bn.beta", "bn.moving_mean", "bn.moving_variance", "one.kernel")
    assert found.weights == dict.fromkeys(names, shape)


def test_a_reshape_to_a_row_flattens_too() -> None:
    rows = graph({"reshape": {"name": "flat", "target_shape": [24]}}, {"dense": {"name": "one", "units": 1}})
    assert features_of(rows, ["flat"]).weights == {"one.kernel": ((3, 2, 4),)}


@pytest.mark.parametrize("layers", [
    [FLAT],  # It is what the model gives.
    [FLAT, {"reshape": {"name": "r", "target_shape": [4, 6]}}, "flatten", {"dense": 1}],
    [FLAT, {"layer_norm": {"name": "n"}}, {"dense": 1}],
    [{"reshape": {"name": "flat", "target_shape": [6, 4]}}, {"dense": 1}],  # Flattens nothing.
    [FLAT, {"dense": {"units": 24, "name": "d"}}, {"add": {"inputs": ["flat", "d"]}}],
    [FLAT, {"dense": {"units": 24, "kernel_initializer": "identity"}}],
    [FLAT, {"dense": {"units": 3, "name": "d"}}, {"again": {"layer": "d", "inputs": "flat"}},
     {"add": {"inputs": ["d", "again"]}}],
])  # fmt: skip
def test_features_whose_order_matters_may_not_come_in_any(layers: list[Any]) -> None:
    found = graph(*layers)
    assert not in_any_order(found, found.by_name["flat"])


def test_two_dense_layers_may_read_them() -> None:
    found = graph(FLAT, {"dense": {"units": 3, "name": "a"}}, {"dense": {"units": 3, "name": "b", "inputs": "flat"}},
                  {"add": {"inputs": ["a", "b"]}})  # fmt: skip
    assert in_any_order(found, found.by_name["flat"])
    assert set(features_of(found, ["flat"]).weights) == {"a.kernel", "b.kernel"}


def test_side_by_side_each_keeps_its_own_order_and_what_was_not_flattened_its_one() -> None:
    found = graph(
        {"global_average_pooling2d": {"name": "pool"}}, {"max_pooling2d": {"name": "small", "inputs": "input"}},
        {"flatten": {"name": "other", "inputs": "small"}}, {"flatten": {"name": "flat", "inputs": "input"}},
        {"concatenate": {"name": "cat", "inputs": ["flat", "pool", "other"]}},
        {"dropout": {"name": "drop", "rate": 0.5}}, {"dense": {"name": "out", "units": 1}},
    )  # fmt: skip
    assert in_any_order(found, found.by_name["flat"])
    both = features_of(found, ["flat", "other"])
    rows = ((3, 2, 4), (4,), (1, 1, 4))
    assert both.layers == {"flat": rows[:1], "other": rows[2:], "cat": rows, "drop": rows}
    assert both.weights == {"out.kernel": rows}
    assert features_of(found, ["flat"]).weights == {"out.kernel": ((3, 2, 4), (4,), (4,))}


@given(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=4), min_size=1, max_size=3), st.integers(0, 1))
def test_the_order_is_that_of_what_is_flattened_channels_first(rows: list[list[int]], axis: int) -> None:
    every = [np.random.default_rng(0).normal(size=(5, *row)) for row in rows]
    first, plain = (
        np.concatenate([one.reshape(5, -1) for one in each], axis=1)
        for each in ([np.moveaxis(one, -1, 1) for one in every], every)
    )
    turned = (first, plain) if axis else (first.T, plain.T)
    np.testing.assert_array_equal(counted_last(turned[0], rows, axis), turned[1])
    np.testing.assert_array_equal(counted_first(turned[1], rows, axis), turned[0])
