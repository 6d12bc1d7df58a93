"""Models as graphs: what a layer reads, layers used again, and what cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from helpers_frameworks import side_of

from parity.errors import SpecError
from parity.spec.graph import Layer
from parity.spec.load import parse_spec
from parity.spec.resolve import changed

BRANCHED: dict[str, Any] = {
    "input": [6, 6, 3],
    "layers": [
        {"conv2d": {"filters": 4, "kernel_size": 3, "padding": "same", "name": "conv"}},
        {"activation": {"function": "relu", "name": "relu"}},
        {"conv2d": {"filters": 4, "kernel_size": 3, "padding": "same", "name": "second"}},
        {"add": {"inputs": ["second", "relu"], "name": "add"}},
        {"conv2d": {"filters": 2, "kernel_size": 1, "name": "left"}},
        {"conv2d": {"filters": 3, "kernel_size": 1, "inputs": "add", "name": "right"}},
        {"concatenate": {"inputs": ["left", "right"], "name": "both"}},
        {"flatten": {"name": "flatten"}},
        {"dense": {"units": 2, "name": "out"}},
    ],
}


def names(layers: list[Layer]) -> list[str]:
    return [layer.name for layer in layers]


def test_a_layer_that_does_not_say_reads_the_one_above_it() -> None:
    graph = side_of("torch", BRANCHED).graph
    reads = {layer.name: tuple(value.name for value in layer.reads) for layer in graph.layers}
    assert reads["conv"] == ("input",)
    assert reads["left"] == reads["right"] == ("add",)
    assert reads["add"] == ("second", "relu")
    assert not graph.is_chain
    assert graph.last.name == "out"
    assert graph.by_name["both"].output_shape == (6, 6, 5)


def test_who_reads_a_value_and_what_is_ahead_of_a_layer() -> None:
    graph = side_of("torch", BRANCHED).graph
    assert names(graph.readers("relu")) == ["second", "add"]
    assert names(graph.readers("out")) == []
    assert names(graph.ahead(graph.by_name["left"])) == ["conv", "relu", "second", "add"]
    assert names(graph.chain_from(graph.by_name["both"])) == ["flatten", "out"]
    assert names(graph.chain_from(graph.by_name["relu"])) == []


def test_a_chain_is_a_graph_as_it_is_written() -> None:
    model = {"input": [4], "layers": [{"dense": 3}, {"dense": {"units": 2, "inputs": "dense"}}]}
    assert side_of("torch", model).graph.is_chain


def test_a_layer_used_again_has_the_weights_of_the_first() -> None:
    model = {"input": [4], "layers": [{"dense": {"units": 4, "name": "mix"}}, {"again": "mix"}, {"dense": 2}]}
    side = side_of("torch", model)
    assert list(side.parameters()) == ["mix.kernel", "mix.bias", "dense.kernel", "dense.bias"]
    assert side.graph.shared == {"mix"}
    assert side.graph.calls() == {"mix": 0, "again": 1, "dense": None}


SPEC = """\
name: graph
data: {source: spirals}
model:
  input: [4]
  layers:
    - dense: {units: 4, name: first}
    - dense: {units: 3, name: second}
"""


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ("add: {inputs: [first, secnd]}",
         "8: model.layers[2].add.inputs: add reads 'secnd', which is not there; did you mean 'second'?"),
        ("add: {inputs: [first, second]}",
         "8: model.layers[2].add: add reads tensors of one shape, it is given (4,) and (3,)"),
        ("add", "8: model.layers[2].add: add reads two tensors or more, it is given 1: say inputs"),
        ("dense: {units: 2, inputs: [first, second]}",
         "8: model.layers[2].dense.inputs: dense reads 1 tensor, it is given 2"),
        ("subtract: {inputs: [first, first, first]}",
         "8: model.layers[2].subtract.inputs: subtract reads 2 tensors, it is given 3"),
        ("dense: {units: 2, inputs: late}\n    - dense: {units: 2, name: late}",
         "8: model.layers[2].dense.inputs: dense reads 'late', which is not there; 'late' stands below it"),
        ("dense: {units: 2, inputs: first}", "7: model.layers[1].dense: nothing that leads to the output reads second"),
        ("again: {layer: secnd}",
         "8: model.layers[2].again.layer: no layer above again is called 'secnd'; did you mean 'second'?"),
        ("again: {layer: first}",
         "8: model.layers[2].again: first keeps weights of other shapes for what it is given here"),
        ("concatenate: {inputs: [first, second], axis: 2}",
         "8: model.layers[2].concatenate: axis 2 of concatenate: it reads tensors of 1 axes beside the batch axis"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_fault_with_its_line(layer: str, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(f"{SPEC}    - {layer}\nloss: mse\noptimizer: sgd\n", "s.yaml")
    assert f"s.yaml:{says}" in str(caught.value)
    assert len(caught.value.faults) == 1


def test_a_loss_cannot_look_behind_a_softmax_that_others_read() -> None:
    layers = [
        {"dense": {"units": 4, "activation": "softmax", "name": "mix"}},
        {"again": {"layer": "mix", "name": "once_more"}},
    ]  # fmt: skip
    with pytest.raises(SpecError, match="behind the softmax of once_more, which is used elsewhere, too"):
        side_of("torch", {"input": [4], "layers": layers}, loss="categorical_crossentropy")
    plain = {"categorical_crossentropy": {"recover_logits": False}}
    assert side_of("torch", {"input": [4], "layers": layers}, loss=plain).last.name == "once_more"


def blocks(**fields: Any) -> list[Any]:
    inner = [
        {"dense": {"units": 4, "activation": "relu", "name": "grow"}},
        "dense",
        {"add": {"inputs": ["dense", "input"], "name": "join"}},
    ]
    inner[1] = {"dense": {"units": 4}}
    return [
        {"dense": {"units": 4, "name": "stem"}},
        {"block": {"name": "res", "layers": inner, **fields}},
        {"dense": 2},
    ]


def test_a_block_is_its_layers_as_often_as_is_said() -> None:
    graph = side_of("torch", {"input": [6], "layers": blocks(repeat=2)}).graph
    assert {layer.name: tuple(value.name for value in layer.reads) for layer in graph.layers} == {
        "stem": ("input",), "res_1_grow": ("stem",), "res_1_dense": ("res_1_grow",),
        "res_1_join": ("res_1_dense", "stem"), "res_2_grow": ("res_1_join",), "res_2_dense": ("res_2_grow",),
        "res_2_join": ("res_2_dense", "res_1_join"), "dense": ("res_2_join",),
    }  # fmt: skip
    once = side_of("torch", {"input": [6], "layers": blocks()}).graph
    assert names(list(once.layers)) == ["stem", "res_grow", "res_dense", "res_join", "dense"]


def test_a_block_may_read_from_afar_and_be_read_by_its_name() -> None:
    layers = blocks(repeat=2)
    layers.insert(1, {"dense": {"units": 3, "name": "side"}})
    layers[2]["block"]["inputs"] = "stem"
    layers[3] = {"concatenate": {"inputs": ["res", "side"]}}
    graph = side_of("torch", {"input": [6], "layers": layers}).graph
    reads = {layer.name: tuple(value.name for value in layer.reads) for layer in graph.layers}
    assert reads["res_1_grow"] == ("stem",)
    assert reads["res_1_join"] == ("res_1_dense", "stem")
    assert reads["concatenate"] == ("res_2_join", "side")


def test_blocks_stand_in_blocks_and_a_layer_of_one_is_used_again() -> None:
    inner = {
        "block": {"name": "pair", "repeat": 2, "layers": [{"dense": {"units": 4, "name": "mix"}}, {"again": "mix"}]}
    }
    graph = side_of("torch", {"input": [4], "layers": [{"block": {"name": "tower", "layers": [inner]}}]}).graph
    assert names(list(graph.layers)) == [
        "tower_pair_1_mix", "tower_pair_1_again", "tower_pair_2_mix", "tower_pair_2_again",
    ]  # fmt: skip
    assert graph.shared == {"tower_pair_1_mix", "tower_pair_2_mix"}


def test_a_change_reaches_the_layers_of_a_block_by_pattern() -> None:
    side = changed(side_of("torch", {"input": [6], "layers": blocks(repeat=2)}), {"layers.res_*_grow.units": 7}, "b")
    assert side.graph.by_name["res_2_grow"].output_shape == (7,)


def test_a_fault_in_a_block_has_its_line() -> None:
    block = (
        "block:\n        name: res\n        layers:\n          - dense: 3\n          - add: {inputs: [dense, inptu]}"
    )
    with pytest.raises(SpecError) as caught:
        parse_spec(f"{SPEC}    - {block}\nloss: mse\noptimizer: sgd\n", "s.yaml")
    assert str(caught.value) == (
        "s.yaml:12: model.layers[2].block.layers[1].add.inputs: res_add reads 'inptu', which is not there; "
        "did you mean 'input'?"
    )
    unknown = "block:\n        layers:\n          - dense: 3\n          - flaten"
    with pytest.raises(SpecError, match="unknown layer 'flaten'"):
        parse_spec(f"{SPEC}    - {unknown}\nloss: mse\noptimizer: sgd\n", "s.yaml")


def test_an_initializer_of_matrices_is_a_fault_of_any_layer_whose_vector_it_would_start() -> None:
    model = {"input": [4], "layers": [{"batch_norm": {"gamma_initializer": "orthogonal"}}]}
    with pytest.raises(SpecError, match=r"gamma_initializer of batch_norm: orthogonal starts a matrix or more"):
        side_of("torch", model)


def test_class_weights_are_as_many_as_there_are_classes() -> None:
    model, loss = {"input": [4], "layers": [{"dense": {"units": 3}}]}, "categorical_crossentropy"
    with pytest.raises(SpecError, match=r"class_weight has 2 numbers, and there are 3 classes: one for each"):
        side_of("torch", model, loss={loss: {"class_weight": [1.0, 2.0]}})
