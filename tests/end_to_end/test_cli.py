"""The command line: what a user types, sees and gets as exit code.

As a subprocess, but where it does not matter that it is one.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers_commands import Done, command

from parity.cli import main

ROOT = Path(__file__).resolve().parents[2]
TRACEBACK = "Traceback (most recent call last)"

SMALL = """\
name: small
question: Does the port train the same?
data: {source: leaf_like, standardize: true, reshape: [3, 64], transpose: [1, 0], rows: 198}
model:
  input: [64, 3]
  layers:
    - conv1d: {filters: 8, kernel_size: 3, strides: 2, padding: same, activation: relu}
    - dropout: 0.25
    - flatten
    - dense: {units: 32, activation: tanh}
    - dense: {units: 99, activation: softmax, name: logits}
loss: categorical_crossentropy
optimizer: {adam: {learning_rate: 0.01}}
training: {batch_size: 32, epochs: 6}
metrics: [accuracy]
"""

PORT = """
sides:
  good: {framework: torch}
  bad:
    framework: tensorflow
    changes:
      optimizer.learning_rate: 1e-7
      layers.dropout.rate: 0.3
"""


def parity(*arguments: str | Path, cwd: Path, timeout: float = 300, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "parity", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **env},
        check=False,
    )


def spec_file(folder: Path, text: str, name: str = "spec.yaml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A finished main job: a port with one cause and one difference that does next to nothing.

    In this process; the run that is interrupted, below, is a process with workers of its own, as a user's is.
    """
    folder = tmp_path_factory.mktemp("run")
    spec_file(folder, SMALL + PORT)
    return folder, command("run", "spec.yaml", "--verbose", cwd=folder)


def test_run_names_the_cause_with_all_that_the_report_says(finished: tuple[Path, Done]) -> None:
    _, done = finished
    assert done.returncode == 0, done.stderr
    after = done.stdout.partition("What breaks, what repairs")[2]
    assert "optimizer.learning_rate: 1e-07 -> 0.01" in after
    assert "layers.dropout.rate" not in after


def test_run_writes_every_report(finished: tuple[Path, Done]) -> None:
    folder, done = finished
    written = folder / "reports" / "small"
    for name in ("result.json", "report.md", "report.html", "curves.png"):
        assert (written / name).stat().st_size > 500
        assert name in done.stdout
    assert {path.name for path in (written / "programs").glob("*.py")} == {"small_good.py", "small_bad.py"}


def test_the_result_holds_what_the_screen_says(finished: tuple[Path, Done]) -> None:
    folder, _ = finished
    result = json.loads((folder / "reports" / "small" / "result.json").read_text())
    assert [side["name"] for side in result["sides"]] == ["good", "bad"]
    assert all(len(side["losses"]) == 42 for side in result["sides"])
    found = {one["path"]: one for one in result["differences"]}
    assert set(found) == {"optimizer.learning_rate", "layers.dropout.rate"}
    assert found["optimizer.learning_rate"]["effect"]["breaks"] is True
    assert found["optimizer.learning_rate"]["effect"]["repairs"] is True
    assert found["layers.dropout.rate"]["effect"]["breaks"] is False
    assert result["advice"] == []
    explanation = result["explanation"]
    assert explanation["breakers"] == explanation["repairs"] == [["optimizer.learning_rate"]]
    assert explanation["harmless"] == ["layers.dropout.rate"]
    # Both differ from step 1 on; dropout is met first, in the forward pass.
    first = result["comparisons"][0]["first"]
    assert (first["step"], first["phase"], first["tensor"]) == (1, "forward", "dropout")


def test_a_second_run_repeats_nothing(finished: tuple[Path, Done]) -> None:
    folder, _ = finished
    first = json.loads((folder / "reports" / "small" / "result.json").read_text())["explanation"]
    assert (first["cached_runs"], first["missing"]) == (0, [])
    runs = {path: path.stat().st_mtime_ns for path in (folder / "reports" / "small" / "runs").iterdir()}
    done = command("run", "spec.yaml", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert all(side["cached"] for side in result["sides"])
    again = result["explanation"]
    assert again["cached_runs"] == again["runs"] == first["runs"]
    assert again["claims"] == first["claims"]
    assert {path: path.stat().st_mtime_ns for path in runs} == runs


def test_the_answer_fits_a_screen(finished: tuple[Path, Done]) -> None:
    folder, _ = finished
    done = command("run", "spec.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) <= 24, done.stdout
    for said in ("Divergent", "optimizer.learning_rate", "To try it", "report.html", "--verbose"):
        assert said in done.stdout


@pytest.mark.sampled(2)
def test_check_of_one_config_in_three_frameworks_is_parity(tmp_path: Path) -> None:
    spec_file(tmp_path, SMALL)
    done = command("check", "spec.yaml", "--steps", "3", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    comparisons = json.loads(done.stdout)["comparisons"]
    assert [(one["a"], one["b"]) for one in comparisons] == [("keras", "tensorflow"), ("keras", "torch")]
    for one in comparisons:
        assert one["verdict"] == "rounding"
        assert one["largest"]["difference"] < 1e-11
        assert {phase["phase"] for phase in one["phases"]} >= {
            "weights",
            "forward",
            "loss",
            "gradient",
            "update",
            "state",
        }


@pytest.mark.sampled(2)
def test_check_gives_advice_on_programs_that_agree_on_a_mistake(tmp_path: Path) -> None:
    spec_file(tmp_path, SMALL)
    done = command(
        "check", "spec.yaml", "--frameworks", "tensorflow,torch", "--steps", "2", "--json",
        "--set", "loss.from_logits=true", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (advice,) = json.loads(done.stdout)["advice"]
    assert (advice["rule"], advice["sides"]) == ("softmax_before_logits", ["tensorflow", "torch"])


@pytest.mark.sampled(2)
def test_check_of_a_port_that_differs_is_divergent(tmp_path: Path) -> None:
    spec_file(tmp_path, SMALL + PORT)
    done = command("check", "spec.yaml", "--set", "bad:layers.dropout.rate=0.25", cwd=tmp_path)
    assert done.returncode == 1
    assert "divergent" in done.stdout
    assert "update" in done.stdout


@pytest.mark.sampled(2)
def test_like_compiles_one_side_for_other_frameworks(tmp_path: Path) -> None:
    spec_file(tmp_path, SMALL + PORT)
    done = command(
        "check",
        "spec.yaml",
        "--like",
        "bad",
        "--frameworks",
        "tensorflow,torch",
        "--steps",
        "2",
        "--json",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert [side["name"] for side in result["sides"]] == ["tensorflow", "torch"]
    assert result["differences"] == []


FIVE_FAULTS = """\
name: faulty
data: {source: leaf_like}
model:
  input: [192]
  layers:
    - dens: {units: 8}
    - dropout: {rate: lots}
    - dense: {units: -99, name: logits}
loss: categorical_crossentropy
optimizer: sgd
sides:
  a:
    framework: torhc
  b:
    framework: torch
    changes:
      layers.logit.units: 3
"""


def test_five_faults_give_five_lines_and_exit_code_2(tmp_path: Path) -> None:
    spec_file(tmp_path, FIVE_FAULTS)
    for verb, how in (("run", parity), ("check", command), ("diff", command)):
        done: Any = how(verb, "spec.yaml", cwd=tmp_path)
        assert done.returncode == 2
        assert done.stdout == ""
        lines = done.stderr.strip().splitlines()
        assert [re.match(r"spec\.yaml:(\d+): ", line)[1] for line in lines] == ["6", "7", "8", "13", "17"]  # type: ignore[index]
        for line, near in zip(lines, ["dense", "number", "greater than 0", "torch", "logits"], strict=True):
            assert near in line
        assert TRACEBACK not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nowhere.yaml"], "no such file"),
        (["run", "spec.yaml", "--side", "god"], "did you mean 'good'"),
        (["run", "spec.yaml", "--frameworks", "pytorch"], "did you mean 'torch'"),
        (["run", "spec.yaml", "--like", "goood"], "did you mean 'good'"),
        (["run", "spec.yaml", "--set", "training.batch_size"], "expected PATH=VALUE"),
        (["run", "spec.yaml", "--set", "training.batch_sise=3"], "batch_size"),
        (["run", "spec.yaml", "--set", "bda:training.batch_size=3"], "did you mean 'bad'"),
        (["run", "spec.yaml", "--data", "nowhere.npz"], "nowhere.npz"),
        (["run", "spec.yaml", "--data", "laef"], "did you mean 'leaf'"),
        (["run", "spec.yaml", "--steps", "0"], "0 is not in the range"),
        (["check", "spec.yaml", "--side", "good"], "here is only good"),
        (["compile", "spec.yaml", "--side", "godo"], "did you mean 'good'"),
        (["catalog", "conv1"], "did you mean 'conv1d'"),
        (["run", "spec.yaml", "--set", "data.reshape=[192]", "--set", "data.transpose=null"], "model.input"),
    ],
)
def test_bad_input_is_one_clear_message(tmp_path: Path, arguments: list[str], said: str) -> None:
    spec_file(tmp_path, SMALL + PORT)
    done = command(*arguments, cwd=tmp_path, PARITY_DATA="")
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert TRACEBACK not in done.stderr
    assert done.stdout == ""


@pytest.mark.sampled(2)
def test_a_side_whose_interpreter_is_missing_keeps_what_the_other_finished(tmp_path: Path) -> None:
    spec_file(
        tmp_path, SMALL + PORT.replace("framework: tensorflow", "framework: tensorflow\n    python: /nowhere/python")
    )
    done = command("run", "spec.yaml", "--steps", "3", cwd=tmp_path)
    assert done.returncode == 0
    assert TRACEBACK not in done.stderr + done.stdout
    result = json.loads((tmp_path / "reports" / "small" / "result.json").read_text())
    good, bad = result["sides"]
    assert len(good["losses"]) == 3
    assert "/nowhere/python" in bad["error"]
    assert result["comparisons"][0]["verdict"] == "inconclusive"
    assert "/nowhere/python" in done.stdout


@pytest.mark.takes_turns
@pytest.mark.parametrize("framework", ["keras", "tensorflow", "torch"])
def test_compile_prints_a_program_without_a_trace_of_parity(tmp_path: Path, framework: str) -> None:
    spec_file(tmp_path, SMALL)
    done = command("compile", "spec.yaml", "--framework", framework, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "parity" not in done.stdout
    compile(done.stdout, "program.py", "exec")
    again = command("compile", "spec.yaml", "--framework", framework, "-o", "program.py", cwd=tmp_path)
    assert again.stdout == ""
    written = (tmp_path / "program.py").read_text()
    assert "\n    python program.py --data" in written  # how to call it, by the name that it has
    named = re.sub(r"(?m)^    python \S+\.py --data", "    python program.py --data", done.stdout)
    assert written == named


def test_diff_as_json_and_as_text_say_the_same(tmp_path: Path) -> None:
    spec_file(tmp_path, SMALL + PORT)
    told = json.loads(parity("diff", "spec.yaml", "--json", cwd=tmp_path).stdout)
    text = command("diff", "spec.yaml", cwd=tmp_path).stdout
    assert [one["path"] for one in told[0]["differences"]] == ["layers.dropout.rate", "optimizer.learning_rate"]
    for one in told[0]["differences"]:
        assert one["path"] in text
        assert f"{one['a']} -> {one['b']}" in text


def test_catalog_and_defaults_are_json_on_request(tmp_path: Path) -> None:
    catalog = json.loads(command("catalog", "--json", cwd=tmp_path).stdout)
    assert "conv1d" in catalog["op"]
    defaults = json.loads(command("defaults", "--json", cwd=tmp_path).stdout)
    assert any(row["entry"] == "adam" and row["field"] == "epsilon" and row["torch"] == "1e-08" for row in defaults)
    assert "y[n, t, o] = activation(" in command("catalog", "conv1d", cwd=tmp_path).stdout


@pytest.mark.sampled(4, among="questions")
@pytest.mark.slow
@pytest.mark.usefixtures("forked_torch")
def test_an_interrupted_run_keeps_finished_runs_and_leaves_nothing_behind(tmp_path: Path) -> None:
    port = PORT.replace("framework: tensorflow", "framework: torch")
    spec_file(tmp_path, f"{SMALL}{port}explain: {{steps: 14, framework: torch}}\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "parity", "run", "spec.yaml", "--causes-only"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        # A shell's background job ignores Ctrl-C, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        start_new_session=True,
    )
    runs = tmp_path / "reports" / "small" / "runs"

    deadline = time.monotonic() + 200
    # What the sides come to with three seeds each is known then, and the search has begun.
    while time.monotonic() < deadline and len(list(runs.glob("*.json"))) < 11:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # As a terminal does: to the workers, too.
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert TRACEBACK not in err
    left = subprocess.run(["ps", "-eo", "pgid,cmd"], capture_output=True, text=True, check=True).stdout
    assert not [line for line in left.splitlines() if line.split()[0] == str(process.pid)]
    result = json.loads((tmp_path / "reports" / "small" / "result.json").read_text())
    assert result["explanation"]["interrupted"] is True
    assert result["explanation"]["missing"]
    kept = {path: path.stat().st_mtime_ns for path in runs.glob("*.json")}
    with chdir(
        tmp_path
    ):  # Forked workers, and programs as they are written for a user: they are part of what a run is.
        again = json.loads(CliRunner().invoke(main, ["run", "spec.yaml", "--causes-only", "--json"]).stdout)
    assert all(side["cached"] for side in again["sides"])
    assert again["explanation"]["interrupted"] is False
    assert again["explanation"]["repairs"] == [["optimizer.learning_rate"]]
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
