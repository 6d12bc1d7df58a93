"""What docs/programs.md shows is what is compiled: a residual block, an LSTM, and how long a 50-layer network is."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from helpers_frameworks import FRAMEWORKS, side_of

from parity.compile import compile_side
from parity.compile.emit import tidy

DOC = Path(__file__).resolve().parents[2] / "docs" / "programs.md"

CONV: dict[str, Any] = {"filters": 8, "kernel_size": 3, "padding": "same", "use_bias": False}

RESIDUAL: dict[str, Any] = {
    "input": [16, 16, 8],
    "layers": [
        {"block": {"name": "residual", "repeat": 3, "layers": [
            {"conv2d": CONV | {"name": "conv_1"}}, {"batch_norm": {"name": "norm_1"}},
            {"activation": {"function": "relu", "name": "relu_1"}},
            {"conv2d": CONV | {"name": "conv_2"}}, {"batch_norm": {"name": "norm_2"}},
            {"add": {"inputs": ["norm_2", "input"], "name": "add"}},
            {"activation": {"function": "relu", "name": "relu_2"}},
        ]}},
        {"global_average_pooling2d": {"name": "mean"}}, {"dense": {"units": 10, "name": "logits"}},
    ],
}  # fmt: skip

LSTM: dict[str, Any] = {
    "input": [12, 4],
    "layers": [{"lstm": {"units": 8, "name": "lstm"}}, {"dense": {"units": 2, "name": "logits"}}],
}

SHOWN = {
    ("residual", "torch"): (RESIDUAL, ("ResidualBlock", "Model")),
    ("residual", "tensorflow"): (RESIDUAL, ("Conv2D", "BatchNorm", "ResidualBlock", "Model")),
    ("residual", "keras"): (RESIDUAL, ("residual_block", "build_model")),
    ("lstm", "torch"): (LSTM, ("Model",)),
    ("lstm", "tensorflow"): (LSTM, ("Model",)),
    ("lstm", "keras"): (LSTM, ("build_model",)),
}


def shown(name: str, framework: str) -> str:
    """Return the parts of a compiled program that the page shows."""
    model, wanted = SHOWN[name, framework]
    source = compile_side(side_of(framework, model), name=name).source
    parts = {
        node.name: str(ast.get_source_segment(source, node))
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }
    return "\n\n\n".join(parts[one] for one in wanted)


@pytest.mark.parametrize(("name", "framework"), SHOWN)
def test_the_page_shows_what_is_compiled(name: str, framework: str) -> None:
    text = shown(name, framework)
    # ruff breaks the lines of a page's code elsewhere.
    there = [tidy(one) for one in re.findall(r"```python\n(.*?)```", DOC.read_text(encoding="utf-8"), re.S)]
    assert tidy(text) in there, f"docs/programs.md is to show, of {name} in {framework}:\n{text}"


# ------------------------------------------------------------------------------------------- fifty layers


def bottleneck(filters: int, strides: int, shortcut: bool) -> list[Any]:
    """Return the layers of a bottleneck: narrow, convolve, widen; around it the input, or a convolution of it."""

    def conv(name: str, filters: int, size: int, strides: int = 1, **more: Any) -> dict[str, Any]:
        told = {"filters": filters, "kernel_size": size, "strides": strides, "padding": "same", "use_bias": False}
        return {"conv2d": {**told, "name": name, **more}}

    def norm(name: str) -> dict[str, Any]:
        return {"batch_norm": {"name": name}}

    def relu(name: str) -> dict[str, Any]:
        return {"activation": {"function": "relu", "name": name}}

    around = [conv("shortcut", 4 * filters, 1, strides), norm("shortcut_norm")] if shortcut else []
    return [
        *around,
        conv("narrow", filters, 1, strides, inputs="input"), norm("norm_1"), relu("relu_1"),
        conv("conv", filters, 3), norm("norm_2"), relu("relu_2"), conv("widen", 4 * filters, 1), norm("norm_3"),
        {"add": {"inputs": ["norm_3", "shortcut_norm" if shortcut else "input"], "name": "add"}}, relu("relu"),
    ]  # fmt: skip


def fifty_layers(width: int) -> dict[str, Any]:
    """Return the 50-layer residual network on images of 32 x 32, as wide as is said: 64 in the paper."""
    layers: list[Any] = [
        {"conv2d": {"filters": width, "kernel_size": 7, "strides": 2, "padding": "same", "use_bias": False,
                    "name": "stem"}},
        {"batch_norm": {"name": "stem_norm"}}, {"activation": {"function": "relu", "name": "stem_relu"}},
        {"max_pooling2d": {"pool_size": 3, "strides": 2, "padding": "same", "name": "stem_pool"}},
    ]  # fmt: skip
    for name, times, repeat, strides in (("a", 1, 3, 1), ("b", 2, 4, 2), ("c", 4, 6, 2), ("d", 8, 3, 2)):
        filters = times * width
        layers.append({"block": {"name": f"{name}_first", "layers": bottleneck(filters, strides, True)}})
        layers.append({"block": {"name": name, "repeat": repeat - 1, "layers": bottleneck(filters, 1, False)}})
    return {"input": [32, 32, 3], "layers": [*layers, "global_average_pooling2d", {"dense": 10}]}


@cache
def fifty_in(framework: str) -> str:
    """Return the program of the 50-layer network."""
    side = side_of(framework, fifty_layers(64), loss={"categorical_crossentropy": {"from_logits": True}})
    return compile_side(side, name="r50", classes=10).source


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_fifty_layers_are_as_many_lines_as_the_page_says(framework: str) -> None:
    lines = len(fifty_in(framework).splitlines())
    told = re.search(rf"^\| {framework} \| (\d+) \|", DOC.read_text(encoding="utf-8"), re.M)
    assert told, f"docs/programs.md does not say how many lines {framework} takes"
    assert lines == int(told[1])
    assert lines <= {"keras": 250, "torch": 250, "tensorflow": 310}[framework]
