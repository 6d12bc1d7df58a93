"""How good advice and causes are on faults that others collected: two scores, which have nothing to do with each other.

    PARITY_DATA=... python tests/benchmarks/public.py [--limit N] [--lint] [--json]

*One program in, faults out.* ``parity lint`` looks at the faulty side of each pair, and at the corrected one. A piece
of advice names the kinds of fault that its path and its changes are of. It is right where one of them is a kind that
the posted correction names; with *alternative truths* also where a later study of the same programs does, or where
the path is a cause by the exact truth below. On a corrected side every advice is a false alarm. Recall is the share
of the posted kinds that are named; a pair is *found* where one is. F3 = 10 P R / (9 P + R).

*Two programs in, causes out.* ``parity run`` is given both sides, and what it says holds is compared with the exact
truth, for which every subset of the differences was run (``public_truth.py``), and with what the posted correction
changed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from public_pairs import Pair, pairs
from public_truth import Exact, kept

from parity import api

KINDS = {
    "data": "inputs",
    "loss": "loss",
    "optimizer.learning_rate": "learning_rate",
    "optimizer": "optimizer",
    "training.epochs": "epochs",
    "training.batch_size": "batch_size",
    "metrics": "metrics",
}
"""Kind of fault by the beginning of a path."""

OF_LAYERS = {"activation": "activation", "units": "layers", "kernel_initializer": "initializer"}
"""Kind of fault by the field of a layer."""


def kind_of(path: str) -> str:
    """Return the kind of fault that a config path is of.

    >>> kind_of("layers.answer.activation"), kind_of("data.standardize"), kind_of("optimizer.learning_rate")
    ('activation', 'inputs', 'learning_rate')
    """
    if path.startswith("layers."):
        return OF_LAYERS.get(path.rpartition(".")[2], "layers")
    return next((kind for begun, kind in KINDS.items() if path == begun or path.startswith(f"{begun}.")), path)


@dataclass(kw_only=True)
class Advised:
    """What ``lint`` said of a pair.

    Args:
        post: its number.
        posted: kinds of fault by the posted correction.
        pieces: of the faulty side: rule, kinds, and whether it is right by the posted correction, by any truth.
        alarms: rules that spoke of the corrected side.
    """

    post: str
    posted: list[str]
    pieces: list[tuple[str, list[str], bool, bool]] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)

    @property
    def named(self) -> list[str]:
        """Return the posted kinds that are named."""
        said = {kind for _, kinds, *_ in self.pieces for kind in kinds}
        return [kind for kind in self.posted if kind in said]


@dataclass(kw_only=True)
class Explained:
    """What ``run`` said of a pair.

    Args:
        post: its number.
        truth: verdict by all subsets, and the causes.
        undecided: differences on which its seeds do not agree.
        gap: that was said.
        named: causes that were said to hold.
        wrong: of them, those that are none; missed: causes that were not named.
        posted: what became of the posted correction, in a sentence; empty where it is the cause.
        seconds: it took.
    """

    post: str
    truth: tuple[str, list[str]]
    undecided: list[str]
    gap: str
    named: list[str]
    wrong: list[str]
    missed: list[str]
    posted: str
    seconds: float


def advised(pair: Pair, spec: dict[str, Any], exact: Exact | None) -> Advised:
    """Return what ``lint`` says of a pair."""
    found = Advised(post=pair.post, posted=list(pair.posted))
    causes = exact.causes() if exact is not None else set()
    for one in api.lint(api.build_spec(spec)).advice:
        kinds = sorted({kind_of(path) for path in (one.path, *one.changes)})
        if "faulty" in one.sides:
            right = bool(set(kinds) & set(pair.posted))
            other = bool(set(kinds) & set(pair.later)) or bool({one.path, *one.changes} & causes)
            found.pieces.append((one.rule, kinds, right, right or other))
        if "corrected" in one.sides:
            found.alarms.append(one.rule)
    return found


def explained(pair: Pair, spec: dict[str, Any], exact: Exact, folder: Path) -> Explained:
    """Return what ``run`` says of a pair, and how that stands to the truth."""
    begun = time.monotonic()
    result = api.run(
        api.build_spec(spec),
        folder=folder,
        steps=50,
        trace=False,
        effects=False,
        explain_steps=spec["explain"]["steps"],
    )
    told = result.explanation
    named = sorted({path for claim in told.claims if claim.status == "holds" for path in claim.paths}) if told else []
    causes, undecided = exact.causes(), exact.undecided()
    return Explained(
        post=pair.post, truth=(exact.verdict, sorted(causes)), undecided=sorted(undecided - causes),
        gap=told.gap if told else "", named=named, wrong=sorted(set(named) - causes - undecided),
        missed=sorted(causes - set(named)), posted=posted(pair, exact), seconds=time.monotonic() - begun,
    )  # fmt: skip


def posted(pair: Pair, exact: Exact) -> str:
    """Say why the posted correction is not the cause; empty where it is."""
    repairs = exact.repairs()[0]
    claimed = frozenset(path for path in exact.paths if kind_of(path) in pair.posted)
    names = ", ".join(sorted(claimed))
    if exact.verdict in ("none", "unsteady"):
        same = "do as well as each other" if exact.verdict == "none" else "are ahead by turns, as the seed has it"
        return f"there is nothing to mend: the two programs {same}"
    if exact.verdict == "reversed":
        return "the faulty program does better than the corrected one"
    if not claimed:
        return "what was posted is no difference of the two programs"
    if any(one < claimed for one in repairs):
        least = next(one for one in repairs if one < claimed)
        return f"{', '.join(sorted(least))} alone mends it; {', '.join(sorted(claimed - least))} of it is innocent"
    if claimed in repairs:
        return ""
    more = [one for one in repairs if claimed < one]
    if more:
        return f"{names} alone does not mend it: {', '.join(sorted(more[0] - claimed))} is needed with it"
    return (
        f"{names} is no cause: what mends it is {' or '.join(', '.join(sorted(one)) for one in repairs) or 'undecided'}"
    )


def rates(right: int, given: int, asked: int, of: int) -> dict[str, float]:
    """Return precision, recall and F3 = 10 P R / (9 P + R).

    Args:
        right: pieces of advice that are right.
        given: pieces of advice.
        asked: faults that are named.
        of: faults that there are.
    """
    precision, recall = right / given if given else 1.0, asked / of if of else 1.0
    weighed = 9 * precision + recall
    f3 = 10 * precision * recall / weighed if weighed else 0.0
    return {"precision": round(precision, 3), "recall": round(recall, 3), "f3": round(f3, 3)}


def of_advice(found: Sequence[Advised]) -> dict[str, Any]:
    """Return the figures of the first score."""
    pieces = [one for pair in found for one in pair.pieces]
    alarms = sum(len(pair.alarms) for pair in found)
    named, kinds = sum(len(pair.named) for pair in found), sum(len(pair.posted) for pair in found)
    given = len(pieces) + alarms
    return {
        "pairs": len(found),
        "found": sum(bool(pair.named) for pair in found),
        "advice on faulty sides": len(pieces),
        "advice on corrected sides": alarms,
        "by the posted corrections": rates(sum(one[2] for one in pieces), given, named, kinds),
        "with alternative truths": rates(sum(one[3] for one in pieces), given, named, kinds),
    }


def of_causes(found: Sequence[Explained]) -> dict[str, Any]:
    """Return the figures of the second score."""
    named, wrong = sum(len(one.named) for one in found), sum(len(one.wrong) for one in found)
    causes, missed = sum(len(one.truth[1]) for one in found), sum(len(one.missed) for one in found)
    return {
        "pairs": len(found),
        "verdicts right": sum(one.gap == one.truth[0] for one in found),
        "precision": round(1 - wrong / named, 3) if named else 1.0,
        "recall": round(1 - missed / causes, 3) if causes else 1.0,
        "posted corrections that are the cause": sum(not one.posted for one in found),
    }


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, help="pairs to look at, all if not said")
    parser.add_argument("--lint", action="store_true", help="the first score only")
    parser.add_argument("--json", action="store_true", help="figures and every pair as JSON")
    arguments = parser.parse_args()
    truth = kept()
    left_out: list[str] = []
    first: list[Advised] = []
    second: list[Explained] = []
    for pair in pairs()[: arguments.limit]:
        with tempfile.TemporaryDirectory() as folder:
            try:
                spec = pair.plain(Path(folder))
            except LookupError as missing:
                left_out.append(str(missing))
                continue
            exact = truth.get(pair.post)
            first.append(advised(pair, spec, exact))
            said = [one[0] for one in first[-1].pieces]
            print(f"{pair.post}: advice {said}, on the corrected side {first[-1].alarms}", file=sys.stderr, flush=True)
            if not arguments.lint and exact is not None:
                second.append(explained(pair, spec, exact, Path(folder)))
                one = second[-1]
                print(f"{pair.post}: {one.gap} (truth {one.truth[0]}), named {one.named}, wrong {one.wrong}, missed "
                      f"{one.missed}, {one.seconds:.0f} s; {one.posted or 'the posted correction is the cause'}",
                      file=sys.stderr, flush=True)  # fmt: skip
    figures = {"one program in": of_advice(first), **({"two programs in": of_causes(second)} if second else {})}
    if arguments.json:
        each = {
            "advice": [{**asdict(one), "named": one.named} for one in first],
            "causes": [asdict(one) for one in second],
        }
        print(json.dumps({**figures, "left out": left_out, "each": each}, indent=1))
        return
    print("\n".join(left_out))
    for score, told in figures.items():
        print(f"\n{score}, {'faults' if score.startswith('one') else 'causes'} out")
        for name, value in told.items():
            shown = "  ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else value
            print(f"  {name:<40}{shown}")


if __name__ == "__main__":
    main()
