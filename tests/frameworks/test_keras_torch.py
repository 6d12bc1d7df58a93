"""Keras on PyTorch, which falls back on Keras: a sample beside PyTorch, all networks and optimizers in `make long`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_alone import run_alone
from helpers_commands import command
from helpers_forked import interpreter
from helpers_frameworks import IMAGE, missing, side_of
from helpers_sample import WHOLE

from parity.catalog import ACTIVATIONS, LOSSES, OPS, OPTIMIZERS, SCHEDULES
from parity.code import Case
from parity.compile import compile_side
from parity.data.dataset import Dataset
from parity.errors import SpecError
from parity.frameworks import frameworks, part_of
from parity.selftest.clean import Clean, chosen, listen
from parity.selftest.pair_bench import TestBench
from parity.spec.load import build_spec
from tests.entries import test_frameworks as entries

PAIR = ("torch", "keras_torch")


@pytest.fixture(scope="module")
def bench(bench: TestBench) -> TestBench:
    """The bench of all tests, where it has both."""
    for framework in PAIR:
        if missing(framework):
            pytest.skip(missing(framework))
    return bench


SAMPLE = chosen(PAIR, 90 if WHOLE else 9, seed=11)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("clean", SAMPLE, ids=lambda one: f"{one.network}-{one.optimizer}")
def test_it_is_at_parity_with_pytorch(bench: TestBench, clean: Clean) -> None:
    for heard in listen(bench, clean):
        assert heard.silent, heard.says


def test_it_computes_every_kind_of_layer_as_pytorch_does(bench: TestBench) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(32, 9, 8, 2)), rng.integers(0, 2, (32, 4)).astype(float)
    data = Dataset(x=x, y=y, raw_x=x, raw_y=y, description="made up")
    (judge,) = bench.judged([side_of(name, IMAGE) for name in PAIR], data, 3).judges
    assert judge.verdict()[0] == "rounding", judge.verdict()


there = pytest.mark.parametrize(
    "framework",
    [pytest.param(PAIR[1], marks=pytest.mark.skipif(bool(missing(PAIR[1])), reason=missing(PAIR[1]) or "installed"))],
)
"""Of the tests of it as a framework, those of the entries: `make test` takes every sixth, see `helpers_sample`."""


@there
@pytest.mark.parametrize(("kind", "case"), entries.cases(OPS))
def test_an_op_is_its_reference_there(framework: str, kind: str, case: Case) -> None:
    entries.as_worked(kind, case, entries.own_program(framework, kind, case))


@there
@pytest.mark.parametrize(("kind", "case"), entries.cases(ACTIVATIONS))
def test_an_activation_is_its_reference_there(framework: str, kind: str, case: Case) -> None:
    """At its corners, too: the worked cases have them."""
    x = np.asarray(case.x, dtype=np.float64)
    layers = [{"dense": {"units": x.shape[-1], "name": "before"}}, {"activation": {"function": {kind: case.fields}}}]
    entries.agree(framework, {"input": list(x.shape[1:]), "layers": layers}, x, weights=entries.identity(x.shape[-1]))


@there
@pytest.mark.parametrize(("kind", "case"), entries.cases(LOSSES))
def test_a_loss_is_its_reference_there(framework: str, kind: str, case: Case) -> None:
    entries.test_a_loss_is_its_reference(framework, kind, case)


@there
@pytest.mark.parametrize(("kind", "case"), entries.cases(OPTIMIZERS))
def test_an_optimizer_is_its_reference_there(framework: str, kind: str, case: Case) -> None:
    entries.test_an_optimizer_is_its_reference(framework, kind, case)


@there
@pytest.mark.parametrize(("kind", "case"), entries.cases(SCHEDULES))
def test_a_schedule_is_its_reference_there(framework: str, kind: str, case: Case) -> None:
    entries.test_a_schedule_is_its_reference(framework, kind, case)


@pytest.mark.parametrize(
    ("activation", "keras", "keras_torch"),
    [
        ("hard_sigmoid", 'activation="hard_sigmoid"', "on PyTorch rounds its slope to float32."),
        ("selu", 'activation="selu"', "on PyTorch has slope 1.758 at 0, not 1.0507."),
        ("hard_tanh", 'activation="hard_tanh"', "on PyTorch has slope 0 at -1 and 1, where a clip has 1."),
        ("softplus", 'activation="softplus"', "keras.ops.logaddexp(x, keras.ops.zeros_like(x))"),
        ({"softplus": {"linear_above": 20.0}}, "keras.ops.where(", 'activation="softplus"'),
    ],
    ids=str,
)
def test_an_activation_that_pytorch_computes_otherwise_is_written_out(
    activation: Any, keras: str, keras_torch: str
) -> None:
    model = {"input": [4], "layers": [{"dense": {"units": 3, "activation": activation}}, {"dense": {"units": 1}}]}
    for framework, text in (("keras", keras), ("keras_torch", keras_torch)):
        assert text in " ".join(compile_side(side_of(framework, model), name="written").source.split()), framework


def test_softplus_with_beta_and_without_are_functions_of_their_own() -> None:
    """One of a program would stand in the other's place, which is called with another number of arguments."""
    told = ["softplus", {"softplus": 0.5}, {"softplus": {"linear_above": 3.0}},
            {"softplus": {"beta": 0.5, "linear_above": 3.0}}]  # fmt: skip
    layers = [{"dense": {"units": 3, "activation": activation}} for activation in told]
    source = compile_side(side_of("keras_torch", {"input": [3], "layers": layers}), name="bent").source
    made = re.findall(r"^def (\w*softplus\w*)\((.*)\):", source, re.MULTILINE)
    assert made == [("softplus", "x"), ("sharp_softplus", "x, beta"), ("softplus_up_to", "x, beta, linear_above"),
                    ("sharp_softplus_up_to", "x, beta, linear_above")]  # fmt: skip


@pytest.mark.parametrize(
    "loss",
    ["hinge", "log_cosh", {"binary_focal_crossentropy": {"from_logits": True}}, "sparse_categorical_crossentropy"],
    ids=str,
)
def test_a_loss_that_pytorch_computes_otherwise_is_written_out(loss: Any) -> None:
    model = {"input": [4], "layers": [{"dense": {"units": 3}}]}
    own, there = (compile_side(side_of(name, model, loss=loss), name="own").source for name in ("keras", "keras_torch"))
    assert "return keras.losses." in own
    assert "return keras.losses." not in there
    assert "on PyTorch" in there.partition("def build_loss")[2].partition("def build_optimizer")[0]


SCRIPT = """\
import os
os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
x = np.random.default_rng(0).normal(size=(64, 5)).astype("float32")
model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dropout(0.2),
                          keras.layers.Dense(1)])
model.compile(keras.optimizers.Adam(0.1, weight_decay=0.01), "mse")
model.fit(x, x.sum(1), batch_size=16, epochs=2, verbose=0)
"""


def test_a_script_is_read_and_the_reading_proved(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    done = command("read", "train.py", cwd=tmp_path)
    assert re.search(r"read faithfully: (bit for bit the same|largest difference \de-1[4-7])", done.stdout), done.stdout


def test_it_has_what_keras_has_where_it_has_nothing_of_its_own() -> None:
    assert frameworks()["keras_torch"].line == ("keras_torch", "keras")
    assert part_of("keras_torch", "emit") is part_of("keras", "emit")
    # In a process of its own: Keras reads once which backend is asked for.
    found = "from parity.frameworks import part_of; print(part_of('keras_torch', 'driver.driver').__name__)"
    alone = [interpreter("keras_torch"), "-c", found]
    done = subprocess.run(alone, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "parity.frameworks.keras_torch.driver.driver"


def test_nothing_looks_behind_a_softmax_there() -> None:
    """Keras's TensorFlow backend remembers the logits; in a program on PyTorch the loss is told that it gets them."""
    model = {"input": [4], "layers": [{"dense": {"units": 3, "activation": "softmax"}}]}
    program = compile_side(side_of("keras_torch", model, loss="categorical_crossentropy"), name="kept")
    assert "from_logits=True" in program.source
    assert "softmax" not in program.source
    assert program.bindings.ending == "softmax"


def test_what_it_cannot_be_told_is_a_fault_with_its_reason() -> None:
    told = {
        "name": "told", "data": {"source": "rows.npz"}, "model": {"input": [4], "layers": [{"dense": {"units": 1}}]},
        "loss": "mse", "optimizer": "sgd", "numerics": {"compile": True},
        "sides": {"one": {"framework": "keras_torch"}},
    }  # fmt: skip
    with pytest.raises(SpecError, match="Keras on PyTorch does not have it yet; leave it out"):
        build_spec(told)


@pytest.mark.sampled(4, among="questions")
def test_a_program_alone_prints_what_the_harness_saw(tmp_path: Path) -> None:
    if missing("keras_torch"):
        pytest.skip(missing("keras_torch"))
    program = compile_side(side_of("keras_torch", IMAGE), name="alone")
    file = tmp_path / "alone.py"
    file.write_text(program.source)
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", X=rng.normal(size=(8, 9, 8, 2)), y=rng.integers(0, 2, (8, 4)))
    done = subprocess.run(
        [sys.executable, str(file), "--data", "data.npz", "--steps", "2", "--device", "cpu"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len([float(line) for line in done.stdout.split()]) == 2
    refused = run_alone("keras_torch", [str(file), "--data", "data.npz", "--steps", "1", "--device", "gpu:7"], tmp_path)
    assert refused.returncode
    assert refused.stderr.strip() == "--device gpu:7: PyTorch sees 0 GPUs here"
