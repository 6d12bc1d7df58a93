"""The benchmark of causes, replayed: what is named where every run comes to what it came to when the truth was made.

    PYTHONPATH=.:tests python tests/benchmarks/test_replayed.py

replays all pairs. No framework is run, so this holds the search and the statistics only; ``tests/benchmarks/causes.py``
trains.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from causes_truth import FILE, Truth
from helpers_invented import invented

from parity import api
from parity.explain.contest import Paths
from parity.prepare.options import Options, prepare
from parity.spec.differences import differences
from parity.trials.inquired import Explained

PAIRS: dict[str, Any] = json.loads(FILE.read_text())["pairs"]
EVERY = 12
"""Of so many pairs one is replayed."""


def replayed(kept: dict[str, Any]) -> tuple[Explained, Truth]:
    """Explain a pair from the outcomes of its truth, the causes tried first; of sets with one seed that one counts."""
    truth = Truth(paths=kept["paths"], values=kept["values"], untrained=kept["untrained"])
    sides = tuple(prepare(api.build_spec(kept["spec"]), Options()))
    base = kept["spec"]["training"]["seed"]

    def come(paths: Paths, seed: int, steps: int) -> float:
        number = sum(1 << index for index, path in enumerate(kept["paths"]) if path in paths)
        known = kept["seeds"].get(str((seed - base) % 3), {})
        return float(known.get(str(number), kept["values"][number]))

    told, _ = invented(come, known=(sides, differences(sides[0], sides[1], 256)), every=False, constant=0.11,
                       order=[*sorted(truth.causes())], explain={"steps": 48})  # fmt: skip
    return told, truth


def exact(told: Explained, truth: Truth) -> bool:
    """Return whether all breakers and repairs are named, and no others."""
    good = ("holds", "unconfirmed")
    found = [{claim.paths for claim in told.findings.of(kind, *good)} for kind in ("breaks", "repairs")]  # type: ignore[arg-type]
    return found == [set(truth.breakers()), set(truth.repairs())]


@pytest.mark.parametrize("pair", list(PAIRS)[::EVERY])
def test_what_is_named_is_what_is(pair: str) -> None:
    told, truth = replayed(PAIRS[pair])
    assert set(told.findings.causes) == truth.causes()
    assert exact(told, truth)


if __name__ == "__main__":
    done = {pair: replayed(kept) for pair, kept in PAIRS.items()}
    named = sum(len(told.findings.causes) for told, _ in done.values())
    right = sum(len(set(told.findings.causes) & truth.causes()) for told, truth in done.values())
    causes = sum(len(truth.causes()) for _, truth in done.values())
    print(f"{len(done)} pairs: {right} of {named} named are causes, {right} of {causes} causes are named, "
          f"{sum(exact(*one) for one in done.values())} exact, "
          f"{sum(len(told.seeds) > 3 for told, _ in done.values())} with more than three seeds")  # fmt: skip
