"""Commands that others disturb: started together in one folder, killed, given damaged files, made to take many epochs.

    python tests/benchmarks/stress.py --pairs 20 --kills 20 --damaged 20 --epochs 1300

What it counts: stored runs that are not the same as those of the command run alone; runs that a killed command had
finished and that are gone, and processes and scratch folders that it leaves; stored files that were damaged and used
all the same. All are to be 0, and the many epochs are to end with few descriptors.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from parity.run.session import PREFIX
from parity.run.store import Store

ROOT = Path(__file__).resolve().parents[2]

SPEC = """\
name: small
data: {source: rows.npz}
model:
  input: [8]
  layers:
    - dense: {units: 16, activation: relu, name: hidden}
    - dense: {units: 3, name: output}
loss: {categorical_crossentropy: {from_logits: true}}
optimizer: {sgd: {learning_rate: 0.1, momentum: 0.9}}
training: {batch_size: 20, epochs: EPOCHS}
metrics: [accuracy]
sides:
  a: {framework: torch}
  b: {framework: torch, changes: {layers.hidden.kernel_initializer: zeros, training.shuffle: false}}
"""

ENDING = 20.0
"""Seconds after which what is still there is left behind."""


def started(folder: Path, out: str, *more: str, descriptors: int = 0) -> subprocess.Popen[str]:
    """Start ``parity run`` in a folder, in a process group of its own."""

    def limit() -> None:
        if descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    return subprocess.Popen(
        [sys.executable, "-m", "parity", "run", "spec.yaml", "--out", out, *more],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, preexec_fn=limit,
    )  # fmt: skip


def done(process: subprocess.Popen[str]) -> str:
    """Wait for a command, and return what it wrote.

    Raises:
        RuntimeError: when it fails.
    """
    out, err = process.communicate(timeout=900)
    if process.returncode != 0:
        raise RuntimeError(f"exit code {process.returncode}: {err[-2000:]}")
    return out


def prepared(folder: Path, epochs: int = 2, python: str = "") -> None:
    """Write a spec, whose sides may have an interpreter of their own, and its data."""
    import numpy as np

    rng = np.random.default_rng(0)
    labels = np.arange(200) % 3
    np.savez(folder / "rows.npz", X=rng.normal(size=(200, 8)) + labels[:, None], y=labels)
    own = f"framework: torch, python: {json.dumps(python)}" if python else "framework: torch"
    (folder / "spec.yaml").write_text(SPEC.replace("EPOCHS", str(epochs)).replace("framework: torch", own))


def kept(folder: Path) -> dict[str, list[float]]:
    """Return the losses of every stored run, by key."""
    return {file.stem: json.loads(file.read_text())["losses"] for file in folder.glob("runs/*.json")}


def pairs(folder: Path, many: int, python: str) -> dict[str, int]:
    """Start two commands of other options in one folder, many times; count stored runs that are not their own."""
    options: list[Sequence[str]] = [("--side", "a"), ("--side", "a", "--set", "optimizer.learning_rate=0.9")]
    prepared(folder, python=python)
    alone: dict[str, list[float]] = {}
    for number, one in enumerate(options):
        done(started(folder, f"alone{number}", "--no-explain", *one))
        alone |= kept(folder / f"alone{number}")
    wrong = missing = 0
    for number in range(many):
        out = f"both{number}"
        for process in [started(folder, out, "--no-explain", *one) for one in options]:
            done(process)
        both = kept(folder / out)
        missing += len(alone.keys() - both.keys())
        wrong += sum(both[key] != alone[key] for key in both.keys() & alone.keys())
        shutil.rmtree(folder / out)
    return {"pairs": many, "runs": many * len(alone), "wrong": wrong, "missing": missing}


def of_group(group: int) -> list[int]:
    """Return the processes of a group."""
    told = subprocess.run(["ps", "-eo", "pid,pgid"], capture_output=True, text=True, check=True).stdout
    return [int(pid) for pid, of in (line.split() for line in told.splitlines()[1:]) if int(of) == group]


def left_folders() -> set[str]:
    """Return the scratch folders that no process holds."""
    found = set()
    for parent in {Path("/dev/shm"), Path(tempfile.gettempdir())}:
        for folder in parent.glob(f"{PREFIX}*"):
            try:
                handle = os.open(folder, os.O_RDONLY)
            except OSError:
                continue
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                found.add(str(folder))
            except OSError:
                pass
            finally:
                os.close(handle)
    return found


def kills(folder: Path, many: int, seed: int) -> dict[str, int]:
    """Kill a command at some moment, many times; count what it had finished and lost, and what it leaves."""
    rng = random.Random(seed)
    prepared(folder, epochs=30)
    lost = processes = folders = parts = 0
    store = Store(folder / "out" / "runs")
    for number in range(many):
        process = started(folder, "out", "--set", f"training.seed={number // 4}", "--max-runs", "6")
        deadline = time.monotonic() + rng.uniform(1.0, 25.0)
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        before = set(kept_names(folder))
        if number % 2:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()  # The parent alone: its workers have to see that it is gone.
        process.communicate()
        ending = time.monotonic() + ENDING
        while of_group(process.pid) and time.monotonic() < ending:
            time.sleep(0.1)
        processes += len(of_group(process.pid))
        lost += sum(store.get(name) is None for name in before)
    done(started(folder, "out", "--no-explain", "--side", "a"))
    folders = len(left_folders())
    parts = len(list((folder / "out").rglob("*.part")))
    return {"kills": many, "lost": lost, "processes": processes, "folders": folders, "parts": parts}


def kept_names(folder: Path) -> list[str]:
    """Return the keys of the stored runs."""
    return [file.stem for file in (folder / "out" / "runs").glob("*.json")]


def damaged(folder: Path, many: int, seed: int) -> dict[str, int]:
    """Damage a stored file and run the command again, many times; count other results, and those that do not say so."""
    rng = random.Random(seed)
    prepared(folder)
    good = json.loads(done(started(folder, "out", "--no-explain", "--json", "--side", "a")))
    wrong = silent = 0
    for _ in range(many):
        file = rng.choice([*(folder / "out" / "runs").iterdir()])
        content = bytearray(file.read_bytes())
        place = rng.randrange(len(content))
        content[place] = (content[place] + rng.randrange(1, 256)) % 256
        file.write_bytes(content[: rng.choice([len(content), rng.randrange(len(content))])])
        again = json.loads(done(started(folder, "out", "--no-explain", "--json", "--side", "a")))
        wrong += [side["losses"] for side in again["sides"]] != [side["losses"] for side in good["sides"]]
        silent += not any(file.name in note for note in again["notes"])
    return {"damaged": many, "wrong": wrong, "silent": silent}


def epochs(folder: Path, many: int) -> dict[str, int]:
    """Take many epochs with few descriptors; return how many were recorded."""
    prepared(folder, epochs=many)
    text = (folder / "spec.yaml").read_text().replace("batch_size: 20", "batch_size: 200")
    (folder / "spec.yaml").write_text(text)
    told = json.loads(done(started(folder, "out", "--no-explain", "--json", "--side", "a", descriptors=200)))
    return {"epochs": many, "recorded": len(told["sides"][0]["epochs"])}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("pairs", "kills", "damaged", "epochs"):
        parser.add_argument(f"--{name}", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--python", default="", help="interpreter of the sides of --pairs; that of the commands if none"
    )
    given = parser.parse_args()
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="stress-") as place:
        for name in ("pairs", "kills", "damaged", "epochs"):
            (Path(place) / name).mkdir()
        if given.pairs:
            result["pairs"] = pairs(Path(place) / "pairs", given.pairs, given.python)
        if given.kills:
            result["kills"] = kills(Path(place) / "kills", given.kills, given.seed)
        if given.damaged:
            result["damaged"] = damaged(Path(place) / "damaged", given.damaged, given.seed)
        if given.epochs:
            result["epochs"] = epochs(Path(place) / "epochs", given.epochs)
    print(json.dumps(result, indent=1))
    faults = ("wrong", "missing", "lost", "processes", "folders", "parts", "silent")
    bad = any(one.get(fault) for one in result.values() for fault in faults)
    sys.exit(bad or result.get("epochs", {}).get("recorded") != (given.epochs or None))
