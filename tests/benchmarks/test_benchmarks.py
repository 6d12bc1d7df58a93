"""The benchmarks run. What they measure is not asked here: it depends on what else the machine does.

Some in ``make long`` only: in ``make test``, that causes are held against a truth, and two commands in one folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers_forked import interpreter
from helpers_frameworks import FRAMEWORKS, missing
from helpers_sample import WHOLE

ROOT = Path(__file__).resolve().parents[2]


in_long = pytest.mark.skipif(not WHOLE, reason="make long: takes half a minute and more")


@pytest.mark.slow
@in_long
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_tracing_costs_is_measured(framework: str) -> None:
    script = ROOT / "tests" / "benchmarks" / "tracing_cost.py"
    asked = ["--network", "leaf_small", "--framework", framework, "--steps", "2", "--rounds", "1", "--json"]
    done = subprocess.run([sys.executable, str(script), *asked], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["network"], found["framework"]) == ("leaf_small", framework)
    assert set(found["meets"]) == {"losses", "traced", "store", "memory"}
    assert found["meets"]["store"]
    assert found["native_ms"] > 0
    assert set(found["peak_mb"]) == {"native", "losses", "traced"}


@pytest.mark.sampled(4, among="questions")
@pytest.mark.slow
@pytest.mark.skipif(any(map(missing, FRAMEWORKS)), reason="needs every framework")
def test_causes_are_held_against_a_truth_for_which_every_subset_was_run() -> None:
    script = ROOT / "tests" / "benchmarks" / "causes.py"
    done = subprocess.run([sys.executable, str(script), "--limit", "1", "--seed", "8", "--json"], capture_output=True,
                          text=True, timeout=300, env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (one,) = found["each"]
    assert one["truth"], "not a clean pair"
    assert (one["named"], one["exact"]) == (one["truth"], True)
    assert one["configs"] <= one["runs"]
    assert set(found) == {"parity", "leave one out", "leave one in", "each"}
    assert found["parity"]["all"]["pairs"] == 1


@pytest.mark.sampled(4, among="questions")
@pytest.mark.slow
@pytest.mark.skipif(bool(missing("torch")), reason="needs torch")
def test_two_commands_in_one_folder_keep_each_its_own_runs() -> None:
    script = ROOT / "tests" / "benchmarks" / "stress.py"
    asked = ["--pairs", "1", "--python", interpreter("torch")]
    done = subprocess.run([sys.executable, str(script), *asked], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["pairs"] == {"pairs": 1, "runs": 2, "wrong": 0, "missing": 0}


@pytest.mark.slow
@in_long
@pytest.mark.skipif(bool(missing("torch")), reason="needs torch")
def test_pairs_in_which_chance_decides_are_held_against_twelve_seeds_of_every_subset() -> None:
    script = ROOT / "tests" / "benchmarks" / "causes_seeds.py"
    done = subprocess.run([sys.executable, str(script), "--limit", "1"], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 pairs: {'gap': 1, ")


@pytest.mark.slow
@in_long
@pytest.mark.skipif(bool(missing("torch")), reason="needs torch")
def test_many_checks_in_a_session_are_held_against_a_process_for_each() -> None:
    script = ROOT / "tests" / "benchmarks" / "many_checks.py"
    asked = ["--checks", "2", "--alone", "1", "--workers", "1", "--frameworks", "torch", "--json"]
    done = subprocess.run([sys.executable, str(script), *asked], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["session_says"].startswith("2 passed")
    assert found["alone_codes"] == [0]
    assert found["session_seconds"] > 0


@pytest.mark.sampled(4, among="questions")
@pytest.mark.slow
@pytest.mark.skipif(bool(missing("torch")), reason="needs torch")
def test_lint_is_timed_beside_imports() -> None:
    script = ROOT / "tests" / "benchmarks" / "lint_time.py"
    asked = ["regression", "--rounds", "1", "--json"]
    done = subprocess.run([sys.executable, str(script), *asked], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found["imports"]) == {"needed", "framework"}
    (one,) = found["lint"].values()
    assert one["seconds"] > 0
    assert one["framework"] == one["seconds"] / found["imports"]["framework"]
