"""The benchmark of causes: does the search name what decides the outcome, and in how many runs?

    python tests/benchmarks/causes.py [--limit N] [--seed N] [--json]

Every pair of ``causes_truth.json`` is explained from cold, as ``parity run`` would explain it with ``--causes-only``:
probes, search, three seeds. What it names is held against the truth, for which every subset of the differences was run.
Beside it stand the two usual ways, read from the same truth: leave one out (a difference is a cause if the bad side is
good without it) and leave one in (if the good side is bad with it).

*Precision* is the share of the causes named that are causes, *recall* the share of the causes that are named; a cause
is a difference in a smallest breaker or repair. *Exact* is the share of pairs whose breakers and repairs are all named,
and no others. *Configs* are those that the search tried, the two sides included; *runs* are all trainings, probes
aside, with all seeds. *Times* is that of the explanation, in training runs of the pair in the same worker.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from causes_truth import FILE, Truth

from parity import api
from parity.court.work import Work
from parity.explain.contest import Paths, contest
from parity.explain.outcome import Outcome
from parity.prepare.options import Options, prepare
from parity.spec.differences import differences
from parity.trials.budget import Budget, Length
from parity.trials.inquired import Explained
from parity.trials.inquiry import Inquiry
from parity.trials.runner import Runner
from parity.trials.speed import choose


@dataclass(kw_only=True)
class Score:
    """What came of a pair.

    Args:
        pair: its seed.
        group: what the truth is: clean, one, two, three or more lone causes, a set, or something made up for.
        live: number of live differences.
        truth: the causes.
        named: those that were named.
        exact: whether all breakers and repairs were, and no others.
        configs: that the search tried.
        runs: trainings in all.
        times: the explanation took, as multiples of a training run.
    """

    pair: str
    group: str
    live: int
    truth: list[str]
    named: list[str]
    exact: bool
    configs: int
    runs: int
    times: float = 0.0


def group_of(truth: Truth) -> str:
    """Return what kind of answer a pair has."""
    breakers, repairs = truth.breakers(), truth.repairs()
    if not breakers:
        return "clean"
    lone = all(len(one) == 1 for one in breakers)
    if lone and repairs == [frozenset().union(*breakers)]:
        return {1: "one lone cause", 2: "two lone causes"}.get(len(breakers), "three or more lone causes")
    if not lone and all(len(one) == 1 for one in repairs) and len(breakers) == 1:
        return "a set that acts together"
    return "made up for, or mixed"


def explained(spec: dict[str, Any], folder: Path) -> tuple[Explained, float]:
    """Explain a pair from cold; return what was found, and the time as a multiple of one training run."""
    built = api.build_spec(spec)
    sides = prepare(built, Options())
    with Work(spec=built, sides=sides, options=Options(), folder=folder) as work, Runner(work=work) as runner:
        found = differences(*sides, len(work.dataset(sides[0]).x))
        match = contest(*sides, found)
        steps = int(spec["explain"]["steps"])
        choice = choose(runner, sides, (sides[0], sides[1]), built.explain.framework, steps, lambda text, share: None)
        inquiry = Inquiry(
            work=work, runner=runner, contest=match, choice=choice, outcome=Outcome(metric="accuracy"),
            length=Length(sides=(sides[0], sides[1]), epoch_steps=work.epoch_steps, steps=steps),
            budget=Budget(), note=lambda text, share: None, every=False, checked=False,
        )  # fmt: skip
        inquiry.trials.run(frozenset(), inquiry.trials.seeds[0])  # The worker is started, its framework is loaded.
        begun = time.monotonic()
        inquiry.trials.run(frozenset(), inquiry.trials.seeds[1])
        one = time.monotonic() - begun
        begun = time.monotonic()
        told = inquiry.run()
        return told, (time.monotonic() - begun + 2 * one) / one


def score(pair: str, kept: dict[str, Any], folder: Path) -> Score:
    """Explain a pair and hold the answer against the truth."""
    truth = Truth(paths=kept["paths"], values=kept["values"], untrained=kept["untrained"])
    told, times = explained(kept["spec"], folder)
    good = ("holds", "unconfirmed")
    breakers = {claim.paths for claim in told.findings.of("breaks", *good)}
    repairs = {claim.paths for claim in told.findings.of("repairs", *good)}
    return Score(
        pair=pair, group=group_of(truth), live=len(truth.paths), truth=sorted(truth.causes()),
        named=sorted(told.findings.causes), configs=told.searched, runs=told.runs, times=times,
        exact=breakers == set(truth.breakers()) and repairs == set(truth.repairs()),
    )  # fmt: skip


def usual(pair: str, kept: dict[str, Any], way: str) -> Score:
    """Return what one of the usual ways names, read from the truth: ``out`` or ``in``."""
    truth = Truth(paths=kept["paths"], values=kept["values"], untrained=kept["untrained"])
    everything = frozenset(truth.paths)
    ask: Callable[[Paths], bool] = (
        (lambda one: truth.gap and not truth.lost(everything - one) > 0.5)
        if way == "out"
        else (lambda one: truth.lost(one) > 0.5)
    )
    named = [path for path in truth.paths if ask(frozenset({path}))]
    single = {frozenset({path}) for path in named}
    right = single == set(truth.repairs()) if way == "out" else single == set(truth.breakers())
    return Score(
        pair=pair, group=group_of(truth), live=len(truth.paths), truth=sorted(truth.causes()), named=sorted(named),
        exact=right, configs=len(truth.paths) + 2, runs=len(truth.paths) + 2,
    )  # fmt: skip


def table(scores: Sequence[Score]) -> dict[str, Any]:
    """Return the figures of some pairs."""
    named = sum(len(one.named) for one in scores)
    true = sum(len(one.truth) for one in scores)
    right = sum(len(set(one.named) & set(one.truth)) for one in scores)
    return {
        "pairs": len(scores),
        "precision": round(right / named, 3) if named else 1.0,
        "recall": round(right / true, 3) if true else 1.0,
        "exact": round(statistics.fmean(one.exact for one in scores), 3) if scores else 1.0,
        "configs": round(statistics.fmean(one.configs for one in scores), 1) if scores else 0.0,
        "runs": round(statistics.fmean(one.runs for one in scores), 1) if scores else 0.0,
        "times": round(statistics.median(one.times for one in scores), 1) if scores else 0.0,
    }


def figures(scores: Sequence[Score]) -> dict[str, Any]:
    """Return the figures of all pairs, of each group, and of those with eight live differences."""
    groups = sorted({one.group for one in scores})
    eight = [one for one in scores if one.live == 8]
    return {
        "all": table(scores),
        "false causes on clean pairs": sum(len(one.named) for one in scores if not one.truth),
        **{group: table([one for one in scores if one.group == group]) for group in groups},
        **{f"{group}, k = 8": table([one for one in eight if one.group == group]) for group in groups
           if any(one.group == group for one in eight)},
    }  # fmt: skip


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, help="pairs to explain, all if not said")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of pairs where there is a limit")
    parser.add_argument("--json", action="store_true", help="figures and every pair as JSON")
    arguments = parser.parse_args()
    pairs: dict[str, Any] = json.loads(FILE.read_text())["pairs"]
    chosen = list(pairs)
    if arguments.limit is not None and arguments.limit < len(chosen):
        chosen = sorted(random.Random(arguments.seed).sample(chosen, arguments.limit), key=int)
    scores = []
    for pair in chosen:
        with tempfile.TemporaryDirectory() as folder:
            scores.append(score(pair, pairs[pair], Path(folder)))
        one = scores[-1]
        verdict = (
            "exact" if one.exact else "right" if one.named == one.truth else f"NAMED {one.named} TRUTH {one.truth}"
        )
        print(f"{pair} ({pairs[pair]['kind']}, {one.group}, k = {one.live}): {verdict}, {one.configs} configs, "
              f"{one.runs} runs, {one.times:.0f} times one", file=sys.stderr, flush=True)  # fmt: skip
    found = {
        "parity": figures(scores),
        "leave one out": figures([usual(pair, pairs[pair], "out") for pair in chosen]),
        "leave one in": figures([usual(pair, pairs[pair], "in") for pair in chosen]),
    }
    if arguments.json:
        print(json.dumps({**found, "each": [asdict(one) for one in scores]}, indent=1))
        return
    for way, told in found.items():
        print(f"\n{way}: {told['false causes on clean pairs']} false causes on clean pairs")
        for group, row in told.items():
            if isinstance(row, dict):
                print(f"  {group:<38}" + "  ".join(f"{name} {value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
