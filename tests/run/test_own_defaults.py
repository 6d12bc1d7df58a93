"""Frameworks that are asked for their own defaults: signatures, numbers drawn, steps, and what comes of the answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers_forked import forked_defaults
from helpers_frameworks import each_framework, missing

from parity.catalog import FAMILIES, INITIALIZERS, OPS, OPTIMIZERS
from parity.code import Parameter
from parity.entries import Entry
from parity.errors import WorkerError
from parity.frameworks import Framework
from parity.run import own_defaults
from parity.run.driver.parts import Parts
from parity.run.initial import initial_value
from parity.run.own_defaults import GRADIENTS, START, Reading, as_said, initializer_of, ruled
from parity.spec.differences import differences
from parity.spec.load import build_spec
from parity.spec.plain import dump
from parity.spec.resolve import resolve

ENTRIES = {entry.__module__: entry for members in FAMILIES.values() for entry in members.values()}


@pytest.fixture(autouse=True)
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask forks of processes that have imported their framework."""
    forked_defaults(monkeypatch)


def known(entry: type[Entry], framework: str, name: str) -> Any:
    """Return what the tables say of a field in a framework."""
    default = entry.model_fields[name].get_default(call_default_factory=True)
    return as_said(entry, name, entry.natively(framework).get(name, default))


# -------------------------------------------------------------------------------- the installed frameworks


@each_framework
def test_an_installed_framework_says_what_the_tables_say_of_it(framework: str) -> None:
    found = own_defaults.own_defaults(framework)
    said = {(one, name): value for one, fields in found.items() for name, value in fields.items()}
    wrong = {key: (value, known(ENTRIES[key[0]], framework, key[1])) for key, value in said.items()
             if value != known(ENTRIES[key[0]], framework, key[1])}  # fmt: skip
    assert wrong == {}, "of the versions that constraints.txt names"
    assert len(said) >= {"keras": 350, "torch": 140}.get(framework, 5)


@pytest.mark.skipif(bool(missing("torch")), reason="PyTorch is not installed")
def test_what_no_signature_says_is_read_from_steps_and_from_numbers() -> None:
    found = own_defaults.own_defaults("torch")
    assert found["parity.optimizers.rmsprop"]["epsilon_place"] == "outside_root"
    assert found["parity.ops.dense"]["kernel_initializer"] == {"fan_in_uniform": {}}
    assert found["parity.ops.embedding"]["embeddings_initializer"] == {"random_normal": {"mean": 0.0, "stddev": 1.0}}
    assert found["parity.ops.prelu"]["alpha_initializer"] == {"constant": {"value": 0.25}}


@pytest.mark.skipif(bool(missing("torch")), reason="PyTorch is not installed")
def test_what_was_read_of_a_version_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = own_defaults.own_defaults("torch")
    monkeypatch.setattr(own_defaults, "Session", lambda *told: pytest.fail("a worker was started"))
    assert own_defaults.own_defaults("torch") == found


@pytest.mark.parametrize("left", ["", "[]", '{"parity.ops.dense": {'])
def test_what_was_kept_and_cannot_be_read_is_read_again(
    left: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker need not be started for it: what is read of one is asked above."""
    kept, said = tmp_path / "torch.json", {"parity.ops.dense": {"use_bias": True}}
    kept.write_text(left)
    monkeypatch.setattr(own_defaults, "_kept", lambda *told: kept)
    monkeypatch.setattr(own_defaults, "_asked", lambda *told: nullcontext())
    monkeypatch.setattr(own_defaults, "read", lambda *told: said)
    monkeypatch.setattr(own_defaults, "versions", lambda packages: {})
    monkeypatch.setattr(Framework, "installed", lambda known: True)
    assert own_defaults.own_defaults("torch") == said
    assert json.loads(kept.read_text()) == said
    monkeypatch.setattr(own_defaults, "read", lambda *told: pytest.fail("it was kept"))
    assert own_defaults.own_defaults("torch") == said


# ---------------------------------------------------------------------------------------- other versions


def test_another_signature_is_another_default() -> None:
    """As of a version whose batch norm has another epsilon, and whose dense layers have no bias."""

    def norm(momentum: float = 0.5, epsilon: float = 0.25, name: str = "") -> None: ...
    def dense(units: int, activation: Any = None, use_bias: bool = False, kernel_initializer: Any = object) -> None: ...

    parts = Parts({"keras": SimpleNamespace(layers=SimpleNamespace(BatchNormalization=norm, Dense=dense))})
    names = ("keras.layers.BatchNormalization", "keras.layers.Dense", "keras.layers.Conv2D")
    reading = Reading(framework="keras", told={name: parts.defaults(name) for name in names})
    read = {
        kind: reading.signature(OPS[kind], OPS[kind].natives["keras"]) for kind in ("batch_norm", "dense", "conv2d")
    }
    assert read == {"batch_norm": {"momentum": 0.5, "epsilon": 0.25}, "dense": {"use_bias": False}, "conv2d": {}}


def test_a_default_that_is_a_part_is_the_entry_that_the_part_tells_most_of() -> None:
    """Several initializers are written as one of Keras's, with a reach or a scale of their own."""
    drawn = {"part": "keras.initializers.RandomUniform", "arguments": {"minval": -0.5, "maxval": 0.25}}
    scaled = {
        "part": "keras.initializers.VarianceScaling",
        "arguments": {"scale": 2.0, "mode": "fan_in", "distribution": "uniform"},
    }
    dense = {"keras.layers.Dense": {"kernel_initializer": drawn, "bias_initializer": scaled}}
    assert Reading(framework="keras", told=dense).signature(OPS["dense"], OPS["dense"].natives["keras"]) == {
        "kernel_initializer": {"random_uniform": {"minval": -0.5, "maxval": 0.25}},
        "bias_initializer": {"variance_scaling": {"scale": 2.0, "mode": "fan_in", "distribution": "uniform"}},
    }


def moves(kind: str, **fields: Any) -> list[float]:
    """Return what a version would make of a parameter whose optimizer has these fields."""
    optimizer, w, found = OPTIMIZERS[kind](**fields), np.asarray([START]), []
    slots = optimizer.init(w)
    for number, gradient in enumerate(GRADIENTS):
        move, slots = optimizer.update(w, np.asarray([gradient]), slots, number)
        w = w + move
        found.append(float(w[0]))
    return found


@pytest.mark.parametrize("place", ["outside_root", "inside_root"])
def test_steps_decide_what_no_signature_says(place: str) -> None:
    told = {"rho": 0.99, "epsilon": 1e-8}
    steps = moves("rmsprop", **told, epsilon_place=place)
    part = OPTIMIZERS["rmsprop"].natives["torch"]
    assert ruled(OPTIMIZERS["rmsprop"], part, told, steps)["epsilon_place"] == place


def test_steps_that_no_field_explains_decide_nothing() -> None:
    part = OPTIMIZERS["rmsprop"].natives["torch"]
    assert ruled(OPTIMIZERS["rmsprop"], part, {"epsilon": 1e-8}, [1.0, 2.0, 3.0]) == {}


KERNEL = Parameter(shape=(40, 60), initializer=INITIALIZERS["zeros"](), fan_in=40, fan_out=60, feeds=40)


@pytest.mark.parametrize(
    "initializer",
    [
        {"glorot_uniform": {}}, {"he_normal": {}}, {"kaiming_normal": {}}, {"fan_in_uniform": {}},
            {"zeros": {}}, {"constant": {"value": 0.3}},
        {"random_normal": {"mean": 0.0, "stddev": 0.6}}, {"random_uniform": {"minval": -0.5, "maxval": 0.5}},
    ],
    ids=str,
)  # fmt: skip
def test_an_initializer_is_known_by_its_numbers(initializer: dict[str, Any]) -> None:
    ((kind, fields),) = initializer.items()
    made = replace(KERNEL, initializer=INITIALIZERS[kind](**fields))
    numbers = np.concatenate([initial_value(seed, "other", made).ravel() for seed in range(5)])
    assert initializer_of(numbers, KERNEL) == {kind: dump(made.initializer)[kind]}


def test_numbers_of_no_initializer_are_nobodys() -> None:
    numbers = np.random.default_rng(3).gamma(1.0, size=6000)
    assert initializer_of(numbers, KERNEL) is None


# ---------------------------------------------------------------------------------------------- resolving


def resolved(read: Callable[[str, str | None], Any], **said: Any) -> Any:
    norm = {"batch_norm": said} if said else "batch_norm"
    spec = {
        "name": "own", "data": {"source": "rows.npz"}, "model": {"input": [3], "layers": [norm, {"dense": 2}]},
        "loss": "mse", "optimizer": "sgd",
        "sides": {"a": {"framework": "torch", "defaults": "native"}, "b": {"framework": "torch"}},
    }  # fmt: skip
    return resolve(build_spec(spec), read=read)


def test_a_side_takes_what_its_framework_said_where_nobody_says_anything() -> None:
    asked = []

    def read(framework: str, python: str | None) -> Any:
        asked.append((framework, python))
        return {"parity.ops.batch_norm": {"epsilon": 0.5, "momentum": 0.99, "unbiased_variance": True},
                "parity.ops.dense": {"kernel_initializer": {"random_normal": {"stddev": 0.5}}}}  # fmt: skip

    a, b = resolved(read, scale=False)
    norm, dense = a.config.model.layers
    assert asked == [("torch", None)], "of a side that wants no native defaults nobody is asked"
    assert (norm.epsilon, norm.momentum, norm.scale) == (0.5, 0.99, False)
    assert norm.freeze_statistics is False, "what it did not say is taken as it is known"
    assert dense.kernel_initializer.stddev == 0.5
    assert a.origin("layers.batch_norm.epsilon") == "PyTorch default"
    assert a.origin("layers.batch_norm.momentum") == "parity default", "it is the same"
    assert a.origin("layers.batch_norm.scale") == "spec"
    assert b.config.model.layers[0].epsilon == 1e-3


def test_a_framework_that_cannot_be_asked_is_taken_as_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*told: Any) -> Any:
        raise WorkerError("torch", "no interpreter")

    monkeypatch.setattr(own_defaults, "Session", gone)
    assert own_defaults.own_defaults("torch", "/no/such/python") == {}
    a, _ = resolved(own_defaults.own_defaults)
    assert a.config.model.layers[0].momentum == 0.9


@pytest.mark.skipif(bool(missing("keras")), reason="Keras is not installed")
def test_what_no_argument_of_keras_says_is_seen_in_what_it_does() -> None:
    found = own_defaults.own_defaults("keras")
    kinds = [kind for kind, entry in OPS.items() if "activity_reduction" in entry.model_fields]
    assert {found[OPS[kind].__module__]["activity_reduction"] for kind in kinds} == {"mean"}
    assert found[OPTIMIZERS["adamw"].__module__]["accumulation_counts"] == "updates"
    assert found[OPS["unit_normalization"].__module__]["epsilon"] == 1e-12


def test_a_version_that_does_not_divide_it_is_another_default() -> None:
    """As Keras up to 3.13: beside a newer one it is a difference, of layers that have such a penalty no inert one."""
    told = {"keras.layers.Dense": {"units": 1, "activity_reduction": "sum"}}
    said = Reading(framework="keras", told=told).signature(OPS["dense"], OPS["dense"].natives["keras"])
    assert said == {"activity_reduction": "sum"}
    keras = {"framework": "keras", "defaults": "native"}
    for penalty, does_nothing in ({"activity_regularizer": "l2"}, False), ({}, True):
        layers = [{"dense": {"units": 3} | penalty}, {"dense": 2}]
        spec = build_spec({
            "name": "versions", "data": {"source": "rows.npz"}, "model": {"input": [4], "layers": layers},
            "loss": "mse", "optimizer": "sgd", "sides": {"new": keras, "old": keras | {"python": "old/bin/python"}},
        })  # fmt: skip
        new, old = resolve(spec, read=lambda _, python: {"parity.ops.dense": said} if python else {})
        found = [(one.path, one.a, one.b, bool(one.inert)) for one in differences(new, old)]
        assert found == [("layers.*.activity_reduction", "mean", "sum", does_nothing)]
