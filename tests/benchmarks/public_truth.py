"""The exact truth of the public pairs: every subset of their differences is run, to its end, with three seeds.

    PARITY_DATA=... python tests/benchmarks/public_truth.py

writes ``public_truth.json``: for each pair its live differences and, by seed, the outcome of every subset in the
order of binary numbers (bit i is set where the corrected program is given difference i). A squared error is divided
by that of a constant prediction, so that a side with targets in another unit is measured in the same one.

What follows from it is worked out here, and not by what it judges: a pair has a *gap* where all three seeds put the
same side ahead, by more than chance on its rows; a subset *breaks* where the better side loses more than half of the
gap with it, and *repairs* where the worse side that takes it back is not that far behind any more; the smallest of
these are the truth. Where the seeds do not agree on a subset, it is said to be undecided, and what is claimed of it
counts as neither right nor wrong.
"""

from __future__ import annotations

import itertools
import json
import math
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from public_pairs import pairs

from parity import api
from parity.court.work import Work
from parity.errors import DataError
from parity.explain.contest import Paths, contest
from parity.prepare.options import Options, prepare
from parity.run.jobs import Job
from parity.spec.differences import differences
from parity.trials.runner import Runner

FILE = Path(__file__).with_name("public_truth.json")

SEEDS = (0, 1, 2)

HALF = 0.5
"""Share of the gap that a subset must lose to break."""

NOISE = 0.02
"""Difference of two accuracies, or of two logarithms of errors, that is none."""


@dataclass(frozen=True, kw_only=True)
class Exact:
    """What every subset comes to, and what follows.

    Args:
        paths: live differences.
        values: outcomes by seed, of every subset; None of one that no program can have.
        lower: whether a lower outcome is better.
        rows: that an accuracy is a share of.
    """

    paths: list[str]
    values: dict[str, list[float | None]]
    lower: bool
    rows: int

    def score(self, seed: str, paths: Paths) -> float:
        """Return the outcome of the corrected program given some differences, turned so that higher is better."""
        value = self.values[seed][sum(1 << index for index, path in enumerate(self.paths) if path in paths)]
        if value is None or not math.isfinite(value):
            return -math.log(1e12) if self.lower else 0.0
        return -math.log(max(value, 1e-12)) if self.lower else value

    def gaps(self) -> list[float]:
        """Return by how much the corrected program is ahead, by seed."""
        everything = frozenset(self.paths)
        return [self.score(seed, frozenset()) - self.score(seed, everything) for seed in self.values]

    @property
    def verdict(self) -> str:
        """Return ``gap``, ``reversed`` where the faulty program is ahead, ``none``, or ``unsteady``."""
        least = NOISE if self.lower else max(NOISE, 2.0 * math.sqrt(0.25 / self.rows))
        signs = {0 if abs(one) <= least else math.copysign(1, one) for one in self.gaps()}
        return {(1.0,): "gap", (-1.0,): "reversed", (0,): "none"}.get(tuple(signs), "unsteady")

    def lost(self, paths: Paths) -> bool | None:
        """Return whether the better side with some differences is bad, None where the seeds do not agree."""
        everything, turned = frozenset(self.paths), self.verdict == "reversed"
        found = set()
        for seed, gap in zip(self.values, self.gaps(), strict=True):
            good = self.score(seed, everything if turned else frozenset())
            mine = self.score(seed, everything - paths if turned else paths)
            found.add((good - mine) / abs(gap) > HALF)
        return found.pop() if len(found) == 1 else None

    def sets(self) -> Iterator[Paths]:
        """Yield all subsets, small ones first."""
        for size in range(1, len(self.paths) + 1):
            yield from (frozenset(one) for one in itertools.combinations(self.paths, size))

    def breakers(self) -> tuple[list[Paths], list[Paths]]:
        """Return the smallest sets that break, and those of which the seeds do not agree."""
        return self._smallest(self.lost)

    def repairs(self) -> tuple[list[Paths], list[Paths]]:
        """Return the smallest sets that repair, and those of which the seeds do not agree."""
        everything = frozenset(self.paths)

        def mends(paths: Paths) -> bool | None:
            bad = self.lost(everything - paths) if everything - paths else False
            return None if bad is None else not bad

        return self._smallest(mends)

    def _smallest(self, asked: Any) -> tuple[list[Paths], list[Paths]]:
        if self.verdict not in ("gap", "reversed"):
            return [], []
        found: list[Paths] = []
        open_: list[Paths] = []
        for one in self.sets():
            if any(other <= one for other in found):
                continue
            told = asked(one)
            if told is None:
                open_.append(one)
            elif told:
                found.append(one)
        return found, open_

    def causes(self) -> set[str]:
        """Return the differences in a smallest breaker or repair."""
        return {path for one in (*self.breakers()[0], *self.repairs()[0]) for path in one}

    def undecided(self) -> set[str]:
        """Return the differences of sets on which the seeds do not agree."""
        return {path for one in (*self.breakers()[1], *self.repairs()[1]) for path in one}


def kept() -> dict[str, Exact]:
    """Return the truth by post, as it was written."""
    return {post: Exact(**one) for post, one in json.loads(FILE.read_text(encoding="utf-8")).items()}


def made(spec: dict[str, Any], folder: Path) -> Exact:
    """Run every subset of a pair's live differences."""
    built = api.build_spec(spec)
    sides = prepare(built, Options())
    named = built.explain.outcome or str(sides[1].config.metrics[0].kind)
    values: dict[str, list[float | None]] = {}
    with Work(spec=built, sides=sides, options=Options(), folder=folder) as work, Runner(work=work) as runner:
        faulty, corrected = sides
        rows = len(work.dataset(corrected).x)
        match = contest(corrected, faulty, differences(corrected, faulty, rows))
        paths = [one.path for one in match.live]
        for seed in SEEDS:
            futures: list[Any] = []
            for number in range(1 << len(paths)):
                config = match.config_of(frozenset(path for index, path in enumerate(paths) if number >> index & 1))
                training = config.training.model_copy(update={"seed": seed})
                config = config.model_copy(update={"training": training, "metrics": corrected.config.metrics})
                side = replace(match.good, name="truth", framework="torch", config=config)
                try:
                    work.dataset(side)
                except DataError:  # Targets of the one, outputs of the other: no such program trains.
                    futures.append(None)
                    continue
                unit = float(np.var(work.dataset(side).y)) if named == "mse" else 1.0
                program = runner.work.trial_program(side)
                steps = int(spec["explain"]["steps"])
                job = Job(side=side, program=program, steps=steps, threads=1, checkpoints=(steps,))
                futures.append((runner.start(job), unit))
            values[str(seed)] = [one and round(one[0].result().final[named] / one[1], 6) for one in futures]
    return Exact(paths=paths, values=values, lower=named != "accuracy", rows=rows)


def main() -> None:
    """Make the truth of every pair whose rows are at hand, and keep the others' as they are."""
    found = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    for pair in pairs():
        with tempfile.TemporaryDirectory() as folder:
            try:
                exact = made(pair.plain(Path(folder)), Path(folder))
            except LookupError as missing:
                print(missing)
                continue
        found[pair.post] = vars(exact)
        lines = ",\n".join(f"{json.dumps(post)}: {json.dumps(one)}" for post, one in sorted(found.items()))
        FILE.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
        print(
            pair.post,
            exact.verdict,
            [sorted(map(sorted, one)) for one in (*exact.breakers(), *exact.repairs())],
            flush=True,
        )


if __name__ == "__main__":
    main()
