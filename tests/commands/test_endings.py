"""How commands end: one line, and a code that says whose fault it is."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

from parity.cli import main
from parity.commands.ending import ended
from parity.errors import DataError, ParityError, WorkerError, printable, shortened
from parity.frameworks import Framework
from parity.prepare.installed import with_what_is_there
from parity.prepare.options import Options
from parity.prepare.options import prepare as prepared
from parity.run.serving import LONGEST, is_machines, told
from parity.spec.load import build_spec, load_spec, parse_spec

ROOT = Path(__file__).resolve().parents[2]

SPEC = """\
name: small
data: {source: rows.npz}
model:
  input: [6]
  layers:
    - dense: {units: 4, activation: relu}
    - dense: {units: 3, name: logits}
loss: {categorical_crossentropy: {from_logits: true}}
optimizer: {sgd: {learning_rate: 0.1}}
training: {batch_size: 8}
metrics: [accuracy]
sides:
  a: {framework: torch}
  b: {framework: torch, changes: {optimizer.momentum: 0.5}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a spec and its data, which is the current one."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "rows.npz", X=rng.normal(size=(24, 6)), y=np.arange(24) % 3)
    (tmp_path / "spec.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def parity(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def raising(error: BaseException) -> Any:
    def verb() -> None:
        raise error

    return verb


# ---------------------------------------------------------------------------------------------------- codes


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (ParityError("wrong"), 2, "wrong\n"),
        (WorkerError("a", "gone"), 3, "side a: gone\n"),
        (WorkerError("a", "No space left", machine=True), 4, "side a: No space left\n"),
        (click.UsageError("no such option"), 2, "Error: no such option\n"),
        (MemoryError("Unable to allocate 7 TiB"), 4, "out of memory: Unable to allocate 7 TiB\n"),
        (OSError(28, "No space left on device", "runs/a.json"), 4, "runs/a.json: No space left on device\n"),
        (PermissionError(13, "Permission denied", "/x"), 4, "/x: Permission denied\n"),
        (OSError(28, "No space left on device"), 4, "the machine: No space left on device\n"),
        (BrokenPipeError(32, "Broken pipe"), 141, ""),
        (KeyboardInterrupt(), 130, "\ninterrupted; finished runs are kept, the same command goes on from them\n"),
        (click.Abort(), 130, "\ninterrupted; finished runs are kept, the same command goes on from them\n"),
        (SystemExit(3), 3, ""),
        (SystemExit(None), 0, ""),
        (ParityError("\x1b[31mred\ud800"), 2, "\\x1b[31mred\\ud800\n"),
    ],
)
def test_whose_fault_it_is_says_the_code(
    error: BaseException, code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(raising(error)) == code
    assert capsys.readouterr() == ("", says)


def test_a_fault_of_our_own_is_one_line_with_the_file_that_has_the_traceback(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert ended(raising(ZeroDivisionError("in\nsomething"))) == 4
    (line,) = capsys.readouterr().err.splitlines()
    said, file = line.split("; its traceback is in ")
    assert said == "a fault of parity's own, ZeroDivisionError: in something"
    assert "Traceback (most recent call last)" in Path(file).read_text()
    assert "raise error" in Path(file).read_text()


def test_what_cannot_be_written_is_the_machines_fault(folder: Path) -> None:
    done = parity("compile", "spec.yaml", "-o", "nowhere/x.py")
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr == "nowhere/x.py: No such file or directory\n"
    (folder / "file").touch()
    done = parity("check", "spec.yaml", "--out", "file/x", "--steps", "1")
    assert done.exit_code == 4
    assert done.stderr.endswith(": Not a directory\n")
    assert "\n" not in done.stderr.strip()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["catalog"], ["diff", "spec.yaml", "--json"]])
def test_output_to_a_full_disk_is_the_machines_fault(folder: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "parity", *arguments], stdout=full, stderr=subprocess.PIPE,
                              env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True)  # fmt: skip
    assert (done.returncode, done.stderr) == (4, "the machine: No space left on device\n")


def test_a_reader_that_is_gone_ends_a_command_as_any_tool(folder: Path) -> None:
    process = subprocess.Popen([sys.executable, "-m", "parity", "catalog", "--json"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() in (0, 141)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_from_outside_cleans_up(number: signal.Signals, tmp_path: Path) -> None:
    code = (
        "import signal, sys, time; from pathlib import Path; from parity.commands.ending import ended\n"
        f"signal.signal({int(number)}, signal.SIG_DFL)\n"  # Under nohup the tests' own processes would ignore it.
        "def verb():\n    try:\n        print('begun', flush=True); time.sleep(60)\n"
        f"    finally:\n        Path({str(tmp_path / 'cleaned')!r}).touch()\n"
        "sys.exit(ended(verb))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    process.send_signal(number)
    assert process.wait(timeout=30) == 128 + number
    process.stdout.close()
    assert (tmp_path / "cleaned").exists()


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    code = (
        "import signal, sys; from parity.commands.ending import ended\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "ended(lambda: print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, text=True, check=True)
    assert done.stdout == "True\n"


# --------------------------------------------------------------------------------------------- usage and data


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--timeout", "nan"], "expected a finite number of seconds, not nan"),
        (["--timeout", "inf"], "inf is not in the range"),
        (["--frameworks", "torch,torch"], "--frameworks torch,torch: torch stands there twice; name each once"),
        (["--frameworks", "pytorch"], "did you mean 'torch'?"),
        (["--data", "x" * 3000], "data source"),
    ],
)
def test_options_that_mean_nothing_are_refused(folder: Path, arguments: list[str], says: str) -> None:
    done = parity("check", "spec.yaml", *arguments)
    assert done.exit_code == 2
    assert says in done.stderr
    assert len(done.stderr) < 1500


@pytest.mark.parametrize("options", [{"timeout": float("nan")}, {"timeout": 0.5}, {"max_seconds": float("inf")}])
def test_times_that_are_none_are_refused_in_python_too(folder: Path, options: dict[str, float]) -> None:
    with pytest.raises(ParityError, match="expected seconds, from"):
        prepared(load_spec("spec.yaml"), Options(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.full((24, 6), np.nan), np.arange(24) % 3),
        (np.zeros((24, 6)), np.arange(24) % 3 - 1),
        (np.zeros((24, 5)), np.arange(24) % 3),
        (np.zeros((24, 6)), np.arange(24) % 5),
        (np.zeros((24, 6)).astype(complex), np.arange(24) % 3),
    ],
    ids=["nan", "negative", "width", "classes", "complex"],
)
def test_lint_refuses_what_compile_refuses(folder: Path, x: np.ndarray, y: np.ndarray) -> None:
    np.savez(folder / "rows.npz", X=x, y=y)
    lint, compiled = parity("lint", "spec.yaml"), parity("compile", "spec.yaml")
    assert (lint.exit_code, compiled.exit_code) == (2, 2)
    assert compiled.stderr.strip() in lint.stderr
    assert "nothing to advise" in lint.stdout, "what the spec alone shows is told all the same"


LACKS = "  c: {framework: keras}\n  d: {framework: tensorflow}\n"


def test_a_side_whose_framework_is_not_installed_is_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Framework, "installed", lambda known: known.name == "torch")
    (folder / "spec.yaml").write_text(SPEC + LACKS)
    spec = parse_spec(SPEC + LACKS)
    sides, told = with_what_is_there(prepared(spec, Options()))
    assert [side.name for side in sides] == ["a", "b"]
    assert told == [
        "side c is left out; keras is not installed: pip install 'parity-harness[keras]'",
        "side d is left out; tensorflow is not installed: pip install 'parity-harness[tensorflow]'",
    ]
    assert parity("diff", "spec.yaml").exit_code == 0, "what runs nothing needs no framework"


def test_of_sides_without_their_frameworks_the_configs_run_in_what_is_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Framework, "installed", lambda known: known.name == "torch")
    leaf = load_spec(ROOT / "specs" / "leaf_small.yaml")
    sides, told = with_what_is_there(prepared(leaf, Options()), least=2)
    assert [(side.name, side.framework) for side in sides] == [("keras", "torch"), ("tensorflow", "torch")]
    assert told[1] == (
        "side tensorflow runs in PyTorch, which shows what its config does and not what its framework does; "
        "tensorflow is not installed: pip install 'parity-harness[tensorflow]'"
    )
    base = load_spec(ROOT / "specs" / "cifar_base.yaml")
    sides, told = with_what_is_there(prepared(base, Options()))
    assert ([side.name for side in sides], told) == (["torch"], []), "a spec without sides runs in what there is"


def test_a_side_that_is_asked_for_must_have_its_framework(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Framework, "installed", lambda known: known.name == "torch")
    (folder / "spec.yaml").write_text(SPEC + LACKS)
    done = parity("run", "spec.yaml", "--side", "c", "--side", "a")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "side c needs keras, not installed: pip install 'parity-harness[keras]'\n"
    monkeypatch.setattr(Framework, "installed", lambda known: False)
    done = parity("run", "spec.yaml")
    assert "side a needs torch, side b needs torch" in done.stderr
    assert not (folder / "reports").exists()


def test_a_framework_that_another_interpreter_lacks_is_found_before_anything_starts(folder: Path) -> None:
    bare = folder / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    plain = {**load_spec("spec.yaml").model_dump(), "sides": {"old": {"framework": "torch", "python": str(bare)}}}
    says = f"side old needs torch, not installed for {bare}: {bare} -m pip install torch"
    with pytest.raises(ParityError, match=re.escape(says)):
        with_what_is_there(prepared(build_spec(plain), Options()))


# -------------------------------------------------------------------------------------------------- messages


def test_a_long_message_keeps_its_beginning_and_its_end() -> None:
    text = shortened("a" * 5000 + "z" * 5000, 100)
    assert text == f"{'a' * 75}... (9900 letters left out) ...{'z' * 25}"
    assert len(str(DataError("x" * 10**6))) < 1100
    assert str(DataError(f"one\n{'x' * 10**6}")).splitlines()[0] == "one"


def test_only_what_a_terminal_obeys_is_spelled_out() -> None:
    assert printable("é 日本 😀\n\tx") == "é 日本 😀\n\tx"
    assert printable("\x1b]0;t\x07\x9b1m\u202e\r") == "\\x1b]0;t\\x07\\x9b1m\\u202e\\r"


class UnspeakableError(Exception):
    """An error that cannot be put into words."""

    def __str__(self) -> str:
        raise ValueError("never")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError("\ud800 bad"), "ValueError: \\ud800 bad"),
        (ValueError("a\n  b"), "ValueError: a b"),
        (UnspeakableError(), "UnspeakableError: its message cannot be read"),
        (SystemExit("enough"), "SystemExit: enough"),
    ],
)
def test_an_error_of_a_program_is_one_line_that_can_be_sent(error: BaseException, says: str) -> None:
    assert told(error) == says
    assert len(told(ValueError("z" * 5_000_000))) < LONGEST + 60
    told(error).encode("utf-8")


def test_a_full_disk_is_the_machines_fault_in_a_worker_too() -> None:
    assert is_machines(OSError(28, "No space left on device"))
    assert is_machines(MemoryError())
    assert not is_machines(FileNotFoundError(2, "No such file"))
    assert not is_machines(ValueError())


def test_a_program_that_cannot_be_imported_leaves_the_report_of_the_others(folder: Path, forked_torch: None) -> None:
    (folder / "own.py").write_text("raise ValueError('not today')\n")
    (folder / "spec.yaml").write_text(SPEC + "  own: {framework: torch, program: own.py}\n")
    done = parity("run", "spec.yaml", "--side", "a", "--side", "own", "--steps", "2", "--no-explain", "--json")
    assert done.exit_code == 0, done.stderr
    result = json.loads(done.stdout)
    assert [len(side["losses"]) for side in result["sides"]] == [2, 0]
    assert result["sides"][1]["error"].startswith("side own: ValueError: not today (own.py, line 1); more in ")
    assert [one["verdict"] for one in result["comparisons"]] == ["inconclusive"]
    assert "raise ValueError" in result["sides"][1]["program"]


def test_a_port_to_what_is_not_installed_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr("parity.frameworks.Framework.installed", lambda self: self.name != "torch")
    (tmp_path / "train.py").write_text("import keras\n")
    done = CliRunner().invoke(main, ["port", str(tmp_path / "train.py"), "--to", "torch", "--weights"])
    assert done.exit_code == 2
    assert "pip install 'parity-harness[torch]'; or --no-proof" in done.output
