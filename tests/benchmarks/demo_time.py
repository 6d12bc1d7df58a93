"""How long is the way from ``parity run leaf_small`` to its answer? Seconds to the verdict, the first causes, the end.

    python tests/benchmarks/demo_time.py
    python tests/benchmarks/demo_time.py --specs leaf_small leaf_port --json

Each run is in a folder of its own, where nothing is kept. Beside it stands what the machine does just then: seconds of
a loop that adds 30 million numbers, and of ``import tensorflow`` and ``import torch``, one after the other, which a run
of two frameworks cannot do without.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

SAID = re.compile(r"^(\d+) s: (.*)")
"""What a run says on standard error when it knows more."""


def spent(*command: str) -> float:
    """Return the seconds that a command takes."""
    begun = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - begun


def machine() -> dict[str, float]:
    """Return seconds of what says how fast a machine is."""
    begun, number = time.monotonic(), 0
    while number < 30_000_000:
        number += 1
    added = time.monotonic() - begun
    return {"additions": added, **{f"import {name}": spent(sys.executable, "-c", f"import {name}")
                                   for name in ("tensorflow", "torch")}}  # fmt: skip


def run(spec: str) -> dict[str, Any]:
    """Return when a run said what, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "parity", "run", spec, "--out", folder], cwd=ROOT, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        whole = time.monotonic() - begun
    said = [match for line in re.split(r"[\r\n]", done.stderr) if (match := SAID.match(line))]
    return {"said": [(int(one[1]), one[2].split(":")[0].split(";")[0]) for one in said], "whole": whole}


def main() -> None:
    """Print what was measured."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("--specs", nargs="+", default=["leaf_small"], metavar="SPEC", help="names in the gallery")
    asked.add_argument("--json", action="store_true", help="print numbers only")
    told = asked.parse_args()
    here, runs = machine(), {spec: run(spec) for spec in told.specs}
    if told.json:
        print(json.dumps({"machine": here, "runs": runs}, indent=1))
        return
    print(", ".join(f"{name} {seconds:.1f} s" for name, seconds in here.items()))
    imports = sum(seconds for name, seconds in here.items() if name.startswith("import"))
    for spec, one in runs.items():
        for seconds, what in [*one["said"], (one["whole"], "the end")]:
            print(f"{spec}: {seconds:.0f} s, {seconds / imports:.0f} times the imports: {what}")


if __name__ == "__main__":
    main()
