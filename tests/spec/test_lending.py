"""Layers that compute with another layer's parameters: what differs, what that makes idle, and names in blocks."""

from __future__ import annotations

from typing import Any

import pytest
from helpers_frameworks import side_of

from parity.errors import ParityError
from parity.spec.differences import differences, mixed
from parity.spec.load import build_spec
from parity.spec.resolve import Resolved, resolve

MODEL: dict[str, Any] = {"inputs": {"tokens": {"shape": [4], "dtype": "integer"}}, "layers": [
    {"embedding": {"input_dim": 5, "output_dim": 3, "name": "table"}},
    {"dense": {"units": 5, "name": "head", "kernel_of": "table"}},
]}  # fmt: skip


def pair(changes: dict[str, Any], **both: Any) -> tuple[Resolved, Resolved]:
    data = {
        "name": "tied", "data": {"source": "rows.npz"}, "model": MODEL, "loss": "mse", "optimizer": "sgd", **both,
        "sides": {"a": {"framework": "torch"}, "b": {"framework": "torch", "changes": changes}},
    }  # fmt: skip
    first, second = resolve(build_spec(data))
    return first, second


def test_tied_against_untied_is_one_difference_however_the_kernel_starts() -> None:
    a, b = pair({"layers.head": {"kernel_of": None, "kernel_initializer": "zeros", "kernel_regularizer": "l2"}})
    (found,) = differences(a, b)
    assert (found.path, found.a, found.b, found.inert) == ("layers.head.kernel_of", "table", "none", False)
    assert sorted(found.paths) == [
        "layers.head.kernel_initializer", "layers.head.kernel_of", "layers.head.kernel_regularizer",
    ]  # fmt: skip
    assert mixed(a.config, b.config, set(found.paths)) == b.config
    assert mixed(b.config, a.config, set(found.paths)) == a.config


def test_what_is_said_of_a_kernel_that_is_a_table_does_nothing() -> None:
    a, b = pair({"layers.head": {"kernel_initializer": "zeros"}})
    (found,) = differences(a, b)
    assert (found.path, found.reason) == ("layers.head.kernel_initializer", "the kernel is the table of table")


def test_parameters_are_counted_once_and_a_penalty_is_the_tables() -> None:
    side = side_of("torch", MODEL)
    assert {name: one.shape for name, one in side.parameters().items()} == {
        "table.embeddings": (5, 3), "head.bias": (5,),
    }  # fmt: skip
    assert not side.graph.is_chain  # Keras's Sequential has no name for the table.


def test_tied_layers_stand_outside_of_blocks() -> None:
    block = {"block": {"name": "end", "layers": [{"dense": {"units": 5, "name": "head", "kernel_of": "table"}}]}}
    with pytest.raises(ParityError, match="end_head stands in a block"):
        _ = side_of("torch", {**MODEL, "layers": [MODEL["layers"][0], block]}).graph
