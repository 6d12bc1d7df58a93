"""Branches that differ: what is a difference of what layers read, what comes and goes with a layer, and mixes."""

from __future__ import annotations

from typing import Any

import pytest
from helpers_frameworks import side_of

from parity.spec.differences import differences, mixed
from parity.spec.ends import GraphError
from parity.spec.graph import graph_of
from parity.spec.resolve import Resolved, changed

BASE: dict[str, Any] = {
    "input": [6],
    "layers": [
        {"dense": {"units": 4, "name": "stem"}},
        {"dense": {"units": 4, "name": "left"}},
        {"dense": {"units": 4, "inputs": "stem", "name": "right"}},
        {"add": {"inputs": ["left", "right"], "name": "add"}},
        {"dense": {"units": 2, "name": "out"}},
    ],
}


def base() -> Resolved:
    return side_of("torch", BASE)


def reads(side: Resolved) -> dict[str, tuple[str, ...]]:
    return {layer.name: tuple(value.name for value in layer.reads) for layer in side.graph.layers}


def told(a: Resolved, b: Resolved) -> list[tuple[str, str, str]]:
    return [(one.path, one.a, one.b) for one in differences(a, b)]


def with_layers(*layers: Any) -> Resolved:
    return side_of("torch", {"input": [6], "layers": list(layers)})


def test_reading_from_another_place_is_one_difference() -> None:
    b = changed(base(), {"layers.right.inputs": "left"}, "b")
    assert told(base(), b) == [("layers.right.inputs", "stem", "left")]
    crossed = changed(base(), {"layers.add.inputs": ["right", "left"]}, "b")
    assert told(base(), crossed) == [("layers.add.inputs", "[left, right]", "[right, left]")]


def test_saying_what_is_read_anyway_is_no_difference() -> None:
    layers = [{kind: dict(fields)} for one in BASE["layers"] for kind, fields in one.items()]
    layers[1]["dense"]["inputs"] = "stem"
    assert told(base(), with_layers(*layers)) == []


def test_a_layer_put_behind_one_is_read_by_all_that_read_it() -> None:
    b = changed(base(), {"layers.stem.after": {"dropout": 0.5}}, "b")
    assert reads(b) == {
        "stem": ("input",), "dropout": ("stem",), "left": ("dropout",), "right": ("dropout",), "add": ("left", "right"),
        "out": ("add",),
    }  # fmt: skip
    assert told(base(), b) == [("layers.dropout", "absent", "dropout(rate=0.5)")]


def test_a_layer_put_ahead_of_one_is_read_by_it_alone() -> None:
    b = changed(base(), {"layers.right.before": {"dropout": 0.5}}, "b")
    assert reads(b)["right"] == ("dropout",)
    assert reads(b)["dropout"] == ("stem",)
    assert reads(b)["left"] == ("stem",)
    into = changed(base(), {"layers.add.before": {"activation": {"function": "relu", "inputs": "right"}}}, "b")
    assert reads(into)["add"] == ("left", "activation")


def test_what_reads_a_layer_that_is_taken_out_reads_what_that_one_read() -> None:
    b = changed(base(), {"layers.right": None}, "b")
    assert reads(b)["add"] == ("left", "stem")
    assert told(base(), b) == [("layers.right", "dense(inputs=stem, units=4)", "absent")]


SKIP = [
    {"dense": {"units": 4, "name": "stem"}},
    {"dense": {"units": 4, "inputs": "stem", "name": "skip"}},
    {"dense": {"units": 4, "inputs": "stem", "name": "left"}},
    {"activation": {"function": "tanh", "name": "tanh"}},
    {"add": {"inputs": ["tanh", "skip"], "name": "join"}},
    {"dense": {"units": 2, "name": "out"}},
]
PLAIN = [SKIP[0], {"dense": {"units": 4, "name": "left"}}, SKIP[3], SKIP[5]]


def test_a_branch_and_where_it_joins_come_and_go_together() -> None:
    a, b = with_layers(*SKIP), with_layers(*PLAIN)
    (one,) = differences(a, b)
    assert one.layers == ("skip", "join")
    assert set(one.paths) == {"layers.skip", "layers.join"}
    with pytest.raises(GraphError, match="reads skip"):
        mixed(a.config, b.config, {"layers.join"})
    assert [layer.name for layer in graph_of(mixed(a.config, b.config, set(one.paths)).model).layers] == [
        "stem", "left", "tanh", "out",
    ]  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
def test_all_differences_taken_give_the_other_side(turned: bool) -> None:
    one = changed(base(), {"layers.stem.after": {"dropout": 0.5}, "layers.right.inputs": "left"}, "b")
    other = changed(base(), {"layers.add.before": {"activation": {"function": "relu", "inputs": "right"}}}, "c")
    a, b = (one, other) if not turned else (other, one)
    every = {path for found in differences(a, b) for path in found.paths}
    whole, none = mixed(a.config, b.config, every), mixed(a.config, b.config, set())
    for config, side in ((whole, b), (none, a)):
        graph = graph_of(config.model)
        assert {layer.name: tuple(value.name for value in layer.reads) for layer in graph.layers} == reads(side)
    for found in differences(a, b):
        mixed(a.config, b.config, set(found.paths))
