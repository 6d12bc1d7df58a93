"""What only a GPU can show; ``make gpu-test`` makes the environments and runs it, in at most eight minutes.

PyTorch and TensorFlow bring CUDA libraries of different versions, so TensorFlow and Keras run in an environment of
their own: ``PARITY_GPU_TENSORFLOW`` is its interpreter. ``PARITY_GPU_DEVICE=cpu`` rehearses everything on a CPU.
``PARITY_GPU_FIGURES`` names the file that takes the figures.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from tests.end_to_end.test_cli import parity

ROOT = Path(__file__).resolve().parents[2]
DEVICE = os.environ.get("PARITY_GPU_DEVICE", "gpu")
TENSORFLOW = os.environ.get("PARITY_GPU_TENSORFLOW")
FRAMEWORKS = ("keras", "tensorflow", "torch")
NETWORKS = sorted(file.stem for file in (ROOT / "specs").glob("*.yaml"))
AGREE = {"identical", "rounding"}

pytestmark = pytest.mark.gpu


def side(framework: str, **more: Any) -> dict[str, Any]:
    """Return a side of a spec on the GPU, in the environment that has its framework."""
    python = {} if framework == "torch" or TENSORFLOW is None else {"python": TENSORFLOW}
    return {"framework": framework, "device": DEVICE, **python, **more}


def network(name: str, sides: Mapping[str, Any], folder: Path, **sections: Any) -> str:
    """Write a spec of the gallery with other sides, and return its file."""
    yaml = YAML(typ="safe", pure=True)
    spec = yaml.load((ROOT / "specs" / f"{name}.yaml").read_text())
    spec.pop("explain", None)
    with (folder / f"{name}.yaml").open("w") as file:
        yaml.dump(spec | {"sides": dict(sides)} | sections, file)
    return f"{name}.yaml"


def told(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run a command and return its result."""
    done = parity(*arguments, "--json", cwd=folder)
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def on_the_gpu(sides: Sequence[Mapping[str, Any]]) -> None:
    for one in sides:
        assert one["error"] is None, one["error"]
        assert one["device"].startswith(DEVICE), one["device"]


def figure(name: str, **values: Any) -> None:
    """Add a line to the file of figures."""
    file = os.environ.get("PARITY_GPU_FIGURES")
    if file:
        with Path(file).open("a") as lines:
            lines.write(json.dumps({"name": name, **values}) + "\n")


@pytest.mark.parametrize("name", NETWORKS)
def test_frameworks_are_at_parity_on_the_gpu(name: str, tmp_path: Path) -> None:
    file = network(name, {one: side(one) for one in FRAMEWORKS}, tmp_path)
    result = told(tmp_path, "check", file, "--steps", "3")
    for one in result["comparisons"]:
        figure(f"{name}: {one['a']} and {one['b']}, on {DEVICE}", verdict=one["verdict"], reason=one["reason"])
        assert one["verdict"] in AGREE, one["reason"]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_on_the_cpu_is_at_parity_with_itself_on_the_gpu(name: str, tmp_path: Path) -> None:
    framework = FRAMEWORKS[NETWORKS.index(name) % len(FRAMEWORKS)]
    sides = {"cpu": side(framework, device="cpu"), "gpu": side(framework)}
    result = told(tmp_path, "check", network(name, sides, tmp_path), "--steps", "3")
    (one,) = result["comparisons"]
    figure(f"{name}: {framework} on cpu and {DEVICE}", verdict=one["verdict"], reason=one["reason"])
    assert one["verdict"] in AGREE, one["reason"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("drawn", ["recorded", "native"])
def test_the_same_command_gives_the_same_bits_twice(framework: str, drawn: str, tmp_path: Path) -> None:
    file = network("cifar_small", {"gpu": side(framework)}, tmp_path)
    once, again = (
        told(tmp_path, "run", file, "--steps", "12", "--no-explain", "--set", f"training.random={drawn}", "--out", out)
        for out in ("once", "again")
    )
    on_the_gpu(once["sides"])
    assert once["sides"][0]["losses"] == again["sides"][0]["losses"]
    assert not again["sides"][0]["cached"]
    figure(f"{framework}: {drawn} numbers, twice", device=once["sides"][0]["device"], notes=once["notes"])


def test_tf32_that_ruins_a_training_is_named_as_its_cause(tmp_path: Path) -> None:
    """Rows that lie at 1000 and differ by 0.2; TensorFloat-32 has 1000 and 1000.5 there, float32 much between."""
    if DEVICE == "cpu":
        pytest.skip("a CPU has no TensorFloat-32")
    numbers = np.random.default_rng(0)
    y = numbers.integers(0, 2, 256)
    np.savez(tmp_path / "rows.npz", X=1000.0 + numbers.normal(size=(256, 8)) * 0.03 + 0.1 * (2 * y[:, None] - 1), y=y)
    layers = [{"dense": {"units": 16, "use_bias": False}}, {"batch_norm": {"momentum": 0.5}}, {"activation": "relu"},
              {"dense": {"units": 2, "activation": "softmax"}}]  # fmt: skip
    changes = {"numerics.tf32": True, "optimizer.beta_2": 0.99}
    spec = {
        "name": "planted", "data": {"source": "rows.npz"}, "model": {"input": [8], "layers": layers},
        "loss": "categorical_crossentropy", "optimizer": {"adam": {"learning_rate": 0.02}},
        "training": {"batch_size": 32, "epochs": 12}, "metrics": ["accuracy"], "explain": {"framework": "torch"},
        "sides": {"full": side("torch"), "tf32": side("torch", changes=changes)},
    }  # fmt: skip
    with (tmp_path / "planted.yaml").open("w") as file:
        YAML(typ="safe", pure=True).dump(spec, file)
    explanation = told(tmp_path, "run", "planted.yaml")["explanation"]
    causes = [(one["kind"], one["paths"], one["status"]) for one in explanation["claims"]]
    figure("TF32 planted", claims=causes, good=explanation["good_value"], bad=explanation["bad_value"])
    assert ("breaks", ["numerics.tf32"], "holds") in causes


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_cost_of_tracing(framework: str, tmp_path: Path) -> None:
    """No limit is held to, only the figure is kept: a machine that is shared is no clock."""
    file = network("cifar_base", {"gpu": side(framework)}, tmp_path)
    seconds = {}
    for how, options in (("traced", ()), ("untraced", ("--no-trace",))):
        result = told(tmp_path, "run", file, "--steps", "40", "--no-explain", *options, "--out", how)
        (one,) = result["sides"]
        on_the_gpu([one])
        seconds[how] = one["seconds"]
    figure(f"{framework}: cost of tracing, cifar_base, 40 steps", **seconds)
    assert min(seconds.values()) > 0.0
