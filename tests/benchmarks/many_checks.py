"""What do many small checks cost in one session of pytest, beside a process for each?

    python tests/benchmarks/many_checks.py
    python tests/benchmarks/many_checks.py --checks 100 --alone 5 --workers 2 --json

A project of ``--checks`` small specs, dealt among ``--frameworks``, is made, and its goldens written. Then the same
checks are made side by side: all of them in one session of pytest with the plug-in, whose workers stay; and
``--alone`` of them as ``parity check SPEC --against GOLDEN``, each in a process of its own, two at a time as the
session's ``--workers`` are. What is said is seconds of the session, and how many times as long the processes would take
for all, by the wall, in which other work on the machine is, and in processor seconds, in which it is not.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]

SPEC = """
name: small_{number}
data: {{source: rows.npz}}
model:
  input: [16]
  layers:
    - dense: {{units: {units}, activation: tanh}}
    - dropout: 0.2
    - dense: {{units: 10}}
loss: {{categorical_crossentropy: {{from_logits: true}}}}
optimizer: {optimizer}
training: {{batch_size: 16, epochs: 2}}
sides:
  {framework}: {{framework: {framework}}}
"""

OPTIMIZERS = ("adam", "{sgd: {momentum: 0.9}}", "rmsprop", "adamw")


def project(folder: Path, checks: int, frameworks: list[str]) -> None:
    """Write a project of small specs, and what makes the plug-in one that is installed."""
    rng = np.random.default_rng(0)
    (folder / "tests").mkdir()
    np.savez(folder / "tests/rows.npz", X=rng.normal(size=(128, 16)).astype("float32"), y=np.arange(128) % 10)
    for number in range(checks):
        text = SPEC.format(
            number=number, units=8 + number % 5, optimizer=OPTIMIZERS[number % len(OPTIMIZERS)],
            framework=frameworks[number % len(frameworks)],
        )  # fmt: skip
        (folder / f"tests/parity_small_{number}.yaml").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    about = folder / "installed/parity_here-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: parity-here\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[pytest11]\nparity = parity.plugin\n")


def session(folder: Path, workers: int, env: dict[str, str]) -> tuple[float, float, str]:
    """Return the seconds of a session of pytest, those of processors that it took, and its last line."""
    begun, used = time.perf_counter(), spent()
    dealt = ["-n", str(workers), "--dist", "loadfile"] if workers > 1 else []
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *dealt], cwd=folder, env=env,
                          capture_output=True, text=True, check=False)  # fmt: skip
    return time.perf_counter() - begun, spent() - used, (done.stdout.strip().splitlines() or [done.stderr])[-1]


def spent() -> float:
    """Return the processor seconds of the processes that have ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def alone(folder: Path, number: int, env: dict[str, str]) -> int:
    """Make one check in a process of its own, and return its exit code."""
    golden = folder / f"tests/goldens/parity_small_{number}/check.golden.json"
    spec = folder / f"tests/parity_small_{number}.yaml"
    asked = ["check", str(spec), "--against", str(golden), "--out", str(folder / f"out{number}")]
    return subprocess.run([sys.executable, "-m", "parity", *asked], cwd=folder, env=env, capture_output=True,
                          check=False).returncode  # fmt: skip


def measured(checks: int, few: int, workers: int, frameworks: list[str]) -> dict[str, Any]:
    """Return what was measured."""
    folder = Path(tempfile.mkdtemp(prefix="parity-many-"))
    try:
        project(folder, checks, frameworks)
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder / "installed")])}
        written, _, _ = session(folder, workers, env)
        seconds, used, last = session(folder, workers, env)
        few = min(few, checks)
        begun, before = time.perf_counter(), spent()
        with ThreadPoolExecutor(max(1, workers)) as pool:
            codes = list(pool.map(lambda number: alone(folder, number, env), range(few)))
        each, used_each = ((one / max(1, few)) for one in (time.perf_counter() - begun, spent() - before))
        size = [one.stat().st_size for one in folder.rglob("*.golden.json")]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "checks": checks, "workers": workers, "frameworks": frameworks, "written_seconds": round(written, 1),
        "session_seconds": round(seconds, 1), "session_processor_seconds": round(used, 1), "session_says": last,
        "alone": few, "alone_codes": sorted(set(codes)), "alone_seconds_each": round(each, 2),
        "times_as_long_alone": round(each * checks / seconds, 1),
        "times_the_processor_seconds_alone": round(used_each * checks / used, 1) if used else None,
        "golden_bytes": int(np.mean(size)) if size else 0,
    }  # fmt: skip


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checks", type=int, default=100)
    parser.add_argument("--alone", type=int, default=6, help="checks made in processes of their own")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--frameworks", default="torch,keras,tensorflow")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measured(given.checks, given.alone, given.workers, given.frameworks.split(","))
    if given.json:
        print(json.dumps(found))
        return
    print(f"{found['checks']} checks in one session: {found['session_seconds']} s ({found['session_says']})")
    print(f"a process for each: {found['alone_seconds_each']} s a check, {found['times_as_long_alone']} times as long")
    print(f"a golden: {found['golden_bytes']} bytes; writing all: {found['written_seconds']} s")


if __name__ == "__main__":
    main()
