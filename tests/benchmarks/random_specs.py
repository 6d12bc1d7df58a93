"""How many random specs every framework and the NumPy reference train alike.

    python tests/benchmarks/random_specs.py --seeds 0 500 --to random_specs.jsonl

Each spec is taken three steps in float64 in every framework that is installed, each step from the reference's state;
where one is further away than 1e-11 in any tensor the court measures rounding and decides. One line of JSON for each
seed is added to the file, and a seed that stands there is not run again. What is printed at the end goes to
docs/findings.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers_frameworks import FRAMEWORKS, missing, shared_bench
from helpers_random import tried

from parity.selftest.random_specs import random_spec

ALIKE, UNDECIDED, APART = "alike", "undecided", "apart"
"""What came of a spec: every tensor agrees; one is rounding or no number; a framework or the reference parts."""


def run(seed: int, judged: bool) -> dict[str, object]:
    """Return what came of a seed's spec, in words.

    Args:
        seed: of the spec.
        judged: ask the court in any case.
    """
    begin = time.perf_counter()
    found = tried(random_spec(seed), [name for name in FRAMEWORKS if not missing(name)], shared_bench(), judged)
    kind = APART if found.faults else UNDECIDED if found.undecided else ALIKE
    return {
        "seed": seed, "came": kind, "doubts": found.doubts, "faults": found.faults, "undecided": found.undecided,
        "seconds": round(time.perf_counter() - begin, 1),
    }  # fmt: skip


def main() -> None:
    """Run the seeds that have not been run, and print the counts of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs=2, type=int, default=(0, 500), metavar=("FIRST", "END"))
    parser.add_argument("--to", type=Path, default=Path("random_specs.jsonl"), help="a line for each seed")
    parser.add_argument("--judged", type=int, default=10, help="of so many specs one goes before the court in any case")
    arguments = parser.parse_args()
    kept = [json.loads(line) for line in arguments.to.read_text().splitlines()] if arguments.to.exists() else []
    known = {one["seed"]: one for one in kept}
    with arguments.to.open("a") as file:
        for seed in range(*arguments.seeds):
            if seed in known:
                continue
            known[seed] = run(seed, seed % arguments.judged == 0)
            print(json.dumps(known[seed]), file=file, flush=True)
            print(seed, known[seed]["came"], *known[seed]["faults"], *known[seed]["undecided"], sep="\n  ", flush=True)
    counted = Counter(known[seed]["came"] for seed in range(*arguments.seeds))
    doubted = sum(bool(known[seed]["doubts"]) for seed in range(*arguments.seeds))
    print(f"{counted.total()} specs: {dict(counted)}; {doubted} were further away than 1e-11 somewhere")


if __name__ == "__main__":
    main()
