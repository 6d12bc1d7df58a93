"""Sample weights: what a batch comes to by hand, in NumPy and in every framework, with masks, classes and forms."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import (
    Reference,
    assert_close,
    assert_same_step,
    difference,
    everywhere,
    opened,
    side_of,
    starting_weights,
)
from helpers_sample import dealt

from parity.catalog import LOSSES
from parity.compile import compile_side
from parity.losses import Loss
from parity.selftest.random_specs import targets
from parity.spec.resolve import Resolved

Y, W = [[0.0, 0.0], [0.0, 0.0]], [3.0, 1.0]
X = [[1.0, 3.0], [2.0, 4.0]]
"""Squared errors 1 and 9, mean 5, of a row that counts 3 times; 4 and 16, mean 10, of one that counts once."""

HALF, LOG2 = [[0.0, 0.0]] * 2, math.log(2.0)

CASES: list[tuple[str, str, dict[str, Any], Any, Any, float]] = [
    ("3 times 5 and 10, over two rows: not over 4, the sum of the weights", "mse", {}, X, Y, 12.5),
    ("over the sum of the weights", "mse", {"reduction": "mean_with_sample_weight"}, X, Y, 6.25),
    ("Keras's sum, of the rows' means", "mse", {"reduction": "sum_over_rows"}, X, Y, 25.0),
    ("PyTorch's, of all", "mse", {"reduction": "sum", "weight": 0.5}, X, Y, 25.0),
    ("each row costs log 2", "categorical_crossentropy", {"from_logits": True}, HALF, [[0.0, 1.0], [1.0, 0.0]],
     2 * LOG2),
    ("so of class numbers, as a sum", "sparse_categorical_crossentropy", {"from_logits": True, "reduction": "sum"},
     HALF, [1, 0], 4 * LOG2),
    ("a row counts its own weight times that of its class: 3 times 2, and 1", "sparse_categorical_crossentropy",
     {"from_logits": True, "class_weight": (1.0, 2.0)}, HALF, [1, 0], 3.5 * LOG2),
    ("over the sum of both: 7 log 2 over 7", "sparse_categorical_crossentropy",
     {"from_logits": True, "class_weight": (1.0, 2.0), "divisor": "weights"}, HALF, [1, 0], LOG2),
    ("smoothed labels leave the weights as they are", "categorical_crossentropy",
     {"from_logits": True, "label_smoothing": 0.5}, [[0.0, 4.0]] * 2, [[0.0, 1.0], [0.0, 1.0]],
     2 * (1.0 + math.log1p(math.exp(-4.0)))),
    ("half of the outputs of a row are right", "sigmoid_crossentropy", {}, [[1.0, 1.0], [1.0, 1.0]],
     [[0.0, 1.0], [1.0, 1.0]], 3 * (16.118095651484676 + 1.0000000494736474e-07) / 4 + 1.0000000494736474e-07 / 2),
    ("flat targets, row by row", "mse", {}, [[1.0], [2.0]], [0.0, 0.0], 3.5),
    ("stretched, the weights go with the targets: of 0 and 1 each meets 1 and 2", "mse", {"broadcast": "stretch"},
     [[1.0], [2.0]], [0.0, 1.0], (3 * (1 + 4) + (0 + 1)) / 4),
    ("a divergence over the classes, too", "kl_divergence", {"log_outputs": True, "reduction": "mean_over_classes"},
     [[math.log(0.5)] * 2] * 2, [[1.0, 0.0]] * 2, LOG2),
]  # fmt: skip


def made(kind: str, fields: dict[str, Any]) -> Loss:
    return LOSSES[kind](**fields)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_a_batch_comes_to_what_it_does_by_hand(case: tuple[str, str, dict[str, Any], Any, Any, float]) -> None:
    _, kind, fields, x, y, expected = case
    loss = made(kind, fields)
    given = np.asarray(x, float), np.asarray(y), bool(fields.get("from_logits"))
    assert loss.value(*given, np.asarray(W)) == pytest.approx(expected, rel=1e-13)
    ones = np.ones(2)
    if fields.get("reduction") == "mean_with_sample_weight":
        assert loss.value(*given) == loss.value(*given, ones) == made(kind, {}).value(*given)
    elif "class_weight" not in fields:
        assert loss.value(*given) == pytest.approx(loss.value(*given, ones), rel=1e-15)  # All alike: as without.


def case_side(framework: str, kind: str, fields: dict[str, Any], y: np.ndarray, width: int) -> Resolved:
    form = {"targets": "flat"} if y.ndim == 1 and kind == "mse" else {}
    layer = {"dense": {"units": width, "use_bias": False}}
    data = {"source": "rows.npz", "sample_weights": "w", **form}
    training = {"batch_size": len(y), "shuffle": False}
    return side_of(framework, {"input": [width], "layers": [layer]}, loss={kind: fields}, data=data, training=training)


@everywhere
def test_every_framework_comes_to_the_same(framework: str) -> None:
    """Of each case by hand the loss of its first step: a layer that hands on what it is given."""
    for shows, kind, fields, x, y, expected in dealt(CASES, framework):
        if kind == "sigmoid_crossentropy":
            fields = {**fields, "recover_logits": False}
        rows, goal = np.asarray(x, float), np.asarray(y)
        side = case_side(framework, kind, fields, goal, rows.shape[1])
        one_hot = np.eye(2)[goal] if goal.dtype.kind == "i" else goal.reshape(rows.shape)
        with opened(side, rows, one_hot, {"dense.kernel": np.eye(rows.shape[1])}, counts=W) as program:
            (loss,) = program.train(1)
        assert loss == pytest.approx(expected, rel=1e-12), shows


def weighed(framework: str, model: Any, loss: Any) -> None:
    """Check programs against the reference: a step that is watched, one of a free run, and what each row counts."""
    side = side_of(framework, model, loss=loss, data={"source": "rows.npz", "sample_weights": "w"},
                   training={"batch_size": 4})  # fmt: skip
    generator = np.random.default_rng(7)
    (read,) = side.graph.inputs
    x = generator.normal(size=(6, *read.shape)) if read.dtype == "float" else TOKENS
    y, shape = targets(side, 6, generator), side.last.output_shape[:-1]
    counts = np.where(generator.random((6, *shape)) < 0.2, 0.0, generator.uniform(0.1, 3.0, (6, *shape)))
    weights = starting_weights(side)
    with opened(side, x, y, weights, counts=counts) as program:
        reference = Reference(side, x, y, weights, counts)
        kept, wanted = program.state(), reference.take(0)
        assert_same_step(program.step(0, eager=True), wanted)
        assert "sample_weights" in program.step(0).batch  # Seen, where nothing guides the step.
        program.adopt(*kept, iterations=0)
        (found,) = program.train(1)
        assert difference(found, wanted.loss) <= 1e-12
        assert_close(program.state()[0], reference.weights, 1e-12, "weights after a free run")


TOKENS = np.array([[1, 2, 0, 3], [0, 0, 4, 1], [2, 2, 2, 2], [3, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 4]])
STEPS = {"inputs": {"words": {"shape": [4], "dtype": "integer"}}}
HEADS: dict[str, tuple[Any, str]] = {
    "classes": ({"sparse_categorical_crossentropy": {"weight": 0.5}}, "softmax"),
    "classes that count": ({"categorical_crossentropy": {"class_weight": [1.0, 2.0, 3.0], "divisor": "weights"}},
                           "softmax"),
    "not looked behind": ({"categorical_crossentropy": {"recover_logits": False}}, "softmax"),
    "written out": ({"sparse_categorical_crossentropy": {"label_smoothing": 0.1}}, "softmax"),
    "over the weights": ({"sigmoid_crossentropy": {"reduction": "mean_with_sample_weight"}}, "sigmoid"),
    "hidden from Keras": ({"sigmoid_crossentropy": {"from_logits": True, "weight": 2.0}}, "softmax"),
    "summed": ({"mse": {"reduction": "sum"}}, "linear"),
    "summed rows": ({"mae": {"reduction": "sum_over_rows"}}, "linear"),
    "divergence": ({"kl_divergence": {"log_outputs": True}}, "log_softmax"),
}  # fmt: skip


@pytest.mark.takes_turns
@everywhere
@pytest.mark.parametrize("name", HEADS)
def test_a_mask_leaves_out_steps_and_their_weights(framework: str, name: str) -> None:
    loss, ending = HEADS[name]
    front = {"embedding": {"input_dim": 5, "output_dim": 3, "mask_zero": True}}
    weighed(framework, {**STEPS, "layers": [front, {"dense": {"units": 3, "activation": ending}}]}, loss)


@pytest.mark.takes_turns
@everywhere
def test_a_step_weighs_by_itself_and_a_penalty_does_not(framework: str) -> None:
    layers = [{"dense": {"units": 3, "activation": "softmax", "kernel_regularizer": {"l2": 0.1}}}]
    weighed(framework, {"input": [5, 2], "layers": layers}, "categorical_crossentropy")
    weighed(framework, {"input": [2, 3, 2], "layers": layers}, {"sparse_categorical_crossentropy": {"weight": 3.0}})


@everywhere
def test_every_loss_is_weighed(framework: str) -> None:
    """Each as it is by default, and over the sum of the weights."""
    every = [kind for kind, entry in LOSSES.items() if not entry.at_home]
    for kind, how in dealt(itertools.product(every, ("mean", "mean_with_sample_weight")), framework):
        entry = LOSSES[kind]
        ending = "softplus" if entry.positive else entry.behind or "linear"
        ending = "softmax" if kind == "kl_divergence" else ending
        model = {"input": [4], "layers": [{"dense": {"units": 3, "activation": ending}}]}
        weighed(framework, model, {kind: {"reduction": how}})


def test_a_loss_that_has_none_by_rows_is_told_so_in_its_words() -> None:
    model = {"input": [4], "layers": [{"dense": 3}]}
    side = side_of("torch", model, loss="mse", data={"source": "rows.npz", "sample_weights": "w"})
    assert "each times its sample weight" in side.formula
    assert "sample_weights" not in compile_side(side_of("torch", model, loss="mse"), name="plain").source
