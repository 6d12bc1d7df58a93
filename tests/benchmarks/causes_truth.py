"""The truth of the benchmark of causes: every subset of a pair's live differences is run, on PyTorch, to its end.

    python tests/benchmarks/causes_truth.py [--pairs N] [--eight N]

writes ``causes_truth.json``: for each pair its spec, its live differences and the accuracy of every subset, in the
order of binary numbers (bit i is set where difference i is put in), with the seed of the spec; and of the subsets that
the truth rests on with two more seeds. A pair is kept where it has an answer: the subsets that decide are at least a
tenth of the gap away from its middle, and the other seeds agree. How many were drawn and left out, and why, stands in
the file, too.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from causes_pairs import EIGHT, KINDS, OF_EIGHT, STEPS, draw

from parity import api
from parity.court.work import Work
from parity.errors import ParityError
from parity.explain.claims import BREAKS
from parity.explain.contest import Contest, Paths, contest
from parity.explain.outcome import OutcomeScale, scale
from parity.prepare.options import Options, prepare
from parity.run.jobs import Job
from parity.spec.differences import differences
from parity.trials.runner import Runner

FILE = Path(__file__).with_name("causes_truth.json")

CLEAR = 0.1
"""Share of the gap by which a subset that decides must be away from the middle."""

LEAST_GAP, NO_GAP = 0.25, 0.02
"""Accuracy that the sides of a pair must be apart to have a gap, and may be apart at most to have none."""

MOST_LIVE = 11

EIGHT_BEGIN = 1000
"""First seed of the pairs with eight live differences."""


@dataclass(kw_only=True)
class Truth:
    """What every subset of a pair comes to, and what follows.

    Args:
        paths: live differences.
        values: accuracy of every subset, by the number whose bits say which differences it has.
        untrained: accuracy before the first step.
    """

    paths: list[str]
    values: list[float]
    untrained: float

    @property
    def gap(self) -> bool:
        """Return whether the sides differ."""
        return abs(self.values[-1] - self.values[0]) >= LEAST_GAP

    @property
    def scale(self) -> OutcomeScale:
        """Return the scale of the pair; an untrained model stands for the bad side where there is no gap."""
        good, bad = max(self.values[0], self.values[-1]), min(self.values[0], self.values[-1])
        return scale(good, bad if self.gap else self.untrained, self.untrained)

    @property
    def turned(self) -> bool:
        """Return whether the second side is the better one."""
        return self.gap and self.values[-1] > self.values[0]

    def lost(self, paths: Paths) -> float:
        """Return the share of the gap that a set given to the good side loses."""
        number = sum(1 << index for index, path in enumerate(self.paths) if path in paths)
        return self.scale.lost(self.values[len(self.values) - 1 - number if self.turned else number])

    def sets(self) -> list[Paths]:
        """Return all subsets, small ones first."""
        return [
            frozenset(one) for size in range(len(self.paths) + 1) for one in itertools.combinations(self.paths, size)
        ]

    def breakers(self) -> list[Paths]:
        """Return the smallest sets that are bad."""
        return _smallest([one for one in self.sets() if self.lost(one) > BREAKS])

    def repairs(self) -> list[Paths]:
        """Return the smallest sets that the bad side takes back to be good; none where there is no bad side."""
        if not self.gap:
            return []
        everything = frozenset(self.paths)
        return _smallest([one for one in self.sets() if not self.lost(everything - one) > BREAKS])

    def causes(self) -> set[str]:
        """Return the differences that are in a breaker or a repair."""
        return {path for one in (*self.breakers(), *self.repairs()) for path in one}

    def deciding(self) -> list[Paths]:
        """Return the subsets on which the truth rests: both sides, and those with one difference less or more."""
        everything = frozenset(self.paths)
        found = [frozenset[str](), everything]
        for one in self.breakers():
            found += [one, *(one - {path} for path in one)]
        for one in self.repairs():
            found += [everything - one, *(everything - (one - {path}) for path in one)]
        return list(dict.fromkeys(found))


def _smallest(sets: list[Paths]) -> list[Paths]:
    found: list[Paths] = []
    for one in sorted(sets, key=len):
        if not any(other <= one for other in found):
            found.append(one)
    return found


@dataclass(kw_only=True)
class Maker:
    """Runs the subsets of pairs.

    Args:
        folder: of the runs.
    """

    folder: Path

    def truth(self, spec: dict[str, Any], eight: bool = False) -> tuple[Truth | None, dict[str, Any] | None, str]:
        """Return what the subsets of a pair come to, the pair as it is kept, and why it is not, if it is not.

        Args:
            spec: of the pair.
            eight: leave it out unless it has eight live differences.
        """
        built = api.build_spec(spec)
        sides = prepare(built, Options())
        with Work(spec=built, sides=sides, options=Options(), folder=self.folder) as work, Runner(work=work) as runner:
            match = contest(*sides, differences(*sides, len(work.dataset(sides[0]).x)))
            paths = [one.path for one in match.live]
            if not 1 <= len(paths) <= MOST_LIVE or (eight and len(paths) != 8):
                return None, None, f"{len(paths)} live differences"
            numbers = range(1 << len(paths))
            try:
                values, untrained = self._values(runner, match, [_set_of(number, paths) for number in numbers], 0)
            except ParityError as error:
                return None, None, " ".join(str(error).split())[:100]
            truth = Truth(paths=paths, values=values, untrained=untrained)
            why = _unclear(truth)
            if why:
                return truth, None, why
            deciding = truth.deciding()
            more = {}
            for seed in (1, 2):
                seeded, untrained = self._values(runner, match, deciding, seed)
                known = dict(zip(deciding, seeded, strict=True))
                if not _agrees(truth, known, untrained):
                    return truth, None, "other seeds do not agree"
                more[str(seed)] = {str(_number_of(one, paths)): round(value, 4) for one, value in known.items()}
        kept = {
            "spec": spec, "paths": paths, "untrained": round(truth.untrained, 4),
            "values": [round(value, 4) for value in values], "seeds": more,
        }  # fmt: skip
        return truth, kept, ""

    def _values(self, runner: Runner, match: Contest, sets: list[Paths], seed: int) -> tuple[list[float], float]:
        """Return the accuracy of some subsets, and that of the untrained model."""
        futures = []
        for paths in sets:
            config = match.config_of(paths)
            training = config.training.model_copy(update={"seed": config.training.seed + seed})
            config = config.model_copy(update={"training": training, "metrics": match.good.config.metrics})
            side = replace(match.good, name="truth", framework="torch", config=config)
            program = runner.work.trial_program(side)
            begin = (0,) if not paths else ()
            futures.append(
                runner.start(Job(side=side, program=program, steps=STEPS, threads=1, checkpoints=begin and (STEPS,)))
            )
        runs = [future.result() for future in futures]
        first = next((run for run, paths in zip(runs, sets, strict=True) if not paths), None)
        return [run.final["accuracy"] for run in runs], first.curve[0].metrics["accuracy"] if first else 0.1


def _set_of(number: int, paths: list[str]) -> Paths:
    return frozenset(path for index, path in enumerate(paths) if number >> index & 1)


def _number_of(one: Paths, paths: list[str]) -> int:
    return sum(1 << index for index, path in enumerate(paths) if path in one)


def _unclear(truth: Truth) -> str:
    """Return why a pair has no clear answer, empty where it has."""
    if max(truth.values[0], truth.values[-1]) < 0.7:
        return "the better side does not learn"
    if not truth.gap and abs(truth.values[-1] - truth.values[0]) > NO_GAP:
        return "a gap that is neither there nor not"
    everything = frozenset(truth.paths)
    near = [
        one
        for one in truth.sets()
        if (one in truth.deciding() or len(one) == 1 or len(everything - one) == 1)
        and abs(truth.lost(one) - BREAKS) < CLEAR
    ]
    return "subsets that decide lie near the middle of the gap" if near else ""


def _agrees(truth: Truth, known: dict[Paths, float], untrained: float) -> bool:
    """Return whether another seed says the same of the subsets that decide."""
    everything = frozenset(truth.paths)
    ends = [known[frozenset()], known[everything]]
    good, bad = (ends[1], ends[0]) if truth.turned else (ends[0], ends[1])
    here = scale(good, bad if truth.gap else untrained, untrained)
    if truth.gap and here.gap < LEAST_GAP / 2:
        return False
    for one, value in known.items():
        mine = everything - one if truth.turned else one
        if (here.lost(value) > BREAKS) is not (truth.lost(mine) > BREAKS):
            return False
    return True


def wanted() -> Iterator[tuple[int, str]]:
    """Yield seeds and kinds without end, in the shares that ``KINDS`` gives."""
    total = sum(KINDS.values())
    order = [kind for kind, count in KINDS.items() for _ in range(count)]
    for number in itertools.count():
        yield number, order[(number * 37) % total]


def of_eight() -> Iterator[tuple[int, str]]:
    """Yield seeds and kinds of pairs with eight live differences, without end."""
    for number in itertools.count():
        yield EIGHT_BEGIN + number, OF_EIGHT[number % len(OF_EIGHT)]


def main() -> None:
    """Draw pairs until there are enough, and write the file after each: what is there is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=120, help="to have of all kinds")
    parser.add_argument("--eight", type=int, default=30, help="to have beside them with eight live differences")
    arguments = parser.parse_args()
    done: dict[str, Any] = {"pairs": {}, "left_out": {}}
    if FILE.exists():
        done = json.loads(FILE.read_text())
    for seeds, count in ((wanted(), arguments.pairs), (of_eight(), arguments.eight)):
        _make(done, seeds, count)


def _make(done: dict[str, Any], seeds: Iterator[tuple[int, str]], count: int) -> None:
    """Draw pairs from seeds until so many of these are kept."""
    kept_of_them = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed, kind in seeds:
            kept_of_them += str(seed) in done["pairs"]
            if kept_of_them >= count:
                break
            if str(seed) in done["pairs"] or str(seed) in done["left_out"]:
                continue
            begun = time.monotonic()
            truth, kept, why = Maker(folder=Path(folder)).truth(draw(seed, kind), kind.endswith(EIGHT))
            if kept is None:
                done["left_out"][str(seed)] = {"kind": kind, "why": why}
            else:
                done["pairs"][str(seed)] = {"kind": kind, **kept}
                kept_of_them += 1
            told = sorted(map(sorted, truth.breakers())) if truth else ""
            seconds = time.monotonic() - begun
            print(f"{seed} {kind}: {why or 'kept'} {told} {seconds:.0f} s, {len(done['pairs'])} kept", flush=True)
            part = FILE.with_suffix(".part")
            part.write_text(_written(done))
            part.replace(FILE)


def _written(done: dict[str, Any]) -> str:
    """Return the file's text: a pair a line."""
    pairs = ",\n".join(f"{json.dumps(seed)}: {json.dumps(pair)}" for seed, pair in done["pairs"].items())
    left = ",\n".join(f"{json.dumps(seed)}: {json.dumps(one)}" for seed, one in done["left_out"].items())
    return f'{{"pairs": {{\n{pairs}\n}}, "left_out": {{\n{left}\n}}}}\n'


if __name__ == "__main__":
    main()
