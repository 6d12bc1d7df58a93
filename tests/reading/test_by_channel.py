"""Depthwise and separable convolutions written as others, and initializers written as numbers: one form for a pair."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from parity.code import Parameter
from parity.initializers.scaled import KEPT
from parity.reading.by_channel import by_channel
from parity.reading.drawn_by import as_started
from parity.reading.pair_side import PairSide
from parity.reading.started_alike import started_alike
from parity.reading.whole import ReadProgram
from parity.run.told import Told, ToldNode
from parity.spec.graph import Graph, graph_of, named
from parity.spec.plain import brief
from parity.spec.sections import ModelSpec

INPUT = [7, 6, 4]
GROUPED: dict[str, Any] = {
    "filters": 4, "groups": 4, "kernel_size": 3, "strides": 2, "padding": "same", "use_bias": False,
    "kernel_initializer": "glorot_uniform", "name": "dw",
}  # fmt: skip
POINT: dict[str, Any] = {"filters": 5, "kernel_size": 1, "activation": "relu", "name": "pw"}
SEPARABLE = {"separable_conv2d": {"filters": 5, "kernel_size": 3, "strides": 2, "padding": "same", "name": "sep"}}


def model_of(*layers: Any) -> ModelSpec:
    return named(ModelSpec.model_validate({"input": INPUT, "layers": list(layers)}))


def given(graph: Graph, values: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Return what a chain gives, by the meaning of its layers."""
    for layer in graph.layers:
        x = layer.op.forward(x, {name: values[f"{layer.name}.{name}"] for name in layer.parameters})
    return x


def test_two_layers_are_the_separable_one_that_the_other_program_has() -> None:
    two = model_of({"conv2d": GROUPED}, {"conv2d": POINT}, {"dense": 2})
    found, parts = by_channel(two, model_of(SEPARABLE, {"dense": 2}))
    assert [(op.kind, op.name) for op in found.layers] == [("separable_conv2d", "pw"), ("dense", "dense")]
    assert parts == {"pw": {"depthwise_kernel": "dw"}}
    one, before = graph_of(found), graph_of(two)
    rng = np.random.default_rng(0)
    values = {name: rng.normal(size=parameter.shape) for name, parameter in before.parameters.items()}
    moved = {"pw.depthwise_kernel": "dw.kernel", "pw.pointwise_kernel": "pw.kernel"}
    mine = {name: values[moved.get(name, name)].reshape(kept.shape) for name, kept in one.parameters.items()}
    x = rng.normal(size=(3, *INPUT))
    np.testing.assert_allclose(given(one, mine, x), given(before, values, x), rtol=1e-12)


def test_as_many_groups_as_channels_are_the_depthwise_one_that_the_other_program_has() -> None:
    grouped = {**GROUPED, "use_bias": True, "activation": "tanh", "kernel_regularizer": {"l2": 0.1}}
    depthwise = {"depthwise_conv2d": {"kernel_size": 3, "strides": 2, "padding": "same"}}
    before = model_of({"conv2d": grouped}, {"conv2d": POINT})
    found, parts = by_channel(before, model_of(depthwise, {"conv2d": POINT}))
    assert parts == {}
    ((kind, fields),) = brief(found.layers[0]).items()
    assert kind == "depthwise_conv2d"
    assert (fields["activation"], fields["depthwise_regularizer"]) == ("tanh", {"l2": {"factor": 0.1}})
    rng, x = np.random.default_rng(0), np.random.default_rng(1).normal(size=(2, *INPUT))
    values = {name: rng.normal(size=one.shape) for name, one in graph_of(before).parameters.items()}
    mine = {name: values[name].reshape(one.shape) for name, one in graph_of(found).parameters.items()}
    np.testing.assert_allclose(given(graph_of(found), mine, x), given(graph_of(before), values, x), rtol=1e-12)


def test_zeros_in_numbers_are_those_of_the_one_layer() -> None:
    two = model_of({"conv2d": GROUPED | {"padding": 1}}, {"conv2d": POINT})
    found, _ = by_channel(two, model_of(SEPARABLE))
    assert [(op.kind, vars(op)["padding"]) for op in found.layers] == [("separable_conv2d", ((1, 1), (1, 1)))]


STAYS: dict[str, tuple[list[Any], list[Any]]] = {
    "the other has none": ([{"conv2d": GROUPED}, {"conv2d": POINT}], [{"conv2d": GROUPED}, {"conv2d": POINT}]),
    "it has one itself": ([{"conv2d": GROUPED}, {"conv2d": POINT}, SEPARABLE], [SEPARABLE]),
    "a bias between": ([{"conv2d": GROUPED | {"use_bias": True}}, {"conv2d": POINT}], [SEPARABLE]),
    "an activation between": ([{"conv2d": GROUPED | {"activation": "relu"}}, {"conv2d": POINT}], [SEPARABLE]),
    "a layer between": ([{"conv2d": GROUPED}, "batch_norm", {"conv2d": POINT}], [SEPARABLE]),
    "another window": ([{"conv2d": GROUPED | {"kernel_size": 5}}, {"conv2d": POINT}], [SEPARABLE]),
    "two groups": ([{"conv2d": GROUPED | {"groups": 2}}, {"conv2d": POINT}], [SEPARABLE]),
    "more outputs of each": ([{"conv2d": GROUPED | {"filters": 8}}, {"conv2d": POINT}], [SEPARABLE]),
    "no cell": ([{"conv2d": GROUPED}, {"conv2d": POINT | {"kernel_size": 3}}], [SEPARABLE]),
    "a cell that steps": ([{"conv2d": GROUPED}, {"conv2d": POINT | {"strides": 2}}], [SEPARABLE]),
    "zeros around the cell": ([{"conv2d": GROUPED}, {"conv2d": POINT | {"padding": [[1, 1], [1, 1]]}}], [SEPARABLE]),
    "a kernel that is held": ([{"conv2d": GROUPED | {"kernel_constraint": {"max_norm": 1}}}, {"conv2d": POINT}],
                              [SEPARABLE]),
    "one of both trains": ([{"conv2d": GROUPED | {"trainable": False}}, {"conv2d": POINT}], [SEPARABLE]),
    "rows at right angles": ([{"conv2d": GROUPED | {"kernel_initializer": "orthogonal"}}, {"conv2d": POINT}],
                             [SEPARABLE]),
    "read twice": ([{"conv2d": GROUPED}, {"conv2d": POINT}, {"conv2d": POINT | {"name": "other", "inputs": "dw"}},
                    {"add": {"inputs": ["pw", "other"]}}], [SEPARABLE]),
    "called again": ([{"conv2d": GROUPED | {"strides": 1}}, {"again": {"layer": "dw", "inputs": "dw"}},
                      {"conv2d": POINT}],
                     [{"separable_conv2d": {**SEPARABLE["separable_conv2d"], "strides": 1}}]),
}  # fmt: skip


@pytest.mark.parametrize("why", STAYS)
def test_what_is_not_the_same_stays_what_it_is(why: str) -> None:
    mine, other = (model_of(*layers) for layers in STAYS[why])
    found, parts = by_channel(mine, other)
    assert (found, parts) == (mine, {})


def test_what_a_loss_reads_is_no_part_of_another_layer() -> None:
    two = model_of({"conv2d": GROUPED}, {"conv2d": POINT})
    assert by_channel(two, model_of(SEPARABLE), kept=["dw"]) == (two, {})


def test_as_many_layers_as_the_other_has_are_taken_together() -> None:
    pairs = [{"conv2d": GROUPED | {"strides": 1}}, {"conv2d": POINT | {"filters": 4, "activation": "linear"}}]
    again = [{kind: fields | {"name": f"{fields['name']}_2"}} for one in pairs for kind, fields in one.items()]
    separable = {"separable_conv2d": {"filters": 4, "kernel_size": 3, "padding": "same"}}
    found, parts = by_channel(model_of(*pairs, *again), model_of(separable))
    assert [op.kind for op in found.layers] == ["separable_conv2d", "conv2d", "conv2d"]
    assert list(parts) == ["pw"]


# --------------------------------------------------------------------------------------------- initializers


def of(initializer: Any, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Parameter:
    (op,) = model_of({"dense": {"units": 1, "kernel_initializer": initializer}}).layers
    return Parameter(shape=shape, fan_in=fan_in, fan_out=fan_out, feeds=fan_in,
                     initializer=op.kernel_initializer)  # type: ignore[attr-defined]  # fmt: skip


@pytest.mark.parametrize(("initializer", "said"), [
    ("glorot_uniform", "glorot_uniform"),  # The sum of the fans is the same.
    ("zeros", "zeros"),
    ({"random_normal": {"mean": 1.0, "stddev": 0.5}}, {"random_normal": {"mean": 1.0, "stddev": 0.5}}),
    ("he_uniform", {"random_uniform": {"minval": -math.sqrt(6 / 9), "maxval": math.sqrt(6 / 9)}}),
    ("lecun_normal", {"truncated_normal": {"stddev": math.sqrt(1 / 9) / KEPT}}),
    ({"variance_scaling": {"scale": 0.5, "distribution": "uniform"}}, "he_uniform"),
    ("orthogonal", None), ("identity", None),
], ids=str)  # fmt: skip
def test_a_tensor_of_other_fans_starts_at_the_same_numbers(initializer: Any, said: Any) -> None:
    before, after = of(initializer, (3, 3, 1, 4), 9, 36), of(initializer, (3, 3, 4, 1), 36, 9)
    found = as_started(before.initializer, before, after)
    if said is None:
        assert found is None
        return
    assert found is not None
    drawn = (one.sample(np.linspace(0.1, 0.9, 36).reshape(tensor.shape), tensor).ravel()
             for one, tensor in ((found, after), (before.initializer, before)))  # fmt: skip
    np.testing.assert_allclose(*drawn, rtol=1e-9)
    assert found.kind == (said if isinstance(said, str) else next(iter(said)))


@pytest.mark.parametrize(("mine", "theirs", "one"), [
    ({"truncated_normal": {"stddev": math.sqrt(2 / 6) / KEPT}}, "he_normal", True),
    ({"random_uniform": {"minval": -0.408248, "maxval": 0.408248}}, "fan_in_uniform", True),
    ({"truncated_normal": {"stddev": math.sqrt(2 / 6)}}, "he_normal", False),  # Not made up for the cut.
    ({"random_normal": {"stddev": math.sqrt(2 / 6) / KEPT}}, "he_normal", False),  # Not cut.
    ({"random_normal": {"stddev": 0.05}}, {"random_normal": {"stddev": 0.0501}}, False),
    ("zeros", {"random_normal": {"stddev": 1e-9}}, False),
], ids=str)  # fmt: skip
def test_numbers_that_are_a_rule_are_that_rule_where_the_other_program_says_it(
    mine: Any, theirs: Any, one: bool
) -> None:
    models = [
        named(
            ModelSpec.model_validate({"input": [6], "layers": [{"dense": {"units": 9, "kernel_initializer": start}}]})
        )
        for start in (mine, theirs)
    ]
    found = started_alike(models[0], models[1])
    assert found == (models[1] if one else models[0])


# -------------------------------------------------------------------------------------- where weights are kept


@pytest.mark.parametrize(("node", "path"), [
    (ToldNode(name="block.dw", part="nn.Conv2d", reads=[], shape=[], read_shapes=[]), "block.dw"),
    (ToldNode(name="first", part="tf.nn.depthwise_conv2d", reads=[], shape=[], read_shapes=[], path="", layer="first",
              kept={"kernel": "w1"}), "w1"),
])  # fmt: skip
def test_a_parameter_of_two_layers_is_looked_for_in_its_own(node: ToldNode, path: str) -> None:
    other = ToldNode(name="pw", part="nn.Conv2d", reads=[], shape=[], read_shapes=[])
    model = {"layers": [{"conv2d": {"name": "dw"}}, {"conv2d": {"name": "pw"}}]}
    read = ReadProgram(framework="torch", spec={"model": model}, arrays={}, names={node.name: "dw", "pw": "pw"},
                       told=Told(framework="torch", nodes=[node, other]))  # fmt: skip
    side = PairSide(name="b", reading=read, model=model_of(SEPARABLE), names={"sep": "pw"},
                    parts={"pw": {"depthwise_kernel": "dw"}})  # fmt: skip
    assert side.paths() == {"sep": "pw", "sep.depthwise_kernel": path}
