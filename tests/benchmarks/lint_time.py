"""How long does ``parity lint`` take beyond reading the data? Each spec of the gallery, beside imports.

    python tests/benchmarks/lint_time.py
    python tests/benchmarks/lint_time.py leaf_small cifar --rounds 9 --json

A spec is linted in a process of its own, ``--rounds`` times, by turns with two others that say what the machine does
just then: ``import numpy, pydantic, click, ruamel.yaml``, which no lint can do without, and ``import torch``, which
lint is there to do without. Printed is the processor time of the best round, the reading of the data taken off, and its
ratio to each. Specs with a program written by hand are left out: to match it, its framework is imported.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

LINT = """
import sys, time
began = time.process_time()
sys.argv = ["parity", "lint", sys.argv[1]]
from parity.cli import main
import parity.data.loading as loading
read, spent = loading.read, []
def timed(*told, **more):
    began = time.process_time()
    try:
        return read(*told, **more)
    finally:
        spent.append(time.process_time() - began)
loading.read = timed
try:
    main()
except SystemExit as ended:
    assert ended.code in (0, 1), ended.code
print("seconds", time.process_time() - began, sum(spent))
"""
"""Lints a spec and says how long it took, and how much of that was reading data."""

IMPORTS = {"needed": "import numpy, pydantic, click, ruamel.yaml", "framework": "import torch"}


def seconds(code: str, *told: str) -> list[float]:
    """Return the numbers that code prints last behind the word ``seconds``."""
    done = subprocess.run([sys.executable, "-c", code, *told], capture_output=True, text=True, cwd=ROOT, check=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    return [float(one) for one in done.stdout.splitlines()[-1].split()[1:]]


def imported(what: str) -> float:
    """Return the processor time of imports."""
    timed = f"import time\nbegan = time.process_time()\n{what}\nprint('seconds', time.process_time() - began)"
    return seconds(timed)[0]


def measured(specs: list[str], rounds: int) -> dict[str, Any]:
    """Return the best of each, in seconds."""
    taken: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, what in IMPORTS.items():
            taken.setdefault(name, []).append(imported(what))
        for spec in specs:
            whole, data = seconds(LINT, spec)
            taken.setdefault(f"lint {spec}", []).append(whole - data)
    best = {name: min(found) for name, found in taken.items()}
    return {
        "imports": {name: best[name] for name in IMPORTS},
        "lint": {
            spec: {"seconds": (one := best[f"lint {spec}"]), **{name: one / best[name] for name in IMPORTS}}
            for spec in specs
        },
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="*", help="names of the gallery; all of it if none")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    every = [one.stem for one in sorted((ROOT / "specs").glob("*.yaml")) if "program:" not in one.read_text()]
    found = measured(told.specs or every, told.rounds)
    if told.json:
        print(json.dumps(found))
        return
    print(", ".join(f"{what}: {found['imports'][name]:.2f} s" for name, what in IMPORTS.items()))
    for spec, one in found["lint"].items():
        print(f"{spec:20} {one['seconds']:.2f} s  {one['needed']:.1f} of the imports  {one['framework']:.2f} of torch")


if __name__ == "__main__":
    main()
