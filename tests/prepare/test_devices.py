"""Devices: as part of a config, on the command line, asked for before anything starts, and where programs then are."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers_forked import interpreter
from helpers_frameworks import compiled, missing, side_of

from parity.cli import main
from parity.errors import SpecError, UsageError
from parity.prepare.devices import check_devices
from parity.prepare.options import Options, prepare
from parity.run.driver.named_gpus import described, gpu_number
from parity.run.environment import driven_gpus, driver_version
from parity.spec.differences import differences
from parity.spec.load import build_spec
from parity.spec.resolve import Resolved, resolve

SPEC: dict[str, Any] = {
    "name": "placed",
    "data": {"source": "leaf_like", "reshape": [192]},
    "model": {"input": [192], "layers": [{"dense": 99}]},
    "loss": {"categorical_crossentropy": {"from_logits": True}},
    "optimizer": "sgd",
    "sides": {
        "here": {"framework": "torch", "device": "cpu"},
        "there": {"framework": "torch", "device": "gpu:1"},
        "keras": {"framework": "keras", "changes": {"numerics.device": "gpu"}},
    },
}

CUDA = {"names": ["NVIDIA H100", "NVIDIA H100"], "built": "CUDA 12.8, cuDNN 91002"}
NONE = {"names": [], "built": "CUDA 12.5"}
CPU = {"names": [], "built": ""}


# ------------------------------------------------------------------------------------------- as a config


def test_a_sides_device_is_a_change_with_its_origin_and_a_difference() -> None:
    here, there, keras = resolve(build_spec(SPEC))
    assert [side.config.numerics.device for side in (here, there, keras)] == ["cpu", "gpu:1", "gpu"]
    assert there.origin("numerics.device") == "side there"
    (found,) = differences(here, there)
    assert (found.path, found.a, found.b, found.inert) == ("numerics.device", "cpu", "gpu:1", False)


@pytest.mark.parametrize("device", ["cuda", "gpu:", "gpu:x", "auto:1", "GPU", "gpu:1000", ""])
def test_what_is_no_device_is_refused_with_its_place(device: str) -> None:
    sides = {"here": {"framework": "torch", "device": device}}
    with pytest.raises(SpecError, match=r"sides\.here\.device"):
        resolve(build_spec(SPEC | {"sides": sides}))


@pytest.mark.parametrize(
    ("device", "seen", "number"),
    [("auto", [], None), ("auto", ["a"], 0), ("cpu", ["a"], None), ("gpu", [], 0), ("gpu:3", ["a"], 3)],
)
def test_auto_is_a_gpu_where_there_is_one(device: str, seen: list[str], number: int | None) -> None:
    assert gpu_number(device, seen) == number


@pytest.mark.parametrize(
    ("capability", "ends"), [((9, 0), "CUDA 12.8"), ((8, 9), "CUDA 12.8, no fast float64"), (None, "CUDA 12.8")]
)
def test_a_gpu_without_fast_float64_is_told(capability: Any, ends: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parity.run.driver.named_gpus.driver_version", lambda: "570.86")
    seen = {"names": ["NVIDIA L4"], "built": "CUDA 12.8", "capabilities": [capability]}
    assert described(0, seen) == f"gpu:0, NVIDIA L4, driver 570.86, {ends}"


def test_the_drivers_version_is_read_where_there_is_one(tmp_path: Path) -> None:
    file = tmp_path / "version"
    assert driver_version(str(file)) == ""
    told = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06  Release Build  (x)\nGCC version: 12\n"
    file.write_text(told)
    assert driver_version(str(file)) == "570.124.06"
    file.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\n")
    assert driver_version(str(file)) == "535.183.01"


# ------------------------------------------------------------------------------------- on the command line


def prepared(**given: Any) -> list[Resolved]:
    return prepare(build_spec(SPEC), Options(**given))


def test_one_config_runs_on_several_devices() -> None:
    sides = prepared(like="keras", devices=("cpu", "gpu", "gpu:1", "cpu"))
    assert [side.name for side in sides] == ["cpu", "gpu", "gpu1", "cpu_1"]
    assert [side.config.numerics.device for side in sides] == ["cpu", "gpu", "gpu:1", "cpu"]
    assert {side.framework for side in sides} == {"keras"}
    assert sides[0].origin("numerics.device") == "--devices"
    assert {side.framework for side in prepared(devices=("cpu", "auto"))} == {"torch"}, "the first side's"


def test_a_device_of_the_command_is_every_sides() -> None:
    assert {side.config.numerics.device for side in prepared(device="cpu")} == {"cpu"}
    assert prepared(device="cpu")[0].origin("numerics.device") == "--set"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"device": "cuda"}, "--device 'cuda': expected auto, cpu, gpu or gpu:N"),
        ({"devices": ("cpu", "tpu")}, "--devices 'tpu': expected auto, cpu, gpu or gpu:N"),
        ({"devices": ("cpu",), "device": "gpu"}, "--devices and --device: each says what runs where"),
        ({"devices": ("cpu",), "frameworks": ("torch",)}, "--devices and --frameworks: each says what runs where"),
        ({"devices": ("cpu",), "like": "ther"}, "did you mean 'there'"),
    ],
)
def test_what_the_command_line_says_of_devices_is_checked(given: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says.replace("(", r"\(")):
        prepared(**given)


# ---------------------------------------------------------------------------------- before anything starts


def refused(*sides: Resolved, **seen: dict[str, Any]) -> tuple[str, list[str]]:
    """Return what is said of sides whose frameworks see such GPUs, and which of them were asked."""
    asked: list[str] = []

    def answer(side: Resolved) -> dict[str, Any]:
        asked.append(side.name)
        return seen[side.framework]

    with pytest.raises(UsageError) as error:
        check_devices(sides, answer)
    return str(error.value), asked


def test_a_gpu_that_is_not_there_is_one_line_with_what_was_seen_and_what_to_do() -> None:
    here, there, keras = resolve(build_spec(SPEC))
    said, asked = refused(here, there, keras, torch=CPU, keras=NONE)
    assert asked == ["there", "keras"], "who runs on the CPU is not asked"
    assert said.startswith("side there: numerics.device is gpu:1, and PyTorch is built for the CPU only (")
    assert "side keras: numerics.device is gpu, and Keras sees none (" in said
    assert "; it is built for CUDA 12.5): pip install 'tensorflow[and-cuda]'" in said
    assert said.endswith("; run on cpu, or on auto, which takes a GPU where there is one")
    assert "\n" not in said


def test_a_gpu_beyond_the_last_is_told_with_those_there_are() -> None:
    _, there, _ = resolve(build_spec(SPEC))
    said, _ = refused(there, torch=CUDA | {"names": ["NVIDIA H100"]})
    assert "PyTorch sees 1: NVIDIA H100, counted from gpu:0" in said


def test_gpus_that_are_there_are_asked_for_once_a_framework() -> None:
    _, there, _ = resolve(build_spec(SPEC))
    asked: list[str] = []
    check_devices([there, there], lambda side: asked.append(side.name) or CUDA)  # type: ignore[func-returns-value]
    assert asked == ["there"]


@pytest.mark.skipif(bool(missing("torch")), reason=missing("torch") or "installed")
def test_a_gpu_is_refused_here_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forked_torch: None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # Also on a machine that has one.
    (tmp_path / "placed.yaml").write_text(
        "name: placed\ndata: {source: leaf_like, reshape: [192]}\nmodel: {input: [192], layers: [{dense: 99}]}\n"
        "loss: {categorical_crossentropy: {from_logits: true}}\noptimizer: sgd\nsides: {a: {framework: torch}}\n"
    )
    done = CliRunner().invoke(main, ["check", "placed.yaml", "--devices", "cpu,gpu"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("side gpu: numerics.device is gpu, and PyTorch ")
    assert [path.name for path in tmp_path.iterdir()] == ["placed.yaml"]


def test_the_systems_gpus_are_part_of_what_decides_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert driven_gpus(str(tmp_path / "none")) == ""
    for name in ("0000:02:00.0", "0000:01:00.0"):
        (tmp_path / name).mkdir()
    assert driven_gpus(str(tmp_path)) == "0000:01:00.0 0000:02:00.0"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert driven_gpus(str(tmp_path)) == "0000:01:00.0 0000:02:00.0 of which 1"


# ----------------------------------------------------------------------------------- where programs then are

MODEL = {"input": [6], "layers": [{"dense": {"units": 4, "activation": "relu"}}, {"dropout": 0.5}, {"dense": 2}]}

OPEN = """
import json, sys
import numpy as np
from parity.frameworks.{module}.driver.driver import {name} as Driver
class Placed(Driver):
    @classmethod
    def placed(cls, gpu):
        return {place}
driver = Placed(sys.argv[1], json.loads(sys.argv[2]), "float32", 0)
"""

ON_THE_SECOND = (
    """
import tensorflow as tf
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
"""
    + OPEN
    + """
places = {getattr(one, "_value", one).device for one in driver.model.trainable_variables}  # Keras wraps its own.
assert places == {"/job:localhost/replica:0/task:0/device:CPU:1"}, places
x, y = np.ones((4, 6), "float32"), np.eye(2, dtype="float32")[[0, 1, 0, 1]]
losses = [driver.step(x, y, number) for number in range(2)]
assert losses[0] != losses[1], losses
step = driver.train_step.get_concrete_function(driver.model, driver.loss_fn, driver.optimizer, *driver._batch(x, y)[0])
assert driver._batch(x, y)[0][0].device.endswith("CPU:1")
print(driver.device())
"""
)

ON_META = (
    OPEN
    + """
assert {one.device.type for one in driver.model.parameters()} == {"meta"}
batch, _ = driver._batch(np.ones((4, 6)), np.ones((4, 2)))
assert {one.device.type for one in batch} == {"meta"}
loss = driver.train_step(driver.model, driver.loss_fn, driver.optimizer, *batch)
assert loss.device.type == "meta"
print(driver.device())
"""
)


def opened(script: str, framework: str, folder: Path, **given: str) -> str:
    """Open a program in a process whose driver puts it somewhere, and return what the process prints."""
    program = compiled(side_of(framework, MODEL))
    file = folder / "program.py"
    file.write_text(program.source)
    for name, value in given.items():
        script = script.replace("{" + name + "}", value)
    command = [interpreter(framework), "-c", script, str(file), json.dumps(program.bindings.plain())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(("framework", "name"), [("keras", "KerasDriver"), ("tensorflow", "TensorFlowDriver")])
def test_weights_batches_and_steps_of_tensorflow_are_where_the_side_runs(
    framework: str, name: str, tmp_path: Path
) -> None:
    """On the second of two logical CPUs."""
    if missing(framework):
        pytest.skip(missing(framework))
    assert opened(ON_THE_SECOND, framework, tmp_path, module=framework, name=name, place="'cpu:1'") == "cpu"


@pytest.mark.skipif(bool(missing("torch")), reason=missing("torch") or "installed")
def test_weights_batches_masks_and_steps_of_pytorch_are_where_the_side_runs(tmp_path: Path) -> None:
    """On the device that holds no numbers."""
    place = "__import__('torch').device('meta')"
    assert opened(ON_META, "torch", tmp_path, module="torch", name="TorchDriver", place=place) == "cpu"
