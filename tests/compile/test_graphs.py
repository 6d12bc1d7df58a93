"""Models with branches in every framework: programs do what the reference does, and read as one would write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import EACH_FRAMEWORK, side_of
from helpers_sample import WHOLE

from parity.compile import compile_side
from tests.entries.test_frameworks import agree

CONV: dict[str, Any] = {"filters": 4, "kernel_size": 3, "padding": "same"}

RESIDUAL: dict[str, Any] = {
    "input": [5, 6, 3],
    "layers": [
        {"conv2d": CONV | {"use_bias": False, "name": "conv"}},
        {"batch_norm": {"name": "norm"}},
        {"activation": {"function": "relu", "name": "relu"}},
        {"conv2d": CONV | {"name": "second"}},
        {"dropout": {"rate": 0.25, "name": "drop"}},
        {"add": {"inputs": ["drop", "relu"], "name": "add"}},
        {"activation": {"function": "relu", "name": "relu_2"}},
        {"conv2d": CONV | {"strides": 2, "name": "left"}},
        {"max_pooling2d": {"padding": "same", "inputs": "relu_2", "name": "right"}},
        {"concatenate": {"inputs": ["left", "right"], "name": "both"}},
        {"flatten": {"name": "flatten"}},
        {"dense": {"units": 4, "name": "out"}},
    ],
}

TWO_DROPOUTS: dict[str, Any] = {
    "input": [6],
    "layers": [
        {"dense": {"units": 8, "activation": "tanh", "name": "stem"}},
        {"dropout": {"rate": 0.5, "name": "near"}},
        {"dense": {"units": 8, "inputs": "stem", "name": "long"}},
        {"dense": {"units": 8, "activation": "tanh", "name": "longer"}},
        {"dropout": {"rate": 0.25, "name": "far"}},
        {"multiply": {"inputs": ["near", "far"], "name": "gate"}},
        {"dense": {"units": 3, "name": "out"}},
    ],
}
"""Keras calls ``far`` before ``near``, which stands closer to the output."""

AGAIN: dict[str, Any] = {
    "input": [6],
    "layers": [
        {"dense": {"units": 5, "activation": "tanh", "name": "left"}},
        {"dense": {"units": 5, "activation": "sigmoid", "inputs": "input", "name": "right"}},
        {"dense": {"units": 4, "activation": "tanh", "inputs": "left", "name": "tower", "kernel_regularizer": "l2"}},
        {"again": {"layer": "tower", "inputs": "right", "name": "other"}},
        {"subtract": {"inputs": ["tower", "other"], "name": "apart"}},
        {"dense": {"units": 2, "name": "out"}},
    ],
}

NORMED_TWICE: dict[str, Any] = {
    "input": [6],
    "layers": [
        {"dense": {"units": 5, "name": "one"}},
        {"batch_norm": {"momentum": 0.5, "name": "norm"}},
        {"activation": {"function": "relu", "name": "relu"}},
        {"again": {"layer": "norm", "name": "norm_again"}},
        {"again": {"layer": "relu", "name": "relu_again"}},
        {"average": {"inputs": ["one", "relu_again", "relu"], "name": "mean"}},
    ],
}
"""Running statistics that move twice in a step, an activation used twice, and an average as the output."""

CHANNELS_FIRST: dict[str, Any] = {
    "input": [3, 6, 5],
    "layers": [
        {"conv2d": CONV | {"data_format": "channels_first", "name": "conv"}},
        {"conv2d": CONV | {"data_format": "channels_first", "name": "second"}},
        {"maximum": {"inputs": ["conv", "second"], "name": "most"}},
        {"concatenate": {"inputs": ["most", "conv"], "axis": 1, "name": "both"}},
        {"flatten": {"data_format": "channels_first", "name": "flatten"}},
        {"dense": {"units": 2, "name": "out"}},
    ],
}

MODELS = {
    "residual": RESIDUAL, "two dropouts": TWO_DROPOUTS, "again": AGAIN, "normed twice": NORMED_TWICE,
    "channels first": CHANNELS_FIRST,
}  # fmt: skip


def rows(model: Mapping[str, Any]) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(6, *model["input"]))


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
@pytest.mark.parametrize("name", MODELS)
def test_a_model_with_branches_is_its_reference(framework: str, name: str) -> None:
    """The residual one takes a step as a free run does, too; in ``make long`` all do."""
    agree(framework, MODELS[name], rows(MODELS[name]), optimizer="adam", free=WHOLE or name == "residual")


CALLED_ALIKE: dict[str, Any] = {
    "input": [6],
    "layers": [
        {"dense": {"units": 5, "name": "stem"}},
        {"activation": {"function": "squareplus", "name": "squareplus"}},
        {"activation": {"function": "squareplus", "inputs": "stem", "name": "twin"}},
        {"maximum": {"inputs": ["squareplus", "twin"], "name": "maximum"}},
        {"multiply": {"inputs": ["maximum", "squareplus"], "name": "Multiply"}},
        {"add": {"inputs": ["Multiply", "maximum"], "name": "add"}},
    ],
}


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_a_layer_may_be_called_as_a_function_of_the_program(framework: str) -> None:
    agree(framework, CALLED_ALIKE, rows(CALLED_ALIKE))


HANDED_ON = {"inputs": {"tokens": {"shape": [4, 2], "dtype": "integer"}}, "layers": [
    {"embedding": {"input_dim": 3, "output_dim": 2, "name": "image"}},
    {"spatial_dropout2d": {"rate": 0.0, "name": "drop"}},
    {"conv2d": {"filters": 2, "kernel_size": 1, "name": "left"}},
    {"conv2d": {"filters": 2, "kernel_size": 1, "name": "right", "inputs": "image"}},
    {"add": {"inputs": ["left", "right"]}},
    "flatten", {"dense": 2},
]}  # fmt: skip


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_what_a_layer_hands_on_as_it_is_has_the_gradient_of_its_own_readers(framework: str) -> None:
    """In PyTorch the very tensor, permuted once for the dropout and the convolution beside it."""
    agree(framework, HANDED_ON, np.random.default_rng(2).integers(0, 3, (5, 4, 2)))


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_branches_in_mixed_precision(framework: str) -> None:
    """In float64 such a program computes what the plain one does."""
    agree(framework, RESIDUAL, rows(RESIDUAL), numerics={"mixed_precision": "bfloat16"})


def source_of(framework: str, model: Mapping[str, Any]) -> str:
    return compile_side(side_of(framework, model), name="graph").source


def test_a_sum_is_written_as_one_where_what_reads_it_shows_it() -> None:
    source = source_of("torch", RESIDUAL)
    assert "        x = x + relu\n        relu_2 = self.relu_2(x)\n" in source
    assert "self.add" not in source


def test_a_value_that_nothing_else_shows_comes_out_of_a_module() -> None:
    source = source_of("torch", AGAIN | {"layers": [*AGAIN["layers"][:-1]]})
    assert "return x\n" in source
    assert "x = tower - x" in source
    both = source_of("torch", CHANNELS_FIRST)
    assert "self.both = Concatenate()" in both
    assert "def maximum(a, b):" in both


def test_keras_has_a_functional_model_and_a_layer_by_its_name_where_it_is_called_twice() -> None:
    source = source_of("keras", AGAIN)
    assert "tower_layer = keras.layers.Dense(" in source
    assert "tower = tower_layer(left)" in source
    assert "x = tower_layer(right)" in source
    assert "return keras.Model(inputs, x)" in source
    assert "Sequential" not in source


TWO_INPUTS: dict[str, Any] = {
    "inputs": {"image": [4, 4, 2], "code": {"shape": [3]}},
    "layers": [
        {"conv2d": {"filters": 3, "kernel_size": 2, "inputs": "image", "name": "conv"}},
        {"flatten": {"name": "flatten"}},
        {"dense": {"units": 4, "activation": "tanh", "name": "seen"}},
        {"dense": {"units": 4, "activation": "tanh", "inputs": "code", "name": "told"}},
        {"multiply": {"inputs": ["seen", "told"], "name": "gate"}},
        {"dense": {"units": 2, "name": "out"}},
    ],
}


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_a_model_of_two_inputs_is_its_reference(framework: str) -> None:
    """The harness keeps all numbers of a row side by side; the program is given each input."""
    x = np.random.default_rng(3).normal(size=(6, 4 * 4 * 2 + 3))
    agree(framework, TWO_INPUTS, x, optimizer="adam")


def frozen(**norm: Any) -> dict[str, Any]:
    return {
        "input": [5, 3],
        "layers": [
            {
                "conv1d": {
                    "filters": 4,
                    "kernel_size": 2,
                    "trainable": False,
                    "kernel_regularizer": "l2",
                    "name": "conv",
                }
            },
            {"batch_norm": {"name": "norm", **norm}},
            {"flatten": {"name": "flatten"}},
            {"dense": {"units": 3, "activation": "tanh", "name": "head"}},
            {"dense": {"units": 2, "trainable": False, "name": "out"}},
        ],
    }


FROZEN = [
    {"trainable": False}, {"trainable": False, "freeze_statistics": False}, {"freeze_statistics": True},
    {"trainable": False, "freeze_statistics": False, "unbiased_variance": True}, {},
]  # fmt: skip


@pytest.mark.takes_turns
@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
@pytest.mark.parametrize("norm", FROZEN, ids=str)
def test_what_is_frozen_stays_and_what_reads_it_is_trained(framework: str, norm: dict[str, Any]) -> None:
    """Keras freezes a batch norm's statistics with it, PyTorch does not: each is said in every framework."""
    model = frozen(**norm)
    step = agree(framework, model, rows(model), optimizer={"adamw": {"learning_rate": 0.1}})
    assert set(step.update) == {"head.kernel", "head.bias"} | (
        {"norm.gamma", "norm.beta"} if norm.get("trainable", True) else set()
    )


def test_pytorch_freezes_parameters_and_keras_a_layer() -> None:
    model = frozen(trainable=False)
    assert "        self.conv.requires_grad_(False)\n" in source_of("torch", model)
    assert "self.norm = SettledBatchNorm1d(" in source_of("torch", model)
    keras = source_of("keras", model)
    assert 'BatchNormalization(trainable=False, name="norm")' in keras
    moving = source_of("keras", frozen(trainable=False, freeze_statistics=False))
    assert 'MovingBatchNormalization(name="norm")' in moving
