"""Versions as sides, on the command line: what is refused, what two real releases of Keras do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers_frameworks import missing

from parity.environments.building import find_uv, made
from parity.environments.wanted import Environment
from parity.errors import UsageError
from parity.spec.load import parse_spec

SPEC = """\
name: penalty
data: {source: digits, rows: 64, scale: 0.0625}
model:
  input: [64]
  layers:
    - dense: {units: 8, activation: tanh, activity_regularizer: {l2: 0.1}, name: hidden}
    - dense: {units: 10, activation: softmax, name: output}
loss: categorical_crossentropy
optimizer: {sgd: {learning_rate: 0.1}}
training: {batch_size: 16, epochs: 1}
sides: {keras: {framework: keras}}
"""


def has_uv() -> bool:
    try:
        return bool(find_uv("keras"))
    except UsageError:
        return False


needs_keras = pytest.mark.skipif(bool(missing("keras")), reason=missing("keras") or "installed")
needs_uv = pytest.mark.skipif(not has_uv(), reason="uv is not installed")


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    file = tmp_path / "penalty.yaml"
    file.write_text(SPEC)
    return file


def parity(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "parity", *arguments], cwd=folder, capture_output=True, text=True, timeout=600,
        check=False, env={**os.environ, **environment},
    )  # fmt: skip


@needs_keras
@needs_uv
def test_without_a_network_there_is_one_line(spec: Path, tmp_path: Path) -> None:
    done = parity("check", str(spec), "--frameworks", "keras,tensorflow", "--packages", "keras=3.13.2", folder=tmp_path,
                  UV_DEFAULT_INDEX="http://127.0.0.1:9/simple", UV_HTTP_RETRIES="0",
                  XDG_CACHE_HOME=str(tmp_path / "cache"))  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("packages keras 3.13.2: the package index cannot be reached (")
    assert "`python:`" in line
    assert parity("cache", folder=tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache")).stdout.count("\n") == 1


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["across", "--package", "kears", "--versions", "3.1.0,3.2.0"],
         "--package kears: no framework has it; one of keras, numpy, tensorflow, tf-keras, torch; "
         "did you mean 'keras'?"),
        (["across", "--package", "keras", "--versions", "3.1.0"],
         "--versions 3.1.0: expected two or more versions, each of them once"),
        (["across", "--package", "keras", "--versions", "3.1.0,latest"],
         "--versions latest: expected exact versions, such as 3.12.0,3.13.2"),
        (["across", "--package", "torch", "--side", "keras", "--versions", "2.1.0,2.2.0"],
         "--side keras: keras does not run on torch"),
        (["across", "--package", "keras", "--side", "kears", "--versions", "3.1.0,3.2.0"],
         "--side 'kears': no such side; one of keras; did you mean 'keras'?"),
        (["across", "--package", "keras", "--side", "other", "--versions", "3.1.0,3.2.0"],
         "--side 'other': no such side; one of keras"),
        (["check", "--packages", "keras"],
         "--packages 'keras': expected NAME=VERSION, an exact one such as keras=3.13.2, or SIDE:NAME=VERSION"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else "",
)  # fmt: skip
def test_what_cannot_be_followed_is_one_line(arguments: list[str], told: str, spec: Path, tmp_path: Path) -> None:
    verb, *rest = arguments
    done = parity(verb, str(spec), *rest, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{told}\n")


def overlays(*versions: str) -> None:
    """Make the overlays of some releases of Keras, or skip where they cannot be made."""
    try:
        for one in versions:
            made(Environment.of("keras", {"keras": one}))
    except UsageError as error:
        pytest.skip(str(error))


@pytest.mark.sampled(4, among="questions")
@pytest.mark.slow
@needs_keras
@needs_uv
def test_two_releases_of_keras_differ_in_what_divides_a_penalty(spec: Path, tmp_path: Path) -> None:
    overlays("3.13.2", "3.14.0")
    asked = ["across", str(spec), "--package", "keras", "--versions", "3.13.2,3.14.0", "--steps", "2", "--json"]
    done = parity(*asked, folder=tmp_path)
    assert done.returncode == 1, done.stderr
    old, new = json.loads(done.stdout)["rows"]
    assert (old["against_before"], old["packages"]["keras"], new["packages"]["keras"]) == (None, "3.13.2", "3.14.0")
    change: dict[str, Any] = new["against_first"]
    assert (change["verdict"], change["first"]["phase"], change["first"]["step"]) == ("divergent", "loss", 1)
    assert change["op"] == "categorical_crossentropy and the activity penalty of dense"
    (moved,) = change["moved"]
    assert (moved["path"], moved["before"], moved["after"]) == ("layers.*.activity_reduction", "sum", "mean")
    assert "divided by the number of rows" in moved["means"]
    kept = sorted((tmp_path / "reports" / "penalty" / "versions").glob("*.json"))
    before = [one.stat().st_mtime_ns for one in kept]
    again = parity(*asked[:-1], folder=tmp_path)
    assert again.returncode == 1
    assert "default moved: layers.*.activity_reduction: sum (3.13.2) -> mean (3.14.0)" in " ".join(again.stdout.split())
    assert [one.stat().st_mtime_ns for one in kept] == before, "what is stored is not made again"


UPGRADES = sorted((Path(__file__).parents[2] / "specs" / "upgrades").glob("*.yaml"))


@pytest.mark.parametrize("file", UPGRADES, ids=lambda file: file.stem)
def test_each_regression_says_who_reported_it_and_names_exact_versions(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    spec = parse_spec(text, file=str(file))
    assert spec.name == file.stem
    head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    assert re.search(r"github\.com/|/src/|release note", head), "the issue's address, or the source that was read"
    assert all(side.defaults == "native" for side in spec.sides.values())
    assert len({(side.framework, *side.packages.items()) for side in spec.sides.values()}) == len(spec.sides) >= 2
    assert f"`{spec.name}`" in (file.parents[2] / "docs" / "upgrades.md").read_text(encoding="utf-8")
