"""Keras 2, which falls back on Keras's templates: worked cases of entries, and how its programs are worded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import missing, side_of

from parity.catalog import ACTIVATIONS, FAMILIES, LOSSES, OPS, OPTIMIZERS, SCHEDULES
from parity.code import Case
from parity.compile import compile_side
from parity.entries import as_installed
from parity.errors import SpecError, UsageError
from parity.frameworks import frameworks, part_of
from parity.optimizers.rmsprop import RMSprop
from tests.entries import test_frameworks as entries

NAME = "tf_keras"

there = pytest.mark.parametrize(
    "framework",
    [pytest.param(NAME, marks=pytest.mark.skipif(bool(missing(NAME)), reason=missing(NAME) or "installed"))],
)
"""Of the tests of it as a framework, those of the entries: `make test` takes every sixth, see `helpers_sample`."""


@contextmanager
def or_refused() -> Iterator[None]:
    """Skip what is refused when it is compiled."""
    try:
        yield
    except (UsageError, SpecError) as error:  # An activation is a field of a layer: the spec is at fault.
        if "does not have" not in str(error):
            raise
        pytest.skip(str(error))


OTHERWISE = {
    "conv3d_transpose: same, of strides longer than the window along one axis and shorter along another",
    "sigmoid_crossentropy: a certain wrong answer costs 16.118, half of the elements are right",
}
"""Worked cases that Keras 2 computes in another way: it adds 1e-7 to a probability, too, and refuses such strides."""


def has(family: Any) -> list[Any]:
    """Return the worked cases of what it has."""
    every = [one for one in entries.cases(family) if not family[one.values[0]].hole(NAME)]
    return [one for one in every if one.id not in OTHERWISE]


@there
@pytest.mark.parametrize(("kind", "case"), has(OPS))
def test_an_op_is_its_reference_in_keras_2(framework: str, kind: str, case: Case) -> None:
    with or_refused():
        entries.as_worked(kind, case, entries.own_program(framework, kind, case))


@there
@pytest.mark.parametrize(("kind", "case"), has(ACTIVATIONS))
def test_an_activation_is_its_reference_in_keras_2(framework: str, kind: str, case: Case) -> None:
    with or_refused():
        x = np.asarray(case.x, dtype=np.float64)
        layers = [
            {"dense": {"units": x.shape[-1], "name": "before"}},
            {"activation": {"function": {kind: case.fields}}},
        ]
        entries.agree(
            framework, {"input": list(x.shape[1:]), "layers": layers}, x, weights=entries.identity(x.shape[-1])
        )


@there
@pytest.mark.parametrize(("kind", "case"), has(LOSSES))
def test_a_loss_is_its_reference_in_keras_2(framework: str, kind: str, case: Case) -> None:
    with or_refused():
        entries.test_a_loss_is_its_reference(framework, kind, case)


@there
@pytest.mark.parametrize(("kind", "case"), has(OPTIMIZERS))
def test_an_optimizer_is_its_reference_in_keras_2(framework: str, kind: str, case: Case) -> None:
    with or_refused():
        entries.test_an_optimizer_is_its_reference(framework, kind, case)


@there
@pytest.mark.parametrize(("kind", "case"), has(SCHEDULES))
def test_a_schedule_is_its_reference_in_keras_2(framework: str, kind: str, case: Case) -> None:
    with or_refused():
        entries.test_a_schedule_is_its_reference(framework, kind, case)


def test_what_keras_3_alone_has_is_refused_when_it_is_compiled() -> None:
    layers = [{"conv1d": {"filters": 2, "kernel_size": 2, "padding": [1, 1]}}, {"flatten": {}}, {"dense": {"units": 1}}]
    with pytest.raises(UsageError, match=r"Keras 2 \(tf_keras\) does not have the layers as this config has them"):
        compile_side(side_of(NAME, {"input": [4, 2], "layers": layers}), name="two")
    gathering = {"sgd": {"gradient_accumulation_steps": 2}}
    with pytest.raises(UsageError, match=r"does not have optimizer\.gradient_accumulation_steps"):
        compile_side(side_of(NAME, MODEL, optimizer=gathering), name="two")


MODEL = {"input": [4], "layers": [{"dense": {"units": 3, "activation": "tanh", "name": "out"}}]}


def test_its_programs_name_the_package_that_has_it() -> None:
    texts = {name: compile_side(side_of(name, MODEL), name="two").source for name in (NAME, "keras_2")}
    assert "import tf_keras as keras" in texts[NAME]
    assert "import keras  # 2.15 or before" in texts["keras_2"]
    for text in texts.values():
        assert "keras.ops" not in text
        assert "keras.config" not in text
        assert "optimizer.apply_gradients(zip(" in text


def test_a_part_means_what_the_installed_version_has_said_of_it() -> None:
    """Keras's RMSprop is written where epsilon stands as it does in that version, and the rule is written out else."""
    told = {"parity.optimizers.rmsprop": {"epsilon_place": "outside_root"}}
    inside, outside = RMSprop(), RMSprop(epsilon_place="outside_root")
    assert inside.code("keras_2").build.startswith("keras.optimizers.RMSprop(")
    assert outside.code("keras_2").build.startswith("RMSprop(model.trainable_variables")
    with as_installed(told):
        assert outside.code("keras_2").build.startswith("keras.optimizers.RMSprop(")
        assert inside.code("keras_2").build.startswith("RMSprop(model.trainable_variables")
    assert inside.code("keras_2").build.startswith("keras.optimizers.RMSprop(")


def test_it_has_what_keras_has_where_it_has_nothing_of_its_own() -> None:
    assert frameworks()["keras_2"].line == ("keras_2", "tf_keras", "keras")
    assert part_of("keras_2", "emit") is part_of("tf_keras", "emit")
    assert part_of("keras_2", "numerics") is part_of("keras", "numerics")
    assert part_of("keras_2", "rule").__name__ == "parity.frameworks.tf_keras.rule"


def test_what_it_does_not_have_yet_names_entries_that_there_are() -> None:
    every = {f"{one.__module__.split('.')[1]}.{kind}" for members in FAMILIES.values() for kind, one in members.items()}
    assert frameworks()[NAME].not_yet <= every
