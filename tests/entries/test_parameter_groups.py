"""What an optimizer does otherwise for some parameters: rates and decays of their own, by pattern on their names."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import (
    Reference,
    assert_same_step,
    compiled,
    each_framework,
    opened,
    side_of,
    starting_weights,
)
from pydantic import ValidationError

from parity.catalog import OPTIMIZERS
from parity.optimizers.adamw import AdamW
from parity.optimizers.per_parameter import by_pattern
from parity.optimizers.sgd import SGD
from parity.spec.resolve import Resolved
from parity.tensors import fits, patterns_of, said_of

MODEL: dict[str, Any] = {
    "input": [6, 3],
    "layers": [
        {"lstm": {"units": 4, "return_sequences": True, "name": "reads"}},
        {"multi_head_attention": {"num_heads": 2, "key_dim": 2, "name": "looks"}},
        {"layer_norm": {"name": "norm"}},
        {"dense": {"units": 3, "trainable": False, "name": "still"}},
        "flatten",
        {"dense": {"units": 2, "name": "out"}},
    ],
}
SMALL: dict[str, Any] = {
    "input": [6],
    "layers": [
        {"dense": {"units": 4, "activation": "tanh", "name": "reads"}},
        {"layer_norm": {"name": "norm"}},
        {"dense": {"units": 3, "trainable": False, "name": "still"}},
        {"dense": {"units": 2, "name": "out"}},
    ],
}
FALLING = {"inverse_time": {"initial_learning_rate": 0.05, "decay_steps": 2, "decay_rate": 0.5}}
BARE = {"*.*bias": 0.0, "norm*": 0.0}
APART = {"reads": 0.5, "out.bias": 2.0}

RECIPES: dict[str, Any] = {
    "no decay of some": {"adamw": {"weight_decay": 0.3, "weight_decay_of": BARE, "epsilon": 1e-4}},
    "a decay of some alone": {"adamw": {"weight_decay": 0.0, "weight_decay_of": {"*.*kernel": 0.3}, "epsilon": 1e-4}},
    "other decays and rates": {"adamw": {
        "learning_rate": FALLING, "epsilon": 1e-4, "epsilon_place": "after_correction", "weight_decay": 0.3,
        "weight_decay_of": {"out": 0.1, **BARE}, "learning_rate_factor_of": APART, "global_clipnorm": 0.5}},
    "coupled": {"adam": {"epsilon": 1e-4, "weight_decay": 0.3, "weight_decay_of": BARE}},
    "coupled, with rates": {"sgd": {"learning_rate": FALLING, "momentum": 0.9, "weight_decay_of": {"*.*kernel": 0.2},
                                    "learning_rate_factor_of": APART, "gradient_accumulation_steps": 2}},
    "the rate outside": {"sgd": {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "use_ema": True,
                                 "rate_place": "outside_velocity", "learning_rate_factor_of": APART}},
}  # fmt: skip


WHOLE = ("no decay of some", "other decays and rates")
"""Recipes that are tried on the model of several kinds of layers; the others on one of dense layers."""


def grouped(framework: str, optimizer: Any, model: Any = MODEL) -> Resolved:
    training = {"batch_size": 4, "shuffle": False}
    return side_of(framework, model, loss="mse", optimizer=optimizer, training=training)


def follows(framework: str, optimizer: Any, model: Any, steps: int = 3) -> None:
    """Check that a program follows its reference, each step from the reference's state, from weights that are not 0."""
    side = grouped(framework, optimizer, model)
    numbers = np.random.default_rng(3)
    x, y = numbers.normal(size=(4 * steps, *model["input"])), numbers.normal(size=(4 * steps, 2))
    weights = {name: one + 0.1 * numbers.normal(size=one.shape) for name, one in starting_weights(side).items()}
    reference = Reference(side, x, y, weights)
    with opened(side, x, y, weights) as program:
        for number in range(steps):
            program.adopt(dict(reference.weights), reference.named_slots(), iterations=number)
            assert_same_step(program.step(number), reference.take(number), 1e-10)


@pytest.mark.takes_turns(every=2)
@each_framework
@pytest.mark.parametrize("recipe", RECIPES)
def test_every_framework_treats_them_as_the_reference_does(framework: str, recipe: str) -> None:
    follows(framework, RECIPES[recipe], MODEL if recipe in WHOLE else SMALL)


@pytest.mark.takes_turns
@each_framework
@pytest.mark.parametrize("kind", sorted(set(OPTIMIZERS) - {"adam", "adamw", "sgd"}))
def test_every_optimizer_may_have_several_rates(framework: str, kind: str) -> None:
    optimizer = {kind: {"learning_rate": 0.05, "learning_rate_factor_of": APART}}
    follows(framework, optimizer, SMALL, steps=2)


def test_the_reference_moves_each_parameter_by_its_own_numbers() -> None:
    """By hand: plain steps of 1 from a gradient of 1, of a weight of 2."""
    one = SGD(learning_rate=1.0, weight_decay=0.5, weight_decay_of={"*.bias": 0.0, "a.*": 0.25},
              learning_rate_factor_of={"b": 0.1})  # fmt: skip
    w, g = np.array([2.0]), np.array([1.0])
    moves = {
        name: float(one.of(name).ruled(w, g, {}, 0)[0][0]) for name in ("a.kernel", "a.bias", "b.kernel", "b.bias")
    }
    assert moves == pytest.approx({"a.kernel": -1.5, "a.bias": -1.0, "b.kernel": -0.2, "b.bias": -0.1})
    falling = one.replace(learning_rate=FALLING)
    assert falling.of("b.bias").rate(2) == pytest.approx(0.1 * falling.rate(2))
    assert one.of("a.kernel").parts is False, "it is one parameter's own"
    assert SGD().of("a.kernel") == SGD()


def test_adamw_takes_a_decay_of_its_own_off() -> None:
    one = AdamW(
        learning_rate=0.5, weight_decay=0.5, weight_decay_of={"*.bias": 0.0}, learning_rate_factor_of={"a": 0.5}
    )
    w = np.array([4.0])
    slots = one.init(w)
    quarter, none = (one.of(name).ruled(w, np.array([0.0]), slots, 0)[0] for name in ("a.kernel", "b.bias"))
    assert quarter == pytest.approx(-0.25 * 0.5 * 4.0)
    assert none == 0.0


@pytest.mark.parametrize("said", [{"*": 0.1}, {"*.bias": 0.1}, {"a": 0.2, "*": 0.1}, {"a": 0.0}, {}], ids=str)
@pytest.mark.parametrize("base", [0.0, 0.3])
def test_a_decay_that_parts_of_frameworks_need_changes_that_of_no_parameter(
    said: dict[str, float], base: float
) -> None:
    one = AdamW(weight_decay=base, weight_decay_of=said)
    other = one.decay_first()
    names = ("a.kernel", "a.bias", "b.kernel", "b.bias")
    assert [other.decay_of(name) for name in names] == [one.decay_of(name) for name in names]
    assert (other.weight_decay > 0.0) is one.decays_some()


# ------------------------------------------------------------------------------------------------- patterns


def test_of_patterns_that_mean_a_parameter_the_first_says() -> None:
    said = {"norm": 1.0, "*.bias": 2.0, "dense*": 3.0}
    every = {name: said_of(name, said, 0.0) for name in ("norm.bias", "dense.bias", "dense_1.kernel", "out.kernel")}
    assert every == {"norm.bias": 1.0, "dense.bias": 2.0, "dense_1.kernel": 3.0, "out.kernel": 0.0}


NAMES = [f"{layer}.{name}" for layer in ("enc_1", "enc_2", "head") for name in ("kernel", "bias")]
NAMES += [f"enc_{number}_attention.{part}_{name}" for number in (1, 2) for part in ("query", "key")
          for name in ("kernel", "bias")]  # fmt: skip
NAMES += ["norm.gamma", "norm.beta", "alone"]


@pytest.mark.parametrize("wanted", [
    r".*bias", r"norm.*", r"enc_.*", r"enc_1\..*", r".*(bias|gamma|beta)", r"head\.kernel", r".*", r"alone",
    r"enc_1.*bias", r"enc_2_attention\.(query|key)_kernel|norm\.beta",
])  # fmt: skip
def test_patterns_mean_what_they_were_made_for_and_nothing_else(wanted: str) -> None:
    chosen = [name for name in NAMES if re.fullmatch(wanted, name)]
    patterns = patterns_of(chosen, NAMES)
    assert [name for name in NAMES if any(fits(one, name) for one in patterns)] == chosen
    assert len(patterns) <= 3
    assert patterns_of([], NAMES) == []


def test_a_program_says_by_pattern_what_differs_from_the_base() -> None:
    names = {one: one for one in ("a.weight", "a.bias", "b.weight", "b.bias")}
    told = by_pattern(names, lambda name: 0.0 if name.endswith("bias") else 0.1, 0.1)
    assert told == ({"*.bias": 0.0}, 0.1)
    assert by_pattern(names, lambda _: 0.5, 0.1) == ({}, 0.5), "nothing has the base"


@pytest.mark.parametrize(("fields", "says"), [
    ({"weight_decay_of": {"*.bias": True}}, "valid number"),
    ({"weight_decay_of": {"*.bias": "0"}}, "valid number"),
    ({"weight_decay_of": {"*.bias": -0.1}}, "greater than or equal to 0"),
    ({"learning_rate_factor_of": {"": 1.0}}, "at least 1 character"),
    ({"learning_rate_factor_of": [0.1]}, "dictionary"),
])  # fmt: skip
def test_numbers_are_refused_that_are_none(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        AdamW(**fields)


def test_an_optimizer_without_a_decay_has_none_for_some() -> None:
    with pytest.raises(ValidationError, match="weight_decay_of"):
        OPTIMIZERS["lion"].model_validate({"weight_decay_of": {"*": 0.1}})


# ------------------------------------------------------------------------------------------------- programs


def source(framework: str, optimizer: Any) -> str:
    return compiled(grouped(framework, optimizer), formatted=False).source


def test_pytorch_groups_parameters_and_keras_leaves_variables_out() -> None:
    """As people write it: groups by name, and the words of what has no decay."""
    bare = RECIPES["no decay of some"]
    torch = source("torch", bare)
    assert "decays = {'*.bias': 0.0, 'norm.weight': 0.0, 'reads.bias_ih_l0': 0.0}" in torch
    assert "if not p.requires_grad:" in torch, "a frozen layer is in no group"
    assert "(parameter_groups(model), lr=" in torch
    keras = source("keras", bare)
    assert "optimizer.exclude_from_weight_decay(var_names=['beta', 'bias', 'gamma'])" in keras
    some = source("keras", {"adamw": {"weight_decay_of": {"out.bias": 0.0, "norm": 0.0}}})
    assert 'exclude_from_weight_decay(var_list=[*model.get_layer("norm").trainable_variables, ' in some
    assert 'model.get_layer("out").bias]' in some, "another bias decays"
    raw = source("tensorflow", bare)
    assert "for w, weight_decay, m, v, g in zip(" in raw
    assert "numbers_of(model, {" in raw


@each_framework
def test_without_groups_a_program_knows_of_none(framework: str) -> None:
    for name in ("numbers_of", "parameter_groups", "exclude_from", "fnmatch", "factor"):
        assert name not in source(framework, "adamw")
