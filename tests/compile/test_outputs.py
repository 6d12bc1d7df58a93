"""Models of several outputs: programs do what the reference does in every framework, and read as one would write."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import EACH_FRAMEWORK, side_of

from parity.compile import compile_side
from parity.compile.predictions import in_one_form
from parity.data.dataset import Aim
from parity.reference import Reference
from parity.rows import apart, together
from tests.entries.test_frameworks import agree

CONV: dict[str, Any] = {"filters": 4, "kernel_size": 3, "padding": "same"}

SUPERVISED: dict[str, Any] = {
    "input": [5, 6, 3],
    "layers": [
        {"conv2d": CONV | {"use_bias": False, "name": "conv"}},
        {"batch_norm": {"name": "norm"}},
        {"conv2d": CONV | {"filters": 2, "activation": "tanh", "name": "edges"}},
        {"flatten": {"name": "flatten"}},
        {"dropout": {"rate": 0.25, "name": "dropout"}},
        {"dense": {"units": 6, "activation": "tanh", "name": "trunk", "kernel_regularizer": "l2"}},
        {"dense": {"units": 3, "activation": "softmax", "name": "sort"}},
        {"dense": {"units": 3, "inputs": "trunk", "name": "number"}},
    ],
    "outputs": {"kind": "sort", "seen": "edges", "count": "number"},
}  # fmt: skip
"""An output in the middle, channels first in PyTorch; a softmax that its loss applies; class numbers."""

LOSSES: dict[str, Any] = {
    "kind": {"categorical_crossentropy": {"weight": 0.5}},
    "seen": {"mse": {"weight": 2.0, "reduction": "sum_over_rows"}},
    "count": {"sparse_categorical_crossentropy": {"from_logits": True}},
}

TWO_DROPOUTS: dict[str, Any] = {
    "input": [6],
    "layers": [
        {"dense": {"units": 8, "activation": "tanh", "name": "stem"}},
        {"dropout": {"rate": 0.5, "name": "one"}},
        {"dense": {"units": 2, "name": "first"}},
        {"dropout": {"rate": 0.25, "inputs": "stem", "name": "other"}},
        {"dense": {"units": 1, "activation": "sigmoid", "name": "second"}},
    ],
    "outputs": {"zeta": "first", "alpha": "second"},
}
"""Keras follows outputs back in the order of their names, and so calls ``other`` before ``one``."""


def rows(model: dict[str, Any], count: int = 6) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(count, *model["input"]))


def supervised_targets(count: int = 6) -> np.ndarray:
    generator = np.random.default_rng(4)
    classes, numbers = (np.eye(3)[generator.integers(0, 3, count)] for _ in range(2))
    return together([classes, generator.normal(size=(count, 5, 6, 2)), numbers])


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_an_output_in_the_middle_and_losses_with_weights(framework: str) -> None:
    agree(framework, SUPERVISED, rows(SUPERVISED), supervised_targets(), loss=LOSSES, optimizer="adam")


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_masks_are_dealt_out_in_the_order_of_the_calls(framework: str) -> None:
    y = np.random.default_rng(5).integers(0, 2, (6, 3)).astype(float)
    loss = {"zeta": "mse", "alpha": "sigmoid_crossentropy"}
    agree(framework, TWO_DROPOUTS, rows(TWO_DROPOUTS), y, loss=loss)


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_several_outputs_in_mixed_precision(framework: str) -> None:
    """In float64 such a program computes what the plain one does."""
    numerics = {"mixed_precision": "bfloat16"}
    agree(framework, SUPERVISED, rows(SUPERVISED), supervised_targets(), loss=LOSSES, numerics=numerics)


SECOND_IS_MASKED = {
    "inputs": {"words": {"shape": [5], "dtype": "integer"}},
    "layers": [
        {"embedding": {"input_dim": 4, "output_dim": 2, "mask_zero": True, "name": "tokens"}},
        "flatten", {"dense": {"units": 3, "name": "whole"}},
    ],
    "outputs": {"all": "whole", "each": "tokens"},
}  # fmt: skip


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
@pytest.mark.parametrize("outputs", [{"all": "whole", "each": "tokens"}, {"each": "tokens", "all": "whole"}])
def test_the_mask_of_one_of_the_outputs_is_that_ones(framework: str, outputs: dict[str, str]) -> None:
    x = np.array([[1, 2, 0, 3, 0], [0, 3, 3, 1, 1], [2, 2, 2, 2, 2], [3, 0, 1, 0, 0]])
    parts = {
        "all": np.random.default_rng(3).normal(size=(4, 3)),
        "each": np.random.default_rng(4).normal(size=(4, 5, 2)),
    }
    y = together([parts[name] for name in outputs])
    agree(framework, {**SECOND_IS_MASKED, "outputs": outputs}, x, y, loss={"all": "mse", "each": "mse"})


def source(framework: str, model: dict[str, Any] = TWO_DROPOUTS, **sections: Any) -> str:
    loss = {"zeta": {"mse": {"weight": 0.5}}, "alpha": "sigmoid_crossentropy"}
    aims = (
        Aim(name="zeta", shape=(2,), raw=np.zeros((3, 2))),
        Aim(name="alpha", shape=(1,), raw=np.zeros(3), flat=True),
    )
    side = side_of(framework, model, **({"loss": loss} | sections))
    return compile_side(side, name="case", aims=aims).source


def test_programs_read_as_one_would_write_them() -> None:
    keras, torch, tensorflow = source("keras"), source("torch"), source("tensorflow")
    assert 'return keras.Model(inputs, {"zeta": first, "alpha": x})' in keras
    assert 'return {"zeta": first, "alpha": x}' in torch
    assert 'outputs["alpha"] = torch.sigmoid(outputs["alpha"])' in torch
    assert 'outputs["alpha"] = tf.nn.sigmoid(outputs["alpha"])' in tensorflow
    for text in (keras, torch, tensorflow):
        ast.parse(text)
        assert "0.5 * loss_of_zeta(" in text
        assert 'y = {"zeta": arrays["zeta"], "alpha": arrays["alpha"]}' in text
        assert 'y["alpha"] = y["alpha"].astype(np.float64).reshape(len(y["alpha"]), 1)' in text


def test_the_loss_is_the_sum_of_the_weighted_losses_and_its_gradient_meets_at_the_trunk() -> None:
    """By hand: one dense layer that is an output and is read by another, both with half the squared sum."""
    model = {
        "input": [1],
        "layers": [
            {"dense": {"units": 1, "use_bias": False, "name": "near"}},
            {"dense": {"units": 1, "use_bias": False, "name": "far"}},
        ],
        "outputs": {"a": "near", "b": "far"},
    }
    side = side_of("keras", model, loss={"a": "mse", "b": {"mse": {"weight": 3.0}}})
    found = Reference(side, {"near.kernel": np.array([[2.0]]), "far.kernel": np.array([[5.0]])})
    step = found.step(np.array([[1.0]]), np.array([[0.0, 4.0]]), 0)
    assert step.loss == 2.0**2 + 3.0 * (10.0 - 4.0) ** 2
    assert step.gradient["far"] == 3.0 * 2.0 * 6.0
    assert step.gradient["near"] == 2.0 * 2.0 + 36.0 * 5.0
    assert found.predicted(np.array([[1.0]])).keys() == {"a", "b"}


def test_rows_of_several_outputs_lie_side_by_side() -> None:
    side = side_of("keras", SUPERVISED, loss=LOSSES)
    assert side.row == (3 + 60 + 3,)
    y = supervised_targets()
    parts = apart(y, side.outputs)
    assert [part.shape[1:] for part in parts] == [(3,), (5, 6, 2), (3,)]
    assert np.array_equal(together(list(parts)), y)


def test_outputs_that_mean_probabilities_are_compared_as_such_each_by_itself() -> None:
    """One side's softmax is applied by its loss, the other's stands in the model and is not looked behind."""
    model = {"input": [4], "layers": [
        {"dense": {"units": 3, "activation": "softmax", "name": "label"}},
        {"dense": {"units": 1, "inputs": "input", "name": "value"}},
    ], "outputs": {"label": "label", "value": "value"}}  # fmt: skip
    losses = [
        {"label": {"categorical_crossentropy": {"recover_logits": behind}}, "value": "mse"} for behind in (True, False)
    ]
    sides = [replace(side_of("torch", model, loss=loss), name=name) for loss, name in zip(losses, "ab", strict=True)]
    bindings = {side.name: compile_side(side, name="case", formatted=False).bindings for side in sides}
    told = in_one_form(sides, bindings)
    assert [head.name for head in told["a"].heads] == ["label", "value"]
    assert told["a"].outputs.keys() == bindings["a"].outputs.keys()
    assert told["a"].heads[1].answer is None
