"""Blocks of a spec are classes in programs: these do what the reference does, and read as one would write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import EACH_FRAMEWORK, FRAMEWORKS, side_of
from helpers_sample import WHOLE

from parity.compile import Program, compile_side
from parity.data.loading import Dataset
from parity.result.patches import first_lines
from parity.selftest.pair_bench import TestBench
from parity.spec.resolve import changed
from tests.entries.test_frameworks import agree

CONV: dict[str, Any] = {"filters": 4, "kernel_size": 3, "padding": "same", "use_bias": False}


def block(name: str, repeat: int, *layers: Any, **fields: Any) -> dict[str, Any]:
    return {"block": {"name": name, "repeat": repeat, "layers": list(layers), **fields}}


def layer(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    return {kind: {"name": name, **fields}}


def residual(filters: int, strides: int) -> list[Any]:
    """Return the layers of a residual block with a shortcut."""
    conv = CONV | {"filters": filters}
    return [
        layer("conv2d", "shortcut", **conv | {"filters": 2 * filters, "kernel_size": 1, "strides": strides}),
        layer("conv2d", "conv", **conv | {"kernel_size": 1, "strides": strides}, inputs="input"),
        layer("batch_norm", "norm"),
        layer("activation", "relu_1", function="relu"),
        layer("dropout", "drop", rate=0.25),
        layer("conv2d", "widen", **conv | {"filters": 2 * filters}),
        layer("add", "add", inputs=["widen", "shortcut"]),
        layer("activation", "relu", function="relu"),
    ]


STAGES: dict[str, Any] = {
    "input": [6, 6, 3],
    "layers": [
        block("a", 1, *residual(2, 1)), block("b", 1, *residual(3, 2)), block("c", 1, *residual(2, 1)),
        {"flatten": {"name": "flatten"}}, {"dense": {"units": 3, "name": "out"}},
    ],
}  # fmt: skip
"""Blocks of several names that are one class, and the first of which reads the model's input."""

NESTED: dict[str, Any] = {
    "input": [5, 4],
    "layers": [
        block(
            "outer", 2,
            layer("dense", "grow", units=6, activation="tanh"),
            block(
                "pair", 2,
                layer("dense", "mix", units=6, activation="relu"), layer("again", "again", layer="mix"),
                layer("dropout", "drop", rate=0.5), layer("add", "join", inputs=["drop", "input"]),
                layer("batch_norm", "norm", momentum=0.5),
            ),
            layer("dense", "shrink", units=4, kernel_regularizer="l2", kernel_constraint={"max_norm": 0.9}),
            layer("subtract", "apart", inputs=["shrink", "input"]),
        ),
        {"dense": {"units": 2, "name": "out"}},
    ],
}  # fmt: skip
"""A block in a block, each several times, with a layer that is used again, and masks."""

FROM_AFAR: dict[str, Any] = {
    "inputs": {"left": [4], "right": [4]},
    "layers": [
        {"dense": {"units": 5, "name": "side", "inputs": "right"}},
        block(
            "gated", 3,
            layer("dense", "told", units=5, activation="sigmoid", inputs="side"),
            layer("dense", "seen", units=5, activation="tanh", inputs="input"),
            layer("multiply", "gate", inputs=["told", "seen"]), layer("layer_norm", "norm"),
            inputs="left",
        ),
        {"concatenate": {"inputs": ["gated", "side"], "name": "both"}},
        {"dense": {"units": 2, "name": "out"}},
    ],
}  # fmt: skip
"""A block that reads a layer outside beside what it is given, and gives the output that others read."""

SEQUENCES: dict[str, Any] = {
    "input": [5, 3],
    "layers": [
        block(
            "layers", 2,
            layer("lstm", "told", units=3, return_sequences=True), layer("dropout", "drop", rate=0.25),
            layer("add", "join", inputs=["drop", "input"]), layer("layer_norm", "norm"),
            layer("multi_head_attention", "seen", num_heads=1, key_dim=2, use_bias=False),
            layer("conv1d", "conv", filters=3, kernel_size=2, padding="same"),
        ),
    ],
}  # fmt: skip
"""Layers that keep their weights in layers of theirs, and a block at the end of the model."""

CHANNELS_FIRST: dict[str, Any] = {
    "input": [3, 6, 5],
    "layers": [
        block(
            "turned", 2,
            layer("conv2d", "conv", **CONV | {"filters": 3, "data_format": "channels_first"}),
            layer("batch_norm", "norm", axis=1, unbiased_variance=True), layer("activation", "gelu", function="gelu"),
            layer("max_pooling2d", "pool", pool_size=2, strides=1, padding="same", data_format="channels_first"),
            layer("average", "mean", inputs=["pool", "input"]),
        ),
        {"flatten": {"data_format": "channels_first", "name": "flatten"}},
        {"dense": {"units": 2, "name": "out"}},
    ],
}  # fmt: skip

MODELS = {
    "stages": STAGES, "nested": NESTED, "from afar": FROM_AFAR, "sequences": SEQUENCES,
    "channels first": CHANNELS_FIRST,
}  # fmt: skip


def rows(model: Mapping[str, Any]) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(6, *model.get("input", [8])))


def program_of(framework: str, model: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> Program:
    side = side_of(framework, model)
    return compile_side(changed(side, dict(changes), "b") if changes else side, name="blocks")


@pytest.mark.takes_turns
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_a_model_of_blocks_is_its_reference(framework: str, name: str) -> None:
    """The nested one takes a step as a free run does, too; in ``make long`` all do."""
    assert re.search(r"^(class \w*Block|def \w*block)\(", program_of(framework, MODELS[name]).source, re.M)
    agree(framework, MODELS[name], rows(MODELS[name]), optimizer="adam", free=WHOLE or name == "nested")


# ------------------------------------------------------------------------------------------- one time is another

CHANGES: dict[str, dict[str, Any]] = {
    "numbers": {
        "layers.outer_2_pair_1_mix.kernel_initializer": {"constant": 0.1}, "layers.outer_*_pair_2_drop.rate": 0.25,
        "layers.outer_1_grow.units": 7, "layers.outer_1_pair_*_mix.units": 7,
    },
    "kinds": {
        "layers.outer_2_pair_1_mix.activation": "tanh", "layers.outer_2_shrink.before": {"dense": {"units": 3}},
        "layers.outer_1_pair_2_norm": None,
    },
}  # fmt: skip


@pytest.mark.sampled(2)
@pytest.mark.parametrize("change", CHANGES)
def test_one_time_of_a_block_may_be_another(bench: TestBench, change: str) -> None:
    """All programs do the same, and what their NumPy reference does; those of Keras on PyTorch in ``make long``."""
    x = rows(NESTED)
    y = np.random.default_rng(8).uniform(size=(len(x), 5, 2))
    data = Dataset(x=x, y=y, raw_x=x, raw_y=y, description="made up")
    told: dict[str, Any] = {
        "training": {"batch_size": 3},
        "optimizer": {"sgd": {"learning_rate": 0.1, "momentum": 0.9}},
    }
    names = (*FRAMEWORKS, *(("keras_torch",) if WHOLE else ()))
    sides = [changed(side_of(name, NESTED, **told), CHANGES[change], name) for name in names]
    found = bench.judged([replace(one, name=one.framework) for one in sides], data, 2, hold=True)
    assert [judge.first for judge in found.judges] == [None] * (len(names) - 1)


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_a_number_of_one_time_is_an_argument_and_anything_else_has_it_written_out(framework: str) -> None:
    plain = program_of(framework, NESTED).source
    rate = program_of(framework, NESTED, {"layers.outer_2_pair_1_drop.rate": 0.25}).source
    (line,) = first_lines("side", "file", plain, rate)
    assert "0.5" in line.text
    assert "rate" in line.instead
    assert len(rate.splitlines()) <= len(plain.splitlines()) + 4
    other = program_of(framework, NESTED, {"layers.outer_2_pair_1_mix.activation": "tanh"}).source
    assert re.search(r"outer_2_pair_1_mix", other)
    assert "outer_1_pair_1_mix" not in other


SHORT = [block("res", 3, layer("dense", "mix", units=3)), {"dense": 2}]
ALONE = [block("res", 1, *(layer("dense", f"mix_{number}", units=3) for number in range(9)))]


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_a_block_that_stands_once_or_is_short_is_written_out(framework: str) -> None:
    for layers in (SHORT, ALONE):
        source = program_of(framework, {"input": [3], "layers": layers}).source
        assert not re.search(r"[bB]lock\(", source)


def test_numbers_are_called_as_fields_are_and_said_as_multiples() -> None:
    source = program_of("torch", STAGES).source
    assert "    def __init__(self, channels, filters, strides):\n" in source
    assert "self.shortcut = nn.Conv2d(channels, 2 * filters, 1, stride=strides, bias=False)" in source
    assert "self.b = Block(4, 3, 2)" in source
    tensorflow = program_of("tensorflow", STAGES).source
    assert "def __init__(self, channels, filters, kernel_size, strides, dtype):" in tensorflow
    assert "kernel_size * kernel_size * channels" in tensorflow
    assert 'x = block(x, 3, 2, "b")' in program_of("keras", STAGES).source


def test_where_tensors_lie_is_a_path_into_the_block() -> None:
    bindings = program_of("torch", NESTED).bindings
    assert bindings.weights["outer_2_pair_1_mix.kernel"].attribute == "outer_2.pair_1.mix.weight"
    assert bindings.outputs["outer_1_pair_2_norm"].attribute == "outer_1.pair_2.norm"
    tensorflow = program_of("tensorflow", NESTED).bindings
    assert tensorflow.weights["outer_2_pair_1_norm.gamma"].attribute.startswith("outer_2.pair_1.norm")


# ------------------------------------------------------------------------------------------- names within blocks

SETS: dict[str, list[Any]] = {
    "activations": [
        layer("dense", "d", units=4), layer("activation", "act_1", function="relu"), layer("layer_norm", "n1"),
        layer("activation", "act_2", function="relu"), layer("dense", "e", units=3),
        layer("activation", "act_3", function="tanh"), layer("layer_norm", "n2"),
        layer("activation", "act_4", function="tanh"),
    ],
    "dropouts": [
        layer("dense", "d", units=4), layer("dropout", "p1", rate=0.1), layer("layer_norm", "n1"),
        layer("dropout", "p2", rate=0.1), layer("dense", "e", units=3), layer("dropout", "p3", rate=0.2),
        layer("layer_norm", "n2"), layer("dropout", "p4", rate=0.2),
    ],
    "poolings": [
        layer("average_pooling1d", f"pool_{number}", pool_size=size, strides=1, padding="same")
        for number, size in enumerate((2, 2, 3, 3), 1)
    ],
    "three": [
        layer("dense", "relu", units=3), layer("activation", "act_1", function="relu"), layer("layer_norm", "n1"),
        layer("activation", "act_2", function="relu"), layer("dropout", "act_3", rate=0.1),
        layer("layer_norm", "act"), layer("dropout", "act_4", rate=0.1), layer("activation", "in_1", function="elu"),
        layer("layer_norm", "n2"), layer("activation", "in_2", function="elu"),
    ],
}  # fmt: skip
"""Layers without parameters that are alike two by two, and would be called the same."""


@pytest.mark.parametrize("name", SETS)
def test_layers_of_a_block_that_are_alike_share_a_method_that_no_others_have(name: str) -> None:
    model = {"input": [5, 3], "layers": [block("b", 2, *SETS[name]), {"dense": {"units": 2, "name": "out"}}]}
    outputs = program_of("tensorflow", model).bindings.outputs.values()
    assert len({(one.attribute, one.call) for one in outputs}) == len(outputs)
    agree("tensorflow", model, rows(model))


RESERVED = ("train", "train_", "forward", "training", "type", "trainable_variables", "name", "in", "global", "x")


def called_as_models_are() -> dict[str, Any]:
    """Return a model of blocks whose layers are called as attributes of models, words of Python and arguments."""
    dense = [layer("dense", name, units=3) for name in RESERVED]
    own = [layer("activation", name, function="relu") for name in ("eval", "is_1", "is_2")]
    inner = block("modules", 1, layer("dense", "double", units=3), layer("add", "half", inputs=["double", "input"]))
    layers = [*dense, layer("add", "sum", inputs=[*RESERVED]), *own, inner, layer("layer_norm", "lambda")]
    alone = [block(name, 1, *layers) for name in ("parameters", "children")]
    return {
        "input": [3],
        "layers": [block("b", 2, *layers), *alone, layer("dense", "out", units=2)],
    }


@pytest.mark.takes_turns
@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_layers_of_a_block_may_be_called_as_what_a_model_has_and_as_words_of_python(framework: str) -> None:
    agree(framework, called_as_models_are(), rows(called_as_models_are()))


MIX = [
    layer("dense", "mix", units=3, activation="relu"),
    layer("layer_norm", "norm"),
    layer("add", "add", inputs=["norm", "input"]),
]
OTHER = [layer("dense", "turn", units=3, activation="tanh"), layer("multiply", "gate", inputs=["turn", "input"]),
         layer("layer_norm", "even"), layer("dense", "last", units=3)]  # fmt: skip

NAMED: dict[str, list[Any]] = {
    "numbers alone": [block("block_1", 3, *MIX), block("block_2", 3, *OTHER), block("block_12", 3, *OTHER, *MIX)],
    "layers of a kind": [
        block(name, 2, *(layer("dense", f"{way}_{n}", units=3, activation=way) for way in ways for n in (1, 2)), *MIX)
        for name, ways in {"a": ("relu", "tanh", "elu"), "b": ("tanh", "elu", "relu")}.items()
    ],
    "capitals": [block("res", 3, *MIX), block("Res", 3, *OTHER), block("RES_block", 3, *MIX, *OTHER)],
    "a layer": [
        layer("dense", "res_block", units=3), block("res", 3, *MIX), layer("add", "sum", inputs=["res", "res_block"]),
    ],
    "a block": [
        block("block", 3, *OTHER), block("block_block", 1, *MIX), block("a_block", 1, *MIX), block("b_block", 1, *MIX),
        layer("add", "sum", inputs=["b_block", "block"]),
    ],
    "within": [
        block(
            "outer", 2, layer("dense", "res_block", units=3), block("res", 3, *MIX),
            layer("add", "sum", inputs=["res", "res_block"]),
        ),
    ],
}  # fmt: skip
"""Blocks whose classes or functions would be called as no class can be, as one another or as layers are."""


@pytest.mark.takes_turns
@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_what_stands_for_a_block_has_a_name_of_its_own(framework: str, name: str) -> None:
    model = {"input": [3], "layers": [*NAMED[name], {"dense": {"units": 2, "name": "out"}}]}
    made = re.findall(r"^(?:class|def) (\w+)\(", program_of(framework, model).source, re.M)
    assert len(set(made)) == len(made)
    agree(framework, model, rows(model))
