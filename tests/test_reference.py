"""The third witness on its own: its gradients are slopes of its loss, and a state taken up goes on as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers_frameworks import IMAGE, Reference, side_of, starting_weights

from parity import reference
from parity.spec.resolve import Resolved

X = np.random.default_rng(1).normal(size=(6, 9, 8, 2))
Y = np.eye(4)[[0, 1, 2, 3, 1, 0]]


def image(**sections: Any) -> Resolved:
    """Return a model with everything in it, that ends in a softmax which the loss looks behind."""
    layers = [*IMAGE["layers"][:-1], {"dense": {"units": 4, "activation": "softmax", "name": "logits"}}]
    told = {"loss": "categorical_crossentropy", "optimizer": "rmsprop", "training": {"batch_size": 3, "shuffle": False}}
    return side_of("keras", IMAGE | {"layers": layers}, **(told | sections))


def loss_with(side: Resolved, weights: dict[str, np.ndarray], layer: str, push: np.ndarray) -> float:
    """Return the loss of a first step in which a layer's output is pushed."""
    witness = reference.Reference(side, weights)
    op = next(op for op in witness.ops if op.name == layer)
    trained = op.trained

    def pushed(*args: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        value, moved = trained(*args)
        return value + push, moved

    object.__setattr__(op, "trained", pushed)
    try:
        return witness.step(X, Y, 0).loss
    finally:
        object.__delattr__(op, "trained")


@pytest.mark.parametrize("layer", [layer.name for layer in image().layers()])
def test_the_gradient_of_an_output_is_the_slope_of_the_loss(layer: str) -> None:
    side = image()
    weights = starting_weights(side)
    step = reference.Reference(side, weights).step(X, Y, 0)
    name = "logits.logits" if layer == "logits" else layer
    assert step.gradient[name].shape == step.forward[name].shape
    push = 1e-6 * np.random.default_rng(2).normal(size=step.forward[name].shape)
    push[step.forward[name] == 0] = 0.0  # Of several zeros in a window, any may become the largest.
    slope = (loss_with(side, weights, layer, push) - loss_with(side, weights, layer, -push)) / 2
    np.testing.assert_allclose((step.gradient[name] * push).sum(), slope, rtol=1e-5, atol=1e-13)


def test_a_step_says_all_there_is() -> None:
    side = image()
    step = reference.Reference(side, starting_weights(side)).step(X, Y, 0)
    trainable = {name for name, one in side.parameters().items() if one.trainable}
    statistics = set(side.parameters()) - trainable
    assert statistics == {f"{name}.moving_{what}" for name in ("batch_norm", "batch_norm_1", "batch_norm_2")
                          for what in ("mean", "variance")}  # fmt: skip
    assert set(step.update) == trainable
    assert set(step.gradient) == trainable | set(step.forward)
    assert set(step.state) == statistics | {f"velocity/{name}" for name in trainable}
    assert list(step.forward)[-1] == "logits.logits"


def test_the_loss_has_the_penalties_and_the_update_ends_where_the_constraint_says() -> None:
    side = image()
    plain = side_of("keras", IMAGE | {"layers": [strip(op) for op in side.config.model.layers]},
                    loss="categorical_crossentropy", optimizer="rmsprop")  # fmt: skip
    weights = starting_weights(side)
    witness = reference.Reference(side, weights)
    step = witness.step(X, Y, 0)
    penalties = sum(
        one.regularizer.penalty(weights[name]) for name, one in side.parameters().items() if one.regularizer is not None
    )
    assert step.loss - reference.Reference(plain, weights).step(X, Y, 0).loss == pytest.approx(penalties, rel=1e-12)
    norms = np.sqrt((witness.weights["conv2d.kernel"] ** 2).sum(axis=(0, 1, 2)))
    assert norms.max() == pytest.approx(1.0, rel=1e-6)
    np.testing.assert_allclose(
        weights["conv2d.kernel"] + step.update["conv2d.kernel"], witness.weights["conv2d.kernel"], rtol=1e-14
    )


def strip(op: Any) -> Any:
    held = {name: None for name in type(op).model_fields if name.endswith(("_regularizer", "_constraint"))}
    return op.replace(**held)


def test_a_state_taken_up_goes_on_as_it_was() -> None:
    side = image(optimizer={"adamw": {"learning_rate": {"cosine": {"initial_learning_rate": 0.1, "decay_steps": 4}}}})
    witness = Reference(side, X, Y, starting_weights(side))
    for number in range(2):
        witness.take(number)
    other = reference.Reference(side, witness.weights, witness.named_slots())
    wanted = witness.take(2)
    rows = witness.batch(2)
    got = other.step(X[rows], Y[rows], 2)
    assert got.loss == wanted.loss
    for name, value in wanted.state.items():
        np.testing.assert_array_equal(got.state[name], value, err_msg=name)
    np.testing.assert_array_equal(other.predict(X), witness.predictions())
