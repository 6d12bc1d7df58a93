"""Gradients gathered over batches and averages of weights, in every framework, around every way of writing a rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import (
    Reference,
    assert_close,
    assert_same_step,
    each_framework,
    missing,
    opened,
    side_of,
    starting_weights,
)

from parity.compile import compile_side
from parity.errors import SpecError
from parity.optimizers.adam import Adam
from parity.optimizers.adamw import AdamW
from parity.optimizers.sgd import SGD
from parity.spec.load import build_spec
from parity.spec.resolve import resolve

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


BATCHES = {"accumulation_counts": "batches", "gradient_accumulation_steps": 2}

COUNTED: dict[str, dict[str, Any]] = {
    "moments": {"adam": {"epsilon": 0.1, "learning_rate": HALVING, "clipnorm": 0.1} | BATCHES},
    "a decay, and an average": {"adamw": {"epsilon": 0.1, "weight_decay": 0.5} | BATCHES | AVERAGES},
    "all gradients clipped as one": {"sgd": {"learning_rate": 0.5, "global_clipnorm": 0.2} | BATCHES},
    "a rule written out": {"adagrad": {"epsilon_place": "outside_root", "clipvalue": 0.01} | BATCHES},
}  # fmt: skip


@pytest.mark.skipif(bool(missing("keras")), reason=missing("keras") or "installed")
@pytest.mark.parametrize("way", COUNTED)
def test_keras_counts_batches_where_it_is_told(way: str) -> None:
    close("keras", COUNTED[way], COUNTED[way])
    ((kind, fields),) = COUNTED[way].items()
    with pytest.raises(AssertionError, match=r"update|state"):
        close("keras", COUNTED[way], {kind: fields | {"accumulation_counts": "updates"}})


def test_where_batches_are_counted_each_decays_and_moments_are_corrected_by_them() -> None:
    """Decay of 0.25 twice, the first moment 0.5 (2 + 0) / 2 = 0.5 over 1 - 0.5^2, the second 0.5 over 1 - 0.5^2."""
    fields = {"learning_rate": 0.5, "weight_decay": 0.5, "beta_1": 0.5, "beta_2": 0.5, "epsilon": 1e-300}
    optimizer = AdamW(**fields, **BATCHES)
    w, slots = np.array([4.0]), optimizer.init(np.array([4.0]))
    move, slots = optimizer.update(w, np.array([2.0]), slots, 0)
    assert move == -1.0, "the decay of the first batch"
    move, _ = optimizer.update(w + move, np.array([0.0]), slots, 1)
    assert move == pytest.approx(-0.75 - 0.5 * (0.5 / 0.75) / np.sqrt(0.5 / 0.75), rel=1e-12)


def test_batches_that_are_counted_are_keras_alone() -> None:
    sides = {name: {"framework": name} for name in ("keras", "tensorflow", "torch")}
    spec = {"name": "mlp", "data": {"source": "rows.npz"}, "model": MODEL, "loss": "mse", "sides": sides}
    with pytest.raises(SpecError) as told:
        resolve(build_spec({**spec, "optimizer": {"adam": BATCHES}}))
    text = str(told.value)
    assert "PyTorch can never have it: only Keras counts batches where several make an update" in text
    assert text.count("; accumulation_counts: updates, or a program of your own") == 2, "not of Keras"
    resolve(build_spec({**spec, "optimizer": {"adam": {"accumulation_counts": "batches"}}}))  # Nothing is gathered.
    assert Adam().inert("accumulation_counts", "batches") == "every batch makes an update"
    with pytest.raises(ValueError, match="accumulation: mean, where batches are counted"):
        Adam(accumulation="sum", **BATCHES)


def test_a_keras_that_counts_batches_by_itself_is_left_to_it() -> None:
    side = side_of("keras", MODEL, optimizer={"adam": BATCHES})
    assert "class BatchwiseAdam(keras.optimizers.Adam):" in compile_side(side, name="counted").source
    old = replace(side, own={Adam.__module__: {"accumulation_counts": "batches"}})
    source = compile_side(old, name="counted").source
    assert "keras.optimizers.Adam(" in source
    assert "Batchwise" not in source
