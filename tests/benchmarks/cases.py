"""Judges every public case that is a spec, and writes what came of it as the tables of docs/cases.md.

python tests/benchmarks/cases.py [NAME ...]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

from helpers_cases import Case, Judged, cases, judge  # noqa: E402

KNOWN = {"outcome": "the outcome", "step": "a step", "program": "its own program", "metric": "the metrics",
         "advice": "advice"}  # fmt: skip


def row(case: Case, found: Judged) -> str:
    """Return a line of the table."""
    named = ", ".join(f"`{one}`" for one in found.named) or "none"
    right = "yes" if found.right(case) else "**no**"
    cells = (case.name, case.fact, KNOWN[case.by or "step"], named, found.live, right, f"{found.seconds:.0f}")
    return f"| {' | '.join(map(str, cells))} |"


def main(names: list[str]) -> None:
    """Judge the cases of these names, all if there are none."""
    every = [one for one in cases().values() if one.by and (not names or one.name in names)]
    print("| case | what was the matter | by | named first | live differences | right | seconds |")
    print("|---|---|---|---|---|---|---|")
    right = 0
    for case in every:
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = judge(case, Path(folder))
            except Exception as error:  # One that fails is a line, too.
                print(f"| {case.name} | {case.fact} | | **{type(error).__name__}: {error}** | | **no** | |", flush=True)
                continue
        right += found.right(case)
        print(row(case, found), flush=True)
        if not found.right(case):
            print(f"{case.name}: {found.verdict} in {found.phase}; {found.why}", file=sys.stderr, flush=True)
    print(f"\n{right} of {len(every)} named first")


if __name__ == "__main__":
    main(sys.argv[1:])
