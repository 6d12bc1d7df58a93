"""Blocks of a spec are classes in programs: these do what the reference does, and read as one would write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import EACH_FRAMEWORK, side_of

from parity.compile import Program, compile_side
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


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_a_model_of_blocks_is_its_reference(framework: str, name: str) -> None:
    assert re.search(r"^(class \w*Block|def \w*block)\(", program_of(framework, MODELS[name]).source, re.M)
    agree(framework, MODELS[name], rows(MODELS[name]), optimizer="adam")
