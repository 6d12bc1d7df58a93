"""Public cases of two models that should have been one, as specs, and whether their cause is named first."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import helpers_case_rows
from helpers_commands import lender
from ruamel.yaml import YAML

from parity import api
from parity.report.sentences import claims
from parity.result.schema import DifferenceFact, Result
from parity.spec.sections import Spec

FOLDER = Path(__file__).resolve().parent / "cases"

PHASES = ("batch", "weights", "forward", "loss", "gradient", "update", "state", "metric")
"""In the order in which a step computes."""

By = Literal["outcome", "step", "program", "metric", "advice"]

STEPS: Mapping[str, Any] = {"trace": False, "effects": False, "max_runs": 2, "steps": 4, "explain_steps": 4}
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "outcome": {"trace": False, "effects": False, "steps": 4}, "step": STEPS, "metric": STEPS, "program": {},
}  # fmt: skip
"""Of the commands; where a step decides, only two runs are made, of as many steps."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A case of the index.

    Args:
        name: as the public list has it.
        fact: what was the matter.
        by: where the cause is named: among those of the outcome; by where it strikes first, in a step taken from the
            same state; of a program written by hand; as a metric that is another; or before anything is trained.
        cause: paths of which the first named must be; all of them are true.
        phase: in which the sides part first, where a step decides.
        unlike: what the spec has otherwise than the case had.
        unsaid: why there is no spec.
        missed: why the cause is not named first though there is one.
        reproducible: not marked as out of reach in the list.
    """

    name: str
    fact: str
    by: By | None = None
    cause: tuple[str, ...] = ()
    phase: str = ""
    unlike: str = ""
    unsaid: str = ""
    missed: str = ""
    reproducible: bool = True


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What parity said of a case.

    Args:
        named: the set of paths that is named first; empty where none is.
        verdict: of the two sides in lockstep.
        phase: in which they part.
        live: differences that may do something.
        seconds: that it took.
        why: what was said where nothing was named.
    """

    named: tuple[str, ...]
    verdict: str
    phase: str
    live: int
    seconds: float
    why: str = ""

    def right(self, case: Case) -> bool:
        """Say whether what is named first is the case's cause, and nothing that is none."""
        there = all(any(within(one, path) for path in case.cause) for one in self.named)
        parted = {"metric": ("identical", "rounding"), "advice": ("",)}.get(case.by or "", ("divergent",))
        return bool(self.named) and there and self.verdict in parted and case.phase in ("", self.phase)


def within(named: str, path: str) -> bool:
    """Say whether a path is one that was said, which may be a pattern, or a field of it."""
    return named == path or fnmatchcase(named, path) or named.startswith(f"{path}.")


def cases() -> dict[str, Case]:
    """Return every case of the index by its name."""
    told = YAML(typ="safe").load((FOLDER / "index.yaml").read_text())
    return {name: Case(name=name, **{**one, "cause": tuple(one.get("cause", ()))}) for name, one in told.items()}


def judge(case: Case, folder: Path) -> Judged:
    """Run a case's spec as a user would and return what is named first.

    Args:
        case: one with a spec.
        folder: an empty one, which gets the spec, its rows and its programs.
    """
    shutil.copytree(FOLDER / "programs", folder / "programs", dirs_exist_ok=True)
    spec = Path(shutil.copy(FOLDER / "specs" / f"{case.name}.yaml", folder))
    helpers_case_rows.write(spec.read_text(), folder)
    begun = time.monotonic()
    if case.by == "advice":
        return advised(api.load_spec(spec))
    with lender():
        verb = api.check if case.by == "program" else api.run
        result = verb(api.load_spec(spec), folder=folder / "out", **OPTIONS[case.by or "step"])
    (pair,) = result.comparisons
    name = {"outcome": by_outcome, "step": by_step, "program": by_program, "metric": by_metric}[case.by or "step"]
    named = name(result)
    return Judged(
        named=named, verdict=pair.verdict, phase=pair.first.phase if pair.first else "",
        live=len(live(result)), seconds=time.monotonic() - begun, why="" if named else reasons(result),
    )  # fmt: skip


def advised(spec: Spec) -> Judged:
    """Return what is advised before training; of both sides alike it says nothing of what parts them."""
    begun = time.monotonic()
    told = [one.path for one in api.lint(spec).advice if len(one.sides) == 1]
    return Judged(named=tuple(told[:1]), verdict="", phase="", live=0, seconds=time.monotonic() - begun)


def live(result: Result) -> list[DifferenceFact]:
    """List the differences that may do something."""
    return [one for one in result.differences if not one.inert]


def by_outcome(result: Result) -> tuple[str, ...]:
    """Return the paths of the first cause that the report names."""
    if result.explanation is None:
        return ()
    for told in (claims.causes, claims.breaks, claims.repairs):
        for finding in told(result):
            items = finding.items if finding.patch is not None else finding.items[:1]
            if items:
                return tuple(item.change.partition(":")[0] for item in items)
    return ()


def by_step(result: Result) -> tuple[str, ...]:
    """Return the path that strikes first; of several at one place the one that changes most of the first update."""
    struck = [one for one in live(result) if one.strike is not None and one.strike.step is not None]
    if not struck:
        return ()
    order = [(one.strike.step, PHASES.index(one.strike.phase), -one.strike.share, one.path) for one in struck
             if one.strike is not None]  # fmt: skip
    return (min(order)[-1],)


def by_program(result: Result) -> tuple[str, ...]:
    """Return the first set that makes the program agree with its config."""
    (pair,) = result.comparisons
    return tuple(one.path for one in pair.causes if one.way == pair.causes[0].way)


def by_metric(result: Result) -> tuple[str, ...]:
    """Return the metrics where they are all that differs."""
    return tuple(one.path for one in result.differences) if not live(result) else ()


def reasons(result: Result) -> str:
    """Say what was told where no cause was."""
    (pair,) = result.comparisons
    told = result.explanation
    gap = [f"{told.outcome}: {told.gap}, {told.good_values} and {told.bad_values}"] if told else []
    strikes = [f"{one.path}: {one.strike}" for one in result.differences]
    return "; ".join([pair.reason, *pair.uncaused, *gap, *strikes, *result.notes])
