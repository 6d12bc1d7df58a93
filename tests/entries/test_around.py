"""Gradients gathered over batches and averages of weights, in every framework, around every way of writing a rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers_frameworks import (
    Reference,
    assert_close,
    assert_same_step,
    each_framework,
    opened,
    side_of,
    starting_weights,
)

from parity.optimizers.adam import Adam
from parity.optimizers.sgd import SGD

HALVING = {"inverse_time": {"initial_learning_rate": 0.5, "decay_steps": 1, "decay_rate": 1.0}}
MODEL = {
    "input": [3],
    "layers": [{"dense": {"units": 4, "activation": "tanh", "kernel_constraint": "non_neg"}}, {"dense": 2}],
}
STEPS = 5

GATHERS = {"gradient_accumulation_steps": 2}
AVERAGES = {"use_ema": True, "ema_momentum": 0.75, "ema_overwrite_frequency": 2}

WAYS: dict[str, dict[str, Any]] = {
    "a framework's own": {"sgd": {"learning_rate": 0.5, "momentum": 0.5, "dampening": 0.5,
                                  "rate_place": "outside_velocity"} | GATHERS},
    "a sum that is clipped": {"sgd": {"learning_rate": HALVING, "accumulation": "sum", "global_clipnorm": 0.2,
                                      "clip_epsilon": 1e-6} | GATHERS},
    "a sum alone": {"sgd": {"learning_rate": 0.5, "accumulation": "sum"} | GATHERS},
    "set anew in every step, with an average": {"adam": {"epsilon": 0.1, "clipnorm": 0.1} | GATHERS | AVERAGES},
    "there": {"adam": {"epsilon": 0.1, "epsilon_place": "after_correction", "learning_rate": HALVING}
              | {"gradient_accumulation_steps": 3} | AVERAGES},
    "written out": {"adagrad": {"epsilon_place": "outside_root", "epsilon": 0.1, "learning_rate": HALVING} | GATHERS},
    "numbers that all parameters share": {"nadam": {"accumulation": "sum"} | GATHERS | {"use_ema": True}},
    "that no framework but one has": {"radam": {"learning_rate": 0.1, "use_ema": True, "ema_overwrite_frequency": 1}},
}  # fmt: skip


def close(framework: str, optimizer: dict[str, Any], other: dict[str, Any]) -> None:
    """Check steps of a program, and the same from states that it adopts, against the reference of another optimizer."""
    sides = [side_of(framework, MODEL, optimizer=one) for one in (optimizer, other)]
    rng, weights = np.random.default_rng(3), starting_weights(sides[0])
    x, y = 3 * rng.normal(size=(8, 3)), rng.uniform(size=(8, 2))
    reference = Reference(sides[1], x, y, weights)
    with opened(sides[0], x, y, weights) as program:
        states = [program.state()]
        for number in range(STEPS):
            assert_same_step(program.step(number, eager=number == 1), reference.take(number), 1e-11)
            states.append(program.state())
        for number in reversed(range(STEPS)):
            program.adopt(*states[number], iterations=number)
            program.step(number)
            for mine, theirs in zip(program.state(), states[number + 1], strict=True):
                assert_close(mine, theirs, 1e-13, f"step {number} from an adopted state")


@pytest.mark.takes_turns
@each_framework
@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_writing_an_optimizer_gathers_and_averages(framework: str, way: str) -> None:
    close(framework, WAYS[way], WAYS[way])


@pytest.mark.takes_turns
@each_framework
@pytest.mark.parametrize(
    ("fields", "other"),
    [(GATHERS, {}), (GATHERS, GATHERS | {"accumulation": "sum"}), (GATHERS, {"gradient_accumulation_steps": 3}),
     (AVERAGES, AVERAGES | {"ema_momentum": 0.5}), (AVERAGES, AVERAGES | {"ema_overwrite_frequency": 3})],
    ids=str,
)  # fmt: skip
def test_another_way_is_seen(framework: str, fields: dict[str, Any], other: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match=r"update|state"):
        close(framework, {"sgd": {"learning_rate": 0.5, **fields}}, {"sgd": {"learning_rate": 0.5, **other}})


def test_what_does_nothing_says_so() -> None:
    assert SGD().inert("accumulation", "sum") == "every batch makes an update"
    assert not SGD(gradient_accumulation_steps=2).inert("accumulation", "sum")
    assert SGD().inert("ema_momentum", 0.5) == "no average is kept"
    assert not Adam(use_ema=True).inert("ema_momentum", 0.5)
    with pytest.raises(ValueError, match="use_ema: true, where weights are to be set to their average"):
        Adam(ema_overwrite_frequency=2)
