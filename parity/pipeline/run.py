"""The two jobs of the command line: ``run`` does everything, ``check`` judges only."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from parity.errors import ParityError, UsageError, WorkerError
from parity.explain.effects import LEAST_GAP, Effects, judge_effects, outcome_value
from parity.explain.trials import Contest, Trial, contest
from parity.pipeline import facts
from parity.pipeline.judging import Judged
from parity.pipeline.prepare import Options, installed_version, prepare
from parity.pipeline.work import Note, Work
from parity.report.facts import Comparison, DifferenceFact, Explanation, Result, SideFact
from parity.run.freerun import Job
from parity.run.trajectory import Trajectory
from parity.spec.differences import Difference, differences
from parity.spec.resolve import Resolved
from parity.spec.schema import Spec

LOCKSTEP_STEPS = 16
"""How far lockstep goes unless told otherwise: a difference of meaning shows in the first few steps, or where a
schedule or a running statistic begins to matter."""

EXPLAIN_EPOCHS = 2
"""Length of a counterfactual run unless told otherwise."""


def run(spec: Spec, options: Options, *, text: str, file: str | None, folder: Path, command: str, note: Note) -> Result:
    """Compile, train, compare, explain.

    Args:
        spec: what to run.
        options: of the command.
        text: the spec as it was written.
        file: it came from.
        folder: of the reports; finished runs are kept under it.
        command: that repeats this.
        note: told what is under way.

    Raises:
        ParityError: when the spec, the options or the data are at fault; or when no side finished.
    """
    sides = prepare(spec, options)
    with Work(spec=spec, sides=sides, options=options, folder=folder) as work:
        found = pair_differences(work, sides)
        free = work.free_runs(note)
        runs, errors = free.runs, free.errors
        if not runs:
            raise next(iter(errors.values()))
        healthy = [side for side in sides if side.name in runs]
        steps = min(options.steps or LOCKSTEP_STEPS, LOCKSTEP_STEPS, *(work.steps(side) for side in healthy))
        comparisons = facts.with_free(_comparisons(work, sides, errors, steps, "float64", note), work.parted_free(free))
        notes: list[str] = []
        explained: tuple[Explanation, Effects, tuple[str, str]] | None = None
        if options.explain:
            explained, said = _explain(work, healthy, runs, found, note)
            notes += said
        told: list[DifferenceFact] = []
        for (a, b), ones in found.items():
            effects = explained[1] if explained and set(explained[2]) == {a, b} else None
            told += facts.difference_facts(a, b, ones, effects)
        return facts.result(
            facts.spec_fact(spec, work.dataset(sides[0]), file, text),
            _side_facts(work, sides, runs, errors),
            comparisons,
            told,
            explained[0] if explained else None,
            notes,
            command,
        )


def check(
    spec: Spec, options: Options, *, text: str, file: str | None, folder: Path, command: str, note: Note
) -> Result:
    """Judge the sides in lockstep, without training them on their own; arguments as :func:`run`.

    Raises:
        ParityError: when the spec, the options or the data are at fault, or a worker fails.
    """
    sides = prepare(spec, options)
    if len(sides) < 2:
        raise UsageError(
            f"check compares sides, and here is only {sides[0].name}; add a side, or name frameworks to compile it "
            "for: --frameworks keras,tensorflow,torch"
        )
    precision = options.precision or "float64"
    with Work(spec=spec, sides=sides, options=options, folder=folder) as work:
        found = pair_differences(work, sides)
        for side in sides:
            work.program(side)
        steps = options.steps or min(LOCKSTEP_STEPS, work.steps(sides[0]))
        judged = work.judged(sides, steps, precision, note)
        told = [fact for (a, b), ones in found.items() for fact in facts.difference_facts(a, b, ones, None)]
        sides_told = [
            facts.side_fact(
                side, work.program(side), None, None, precision, work.dataset(side), installed_version(side)
            )
            for side in sides
        ]
        return facts.result(
            facts.spec_fact(spec, work.dataset(sides[0]), file, text),
            sides_told,
            facts.comparison_facts(judged),
            told,
            None,
            [],
            command,
        )


def pair_differences(work: Work, sides: Sequence[Resolved]) -> dict[tuple[str, str], list[Difference]]:
    """Return the differences of the first side and each other one."""
    first, *others = sides
    rows = len(work.dataset(first).x)
    return {(first.name, other.name): differences(first, other, rows) for other in others}


def _comparisons(
    work: Work, sides: list[Resolved], errors: dict[str, WorkerError], steps: int, precision: str, note: Note
) -> list[Comparison]:
    """Judge the sides that ran; say so of the others."""
    healthy = [side for side in sides if side.name not in errors]
    judged_all: Judged | None = None
    trouble: dict[str, str] = {name: str(error) for name, error in errors.items()}
    if len(healthy) > 1:
        try:
            judged_all = work.judged(healthy, steps, precision, note)
        except WorkerError as error:
            trouble[error.side] = str(error)
    judged = {(one.a, one.b): one for one in facts.comparison_facts(judged_all)} if judged_all else {}
    first, *others = [side.name for side in sides]
    if first in errors and len(healthy) > 1:
        first, others = healthy[0].name, [name for name in [first, *others] if name != healthy[0].name]
    told = []
    for other in others:
        why = trouble.get(other) or trouble.get(first) or next(iter(trouble.values()), "not compared")
        told.append(judged.get((first, other)) or facts.failed_comparison(first, other, precision, why))
    return told


def _side_facts(
    work: Work, sides: list[Resolved], runs: dict[str, Trajectory], errors: dict[str, WorkerError]
) -> list[SideFact]:
    precision = work.options.precision or "float32"
    return [
        facts.side_fact(
            side,
            work.program(side),
            runs.get(side.name),
            str(errors[side.name]) if side.name in errors else None,
            precision,
            work.dataset(side),
        )
        for side in sides
    ]


def _explain(
    work: Work,
    healthy: list[Resolved],
    runs: dict[str, Trajectory],
    found: dict[tuple[str, str], list[Difference]],
    note: Note,
) -> tuple[tuple[Explanation, Effects, tuple[str, str]] | None, list[str]]:
    """Explain the first pair of sides that differ in their configs and in their outcomes."""
    named = {side.name: side for side in healthy}
    metric = next((metric.kind for metric in work.spec.metrics), None)
    pairs = [
        (a, b) for (a, b), ones in found.items() if a in named and b in named and any(not one.inert for one in ones)
    ]
    if not pairs:
        return None, []
    if metric is None:
        return None, ["no cause was looked for: the spec names no metric that says which side does better"]
    for a, b in pairs:
        values = {name: outcome_value(runs[name].final.get(metric, math.nan)) for name in (a, b)}
        if abs(values[a] - values[b]) < LEAST_GAP:
            continue
        good, bad = sorted((a, b), key=lambda name: -values[name])
        match = contest(named[good], named[bad], found[a, b])
        framework = work.spec.explain.framework or named[a].framework
        home = next((side for side in healthy if side.framework == framework), named[a])
        found_out, notes = _tried(work, match, home, framework, metric, runs, note)
        return ((*found_out, (a, b)) if found_out else None), notes
    (a, b), *_ = pairs
    return None, [facts.outcome_gap_note(metric, {name: runs[name].final.get(metric, math.nan) for name in (a, b)})]


def _tried(
    work: Work,
    match: Contest,
    home: Resolved,
    framework: str,
    metric: str,
    runs: dict[str, Trajectory],
    note: Note,
) -> tuple[tuple[Explanation, Effects] | None, list[str]]:
    """Run the trials of a contest on one framework, and judge them; without the two sides' own there is nothing."""
    begun = time.monotonic()
    steps = work.options.explain_steps or work.spec.explain.steps or _explain_steps(work, match)
    trials = match.singles()
    jobs: dict[Trial, Job] = {}
    notes: list[str] = []
    for trial in trials:
        try:
            side = replace(match.good, name=home.name, framework=framework, python=home.python,
                           config=match.config_of(trial))  # fmt: skip
            jobs[trial] = work.counterfactual(side, steps)
        except ParityError as error:
            notes.append(f"not tried, since it cannot be: {match.label(trial)}: {error}")
    ended, tried = itertools.count(1), list(jobs)

    def told(index: int, job: Job, one: Trajectory | WorkerError) -> None:
        said = "failed" if isinstance(one, WorkerError) else f"{metric} {one.final.get(metric, math.nan):.3f}"
        note(f"explaining: {match.label(tried[index])}: {said}", next(ended) / len(tried))

    note(f"explaining: {len(tried)} runs of {steps} steps", 0.0)
    outcomes: dict[Trial, float] = {}
    done: list[Trajectory] = []
    for trial, one in zip(tried, work.evaluate(list(jobs.values()), told), strict=True):
        if isinstance(one, WorkerError):
            notes.append(f"failed: {match.label(trial)}: {one}")
        else:
            done.append(one)
            outcomes[trial] = one.final.get(metric, math.nan)
    if match.nothing not in outcomes or match.everything not in outcomes:
        return None, [*notes, "no cause was found: the runs of the two sides as they are failed"]
    effects = judge_effects(match, outcomes)
    fact = facts.explanation_fact(
        effects,
        framework=framework,
        outcome=metric,
        good=match.good.name,
        bad=match.bad.name,
        steps=steps,
        runs=done,
        seconds=time.monotonic() - begun,
        notes=notes
        + facts.framework_notes(framework, metric, {match.good.name: effects.good, match.bad.name: effects.bad}, runs),
    )
    return (fact, effects), []


def _explain_steps(work: Work, match: Contest) -> int:
    epochs = max(work.epoch_steps(match.good), work.epoch_steps(match.bad)) * EXPLAIN_EPOCHS
    return min(epochs, work.steps(match.good), work.steps(match.bad))
