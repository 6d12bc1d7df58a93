"""Clipping of gradients, in every framework and in front of every way in which an optimizer is written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers_frameworks import Reference, assert_same_step, each_framework, opened, side_of, starting_weights

from parity.errors import SpecError
from parity.optimizers.adam import Adam
from parity.optimizers.sgd import SGD
from parity.spec.load import parse_spec
from parity.spec.resolve import resolve

MODEL = {"input": [3], "layers": [{"dense": {"units": 4, "activation": "tanh"}}, {"dense": 2}]}
HALVING = {"inverse_time": {"initial_learning_rate": 0.5, "decay_steps": 1, "decay_rate": 1.0}}

CLIPS: list[dict[str, Any]] = [
    {"clipvalue": 0.05}, {"clipnorm": 0.1}, {"global_clipnorm": 0.1}, {"clipnorm": 0.1, "clip_epsilon": 1e-6},
    {"global_clipnorm": 0.1, "clip_epsilon": 1e-6}, {"clipnorm": 0.1, "clip_epsilon": 0.01},
    {"global_clipnorm": 0.1, "clip_epsilon": 0.01}, {"global_clipnorm": 100.0},
]  # fmt: skip
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "a framework's own": {"sgd": {"learning_rate": 0.5, "momentum": 0.5}},
    "with a rate that changes": {"sgd": {"learning_rate": HALVING, "momentum": 0.5}},
    "set anew in every step, or not": {"adam": {"epsilon": 0.1}},
    "set anew in every step, there": {"adam": {"epsilon": 0.1, "epsilon_place": "after_correction"}},
    "written out": {"adagrad": {"epsilon_place": "outside_root", "epsilon": 0.1}},
    "that no framework but one has": {"radam": {"learning_rate": 0.1}},
}


GATED = {"input": [4, 3], "layers": [{"gru": {"units": 2, "bias_initializer": "random_normal"}}, {"dense": 1}]}
NORMED: list[dict[str, Any]] = [{"sgd": {"learning_rate": 0.1, "clipnorm": 0.01}}, {"lamb": {"learning_rate": 0.1}}]


@pytest.mark.parametrize("optimizer", NORMED, ids=["clipnorm", "lamb"])
def test_the_norm_of_a_parameter_that_a_framework_keeps_in_parts_is_none(optimizer: dict[str, Any]) -> None:
    """PyTorch's GRU has two biases where the spec has one; a mask, or one bias, takes its own module out of it."""
    for framework in ("keras", "tensorflow", "keras_torch"):
        side_of(framework, GATED, optimizer=optimizer)
    with pytest.raises(
        SpecError, match=r"^optimizer: got .*PyTorch keeps gru\.bias in several tensors.*reset_after: false"
    ):
        side_of("torch", GATED, optimizer=optimizer)
    one = {**GATED, "layers": [{"gru": {"units": 2, "reset_after": False}}, {"dense": 1}]}
    both = {**GATED, "layers": [{"bidirectional": {"layer": {"gru": {"units": 2}}}}, {"dense": 1}]}
    masked = {**GATED, "layers": ["masking", *GATED["layers"]]}
    for model in (one, masked):
        side_of("torch", model, optimizer=optimizer)
    with pytest.raises(SpecError, match=r"bidirectional\.forward_bias .*\n.*bidirectional\.backward_bias"):
        side_of("torch", both, optimizer=optimizer)
    side_of("torch", GATED, optimizer={"sgd": {"learning_rate": 0.1, "global_clipnorm": 0.01}})
    frozen = {**GATED, "layers": [{"dense": 3}, {"gru": {"units": 2, "trainable": False}}, {"dense": 1}]}
    side_of("torch", frozen, optimizer=optimizer)
    with pytest.raises(SpecError) as caught:
        side_of("torch", GATED, optimizer=optimizer)
    assert ("global_clipnorm" in str(caught.value)) is ("sgd" in optimizer)


def test_a_parameter_that_a_framework_keeps_in_parts_starts_as_each_of_them_can() -> None:
    """A bias of (2, 3 units) is a matrix, and PyTorch has its two rows; what brought the start there has the line."""
    model = {**GATED, "layers": [{"gru": {"units": 2, "bias_initializer": "orthogonal"}}, {"dense": 1}]}
    side_of("keras", model)
    with pytest.raises(SpecError) as caught:
        side_of("torch", model)
    assert "orthogonal starts gru.bias; PyTorch keeps gru.bias in several tensors" in str(caught.value)
    assert caught.value.faults[0].path == "model.layers[0]"
    with pytest.raises(SpecError) as caught:
        resolve(parse_spec(CHANGED, "s.yaml"))
    assert [(one.line, one.path) for one in caught.value.faults] == [(9, "sides.b.changes.layers.gru.bias_initializer")]


CHANGED = """\
name: parts
data: {source: rows.npz}
model: {input: [4, 3], layers: [{gru: {units: 2}}, {dense: {units: 1}}]}
loss: mse
optimizer: sgd
sides:
  a: {framework: keras}
  b: {framework: torch, changes: {
    layers.gru.bias_initializer: orthogonal}}
"""


def close(framework: str, optimizer: dict[str, Any], other: dict[str, Any]) -> None:
    """Check three steps of a program against the reference of another optimizer."""
    sides = [side_of(framework, MODEL, optimizer=one) for one in (optimizer, other)]
    rng, weights = np.random.default_rng(3), starting_weights(sides[0])
    x, y = 3 * rng.normal(size=(8, 3)), rng.uniform(size=(8, 2))
    reference = Reference(sides[1], x, y, weights)
    with opened(sides[0], x, y, weights) as program:
        for number in range(3):
            assert_same_step(program.step(number, eager=number < 2), reference.take(number), 1e-11)


@pytest.mark.takes_turns
@each_framework
@pytest.mark.parametrize("clip", CLIPS, ids=str)
def test_gradients_are_clipped_as_the_spec_says(framework: str, clip: dict[str, Any]) -> None:
    optimizer = {"sgd": {"learning_rate": 0.5, "momentum": 0.5, **clip}}
    close(framework, optimizer, optimizer)


@pytest.mark.takes_turns
@each_framework
@pytest.mark.parametrize("how", OPTIMIZERS)
@pytest.mark.parametrize("clip", [CLIPS[0], CLIPS[1], CLIPS[6]], ids=str)
def test_every_way_of_writing_an_optimizer_clips(framework: str, how: str, clip: dict[str, Any]) -> None:
    ((kind, fields),) = OPTIMIZERS[how].items()
    close(framework, {kind: {**fields, **clip}}, {kind: {**fields, **clip}})


@pytest.mark.takes_turns
@each_framework
@pytest.mark.parametrize(
    ("clip", "other"),
    [({"clipnorm": 0.1}, {"global_clipnorm": 0.1}), ({"clipvalue": 0.05}, {}),
     ({"global_clipnorm": 0.1, "clip_epsilon": 1e-6}, {"global_clipnorm": 0.1})],
    ids=str,
)  # fmt: skip
def test_another_way_of_clipping_is_seen(framework: str, clip: dict[str, Any], other: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="update"):
        close(framework, {"sgd": {"learning_rate": 0.5, **clip}}, {"sgd": {"learning_rate": 0.5, **other}})


def test_what_clipping_comes_to() -> None:
    """By hand: gradients (3, 4) and 12, of norms 5 and 12, and 13 together."""
    gradients = {"a": np.array([3.0, 4.0]), "b": np.array([12.0])}

    def clipped(**fields: Any) -> list[float]:
        found = SGD(**fields).clipped(gradients)
        return [*found["a"], *found["b"]]

    assert clipped() == [3.0, 4.0, 12.0]
    assert clipped(clipvalue=3.5) == [3.0, 3.5, 3.5]
    assert clipped(clipnorm=10.0) == pytest.approx([3.0, 4.0, 10.0])
    assert clipped(global_clipnorm=6.5) == pytest.approx([1.5, 2.0, 6.0])
    assert clipped(global_clipnorm=6.5, clip_epsilon=13.0) == pytest.approx([0.75, 1.0, 3.0])
    assert clipped(clipnorm=5.0, clip_epsilon=5.0) == pytest.approx([1.5, 2.0, 60 / 17])
    assert SGD(clipnorm=1.0).clipped({"a": np.zeros(2)})["a"].tolist() == [0.0, 0.0]


def test_one_way_of_clipping_at_a_time() -> None:
    with pytest.raises(ValueError, match="one of clipvalue, clipnorm and global_clipnorm"):
        Adam(clipvalue=1.0, clipnorm=1.0)
