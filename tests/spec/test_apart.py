"""Differences of what optimizers do otherwise for some parameters, and patterns that mean none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from parity.errors import SpecError
from parity.spec.apart import movable
from parity.spec.differences import Difference, differences, mixed
from parity.spec.load import build_spec, parse_spec
from parity.spec.resolve import Resolved, resolve

LAYERS: list[Any] = [
    {"dense": {"units": 4, "name": "first"}},
    {"layer_norm": {"name": "norm"}},
    {"dense": {"units": 3, "name": "second"}},
]
BARE = {"*.bias": 0.0, "norm*": 0.0}


def sides(a: Mapping[str, Any], b: Mapping[str, Any], kind: str = "adamw", layers: Any = None) -> list[Resolved]:
    """Return two sides of one model, with optimizers of a kind; ``layers`` are those of the second."""
    more = {} if layers is None else {"layers": layers}
    return resolve(build_spec({
        "name": "apart",
        "data": {"source": "blobs"},
        "model": {"input": [5], "layers": LAYERS},
        "loss": "mse",
        "optimizer": {kind: dict(a)},
        "sides": {"a": {"framework": "torch"},
                  "b": {"framework": "torch", "changes": {**more, "optimizer": {kind: dict(b)}}}},
    }))  # fmt: skip


def told(a: Mapping[str, Any], b: Mapping[str, Any], **given: Any) -> dict[str, tuple[str, str]]:
    found: list[Difference] = differences(*sides(a, b, **given))
    return {one.path: (one.a, one.b) for one in found}


ALIKE: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "other patterns": (
        {"weight_decay": 0.1, "weight_decay_of": BARE},
        {"weight_decay": 0.1, "weight_decay_of": {"norm.gamma": 0.0, "norm.beta": 0.0, "*.*bias": 0.0}}),
    "what decays, and not what does not": ({"weight_decay": 0.1, "weight_decay_of": BARE},
                                           {"weight_decay": 0.0, "weight_decay_of": {"*.kernel": 0.1}}),
    "the number of all others": ({"weight_decay": 0.1, "weight_decay_of": BARE},
                                 {"weight_decay": 0.1, "weight_decay_of": {**BARE, "*": 0.1}}),
    "of the smaller rate a multiple": (
        {"learning_rate": 0.01, "learning_rate_factor_of": {"first": 0.1}},
        {"learning_rate": 0.001, "learning_rate_factor_of": {"norm": 10.0, "second": 10.0}}),
    "a factor of 1": ({"learning_rate_factor_of": {"first": 1.0}}, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", ALIKE)
def test_what_comes_to_the_same_for_every_parameter_is_no_difference(name: str) -> None:
    a, b = ALIKE[name]
    assert told(a, b) == told(b, a) == {}


def test_a_difference_names_the_parameters_and_what_each_has() -> None:
    bare = {"weight_decay": 0.1, "weight_decay_of": BARE}
    names = "first.bias, norm.gamma, norm.beta, second.bias"
    everything = told(bare, {"weight_decay": 0.1})
    assert everything == {"optimizer.weight_decay_of": (f"0.0 of {names}", f"0.1 of {names}")}
    some = told(bare, {"weight_decay": 0.1, "weight_decay_of": {"*.bias": 0.0, "norm.gamma": 0.5}})
    assert some == {
        "optimizer.weight_decay_of": ("0.0 of norm.gamma, norm.beta", "0.5 of norm.gamma; 0.1 of norm.beta")
    }


def test_many_are_named_by_pattern() -> None:
    layers = [{"dense": {"units": 3, "name": f"dense_{number}"}} for number in range(3)]
    found = differences(*sides({}, {"weight_decay_of": {"*.bias": 0.0}}, layers=layers))
    (one,) = (one for one in found if one.path == "optimizer.weight_decay_of")
    assert one.b == "0.0 of *.bias"


def test_rates_decays_and_their_bases_are_differences_of_their_own() -> None:
    a = {"learning_rate": 0.1, "learning_rate_factor_of": {"first": 0.1}, "weight_decay": 0.1, "weight_decay_of": BARE}
    b = {"learning_rate": 0.1, "learning_rate_factor_of": {"first": 0.5}, "weight_decay": 0.2, "weight_decay_of": BARE}
    assert told(a, b) == {
        "optimizer.learning_rate_factor_of": ("0.1 of first.kernel, first.bias", "0.5 of first.kernel, first.bias"),
        "optimizer.weight_decay": ("0.1", "0.2"),
    }
    one, other = sides(a, b)
    taken = mixed(one.config, other.config, {"optimizer.learning_rate_factor_of"}).optimizer
    assert taken == one.config.optimizer.replace(learning_rate_factor_of={"first": 0.5})


def test_what_only_a_frozen_layer_would_have_is_no_difference() -> None:
    still = [{"dense": {"units": 4, "name": "first", "trainable": False}}, *LAYERS[1:]]
    a, b = sides({"weight_decay_of": {"first": 0.0}}, {}, layers=still)
    assert "optimizer.weight_decay_of" in {one.path for one in differences(a, b)}, "in one of them it moves"
    both = a.having(b.config.model_copy(update={"optimizer": a.config.optimizer}))
    assert differences(both, b) == []


def test_plain_decays_differ_as_they_do_without_patterns() -> None:
    assert told({"weight_decay": 0.1}, {"weight_decay": 0.2}) == {"optimizer.weight_decay": ("0.1", "0.2")}
    assert told({"learning_rate": 0.1}, {"learning_rate": 0.2}, kind="adagrad") == {
        "optimizer.learning_rate": ("0.1", "0.2")
    }


SPEC = """\
name: apart
data: {source: blobs}
model:
  input: [5]
  layers:
    - dense: {units: 4, name: first}
    - batch_norm: {name: norm}
    - dense: {units: 3, name: second}
loss: mse
optimizer:
  adamw:
    weight_decay_of: {"*.biass": 0.0, "norm.moving_mean": 0.0}
    learning_rate_factor_of: {firs: 0.1, second: 0.5}
"""


def test_patterns_that_mean_nothing_are_told_at_once_with_the_names_that_there_are() -> None:
    with pytest.raises(SpecError) as raised:
        parse_spec(SPEC, file="spec.yaml")
    first, second, third = map(str, raised.value.faults)
    names = "first.bias, first.kernel, norm.beta, norm.gamma, second.bias, second.kernel"
    assert first == (
        "spec.yaml:12: optimizer.adamw.weight_decay_of.*.biass: no parameter fits '*.biass'; expected one of "
        f"{names}; did you mean '*.bias'?"
    )
    assert "no parameter fits 'norm.moving_mean'" in second, "the optimizer does not move it"
    assert third.startswith("spec.yaml:13: optimizer.adamw.learning_rate_factor_of.firs: no parameter fits 'firs'")
    assert third.endswith("did you mean 'first'?")


def test_a_change_that_takes_a_layer_away_leaves_the_patterns_of_the_spec_as_they_are() -> None:
    text = SPEC.replace('"*.biass": 0.0, "norm.moving_mean": 0.0', '"norm.*": 0.0').replace("firs:", "first:")
    text += "sides:\n  whole: {framework: torch}\n  bare: {framework: torch, changes: {layers.norm: null%s}}\n"
    whole, bare = resolve(parse_spec(text % ""))
    assert set(movable(whole.graph)) - set(movable(bare.graph)) == {"norm.gamma", "norm.beta"}
    with pytest.raises(
        SpecError, match=r"sides.bare.changes.optimizer.weight_decay_of.norm_1: no parameter fits 'norm_1'"
    ):
        parse_spec(text % ", optimizer.weight_decay_of: {norm_1: 0.0}")
