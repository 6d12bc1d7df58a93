"""The two jobs of the command line: ``run`` does everything, ``check`` judges only."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from parity.commands.advising import advised
from parity.commands.comparing import comparisons
from parity.court.work import Note, Work
from parity.errors import UsageError, WorkerError
from parity.explain.contest import Contest, Paths, contest, split
from parity.explain.outcome import Outcome, parse_outcome
from parity.prepare.devices import check_devices
from parity.prepare.installed import check_installed, installed_frameworks, installed_version
from parity.prepare.options import Options, prepare
from parity.prepare.sizes import large
from parity.result import filling
from parity.result.filling_explanation import difference_facts, explanation_fact
from parity.result.patches import lines_of
from parity.result.schema import DifferenceFact, LineFact, Result, SideFact
from parity.run.freerun import VALIDATION
from parity.run.places import may_have_gpus
from parity.run.trajectory import Trajectory
from parity.spec.differences import Difference, differences
from parity.spec.heads import joined
from parity.spec.resolve import Resolved
from parity.spec.sections import Config, SaidSpec, Spec
from parity.trials.budget import Budget, Length
from parity.trials.inquired import Explained
from parity.trials.inquiry import Inquiry
from parity.trials.runner import Runner
from parity.trials.speed import choose
from parity.trials.units import Unit, UnitError

INTERRUPTED = "interrupted before anything was known of causes; finished runs are kept, the same command goes on"
"""Noted where a run was told to stop before its explanation had begun."""

LOCKSTEP_STEPS, LOCKSTEP_STEPS_LARGE = 16, 4
"""How far lockstep goes unless told otherwise: a difference of meaning shows in the first few steps, or where a
schedule or a running statistic begins to matter. In a run, which is about more, large networks go less far: of 69
million parameters a step in float64, with all digests, takes ten seconds."""


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
    begun = time.monotonic()
    sides = prepare(spec, options)
    check_installed(sides)
    check_devices(sides)
    with Work(spec=spec, sides=sides, options=options, folder=folder) as work:
        sides = work.settle()
        found = pair_differences(work, sides)
        advice = advised(work, text, file)
        if options.explain:
            outcome_of(work, sides)  # What is wrong with it is said before anything is trained.
        free = work.free_runs(note)
        runs, errors = free.runs, free.errors
        if not runs:
            raise next(iter(errors.values()))
        healthy = [side for side in sides if side.name in runs]
        most = LOCKSTEP_STEPS_LARGE if any(map(large, healthy)) else LOCKSTEP_STEPS
        steps = min(options.steps or most, most, *(work.steps(side) for side in healthy))
        compared = filling.with_free(
            comparisons(work, sides, dict(errors), steps, "float64", note), work.parted_free(free)
        )
        notes: list[str] = []
        explained: Explained | None = None
        if options.explain:
            try:
                explained, said = _explain(work, healthy, runs, found, note, begun)
                notes += said
            except KeyboardInterrupt:  # What the sides did, and where they part, is known all the same.
                notes.append(INTERRUPTED)
        explanation = explanation_fact(explained, said_sets(spec, explained.contest)) if explained else None
        if explained is not None and explanation is None:
            notes += [f"no cause was found: {one}" for one in explained.missing[:1]]
        return filling.result(
            filling.spec_fact(spec, work.dataset(sides[0]), file, text),
            _side_facts(work, sides, runs, errors),
            compared,
            _told(work, sides, found, explained),
            explanation,
            [*notes, *filling.undetermined_notes(work.undetermined, runs), *filling.damage_notes(work.damaged())],
            command,
            advice,
        )


def _told(
    work: Work,
    sides: Sequence[Resolved],
    found: Mapping[tuple[str, str], list[Difference]],
    explained: Explained | None,
) -> list[DifferenceFact]:
    """Return the facts of all differences, with what those of the explained pair do."""
    told = []
    for (a, b), ones in found.items():
        pair = {explained.contest.good.name, explained.contest.bad.name} if explained else set()
        mine = explained if pair == {a, b} else None
        told += difference_facts(a, b, ones, mine, _lines(work, sides, (a, b), ones))
    return told


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
            f"for: --frameworks {','.join(installed_frameworks())}"
        )
    check_installed(sides, least=2)
    check_devices(sides)
    precision = options.precision or "float64"
    with Work(spec=spec, sides=sides, options=options, folder=folder) as work:
        sides = work.settle()
        found = pair_differences(work, sides)
        errors = work.failing()
        steps = options.steps or min(LOCKSTEP_STEPS, work.steps(sides[0]))
        compared = comparisons(work, sides, errors, steps, precision, note)
        if len(sides) - len(errors) < 2:
            raise list(errors.values())[-1]
        told = _told(work, sides, found, None)
        why = {name: str(error) for name, error in errors.items()}
        sides_told = [
            filling.side_fact(
                side,
                work.shown(side),
                None,
                why.get(side.name),
                precision,
                work.dataset(side),
                installed_version(side),
                work.devices.get(side.name, "cpu"),
            )
            for side in sides
        ]
        return filling.result(
            filling.spec_fact(spec, work.dataset(sides[0]), file, text),
            sides_told,
            compared,
            told,
            None,
            [*filling.undetermined_notes(work.undetermined, {}), *filling.damage_notes(work.damaged())],
            command,
            advised(work, text, file),
        )


def pair_differences(work: Work, sides: Sequence[Resolved]) -> dict[tuple[str, str], list[Difference]]:
    """Return the differences of the first side and each other one."""
    first, *others = sides
    rows, gpus = len(work.dataset(first).x), may_have_gpus()
    found = {(first.name, other.name): joined(first, other, differences(first, other, rows, gpus)) for other in others}
    if not work.options.split:
        return found
    # A group may be one of a single pair's: it must be known in one of them.
    groups = [one for ones in found.values() for one in ones]
    split(groups, work.options.split)
    return {
        pair: split(ones, [path for path in work.options.split if any(one.path == path for one in ones)])
        for pair, ones in found.items()
    }


def _side_facts(
    work: Work, sides: list[Resolved], runs: dict[str, Trajectory], errors: dict[str, WorkerError]
) -> list[SideFact]:
    precision = work.options.precision or "float32"
    return [
        filling.side_fact(
            side,
            work.shown(side),
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
    runs: Mapping[str, Trajectory],
    found: dict[tuple[str, str], list[Difference]],
    note: Note,
    begun: float,
) -> tuple[Explained | None, list[str]]:
    """Explain the first pair of sides whose outcomes differ, or else the first whose configs do."""
    named = {side.name: side for side in healthy}
    pairs = [
        (a, b) for (a, b), ones in found.items() if a in named and b in named and any(not one.inert for one in ones)
    ]
    if not pairs:
        return None, []
    outcome = outcome_of(work, healthy)
    if outcome is None:
        return None, ["no cause was looked for: the spec names no metric that says which side does better"]

    def score(name: str) -> float:
        return outcome.metric_score(runs[name].final.get(outcome.metric, math.nan)) if name in runs else math.nan

    a, b = max(pairs, key=lambda pair: _distance(score(pair[0]), score(pair[1])))
    pair = named[a], named[b]
    return explain_pair(work, healthy, pair, found[a, b], outcome, note, _ends(work, pair, runs, outcome), begun), []


def _ends(
    work: Work, pair: tuple[Resolved, Resolved], runs: Mapping[str, Trajectory], outcome: Outcome
) -> tuple[float, float] | None:
    """Return what the sides' own runs end at, in the unit of the first; None where that is not to be compared."""
    unit = Unit(outcome=outcome, first=pair[0], data=work.dataset)
    try:
        one, other = (runs[side.name].final[outcome.metric] * unit.factor(side) for side in pair)
    except (KeyError, UnitError):
        return None
    return one, other


def outcome_of(work: Work, sides: Sequence[Resolved]) -> Outcome | None:
    """Return what says which side does better: the command's, the spec's, or the first metric; None without any.

    Raises:
        UsageError: when what is named is not measured.
    """
    measured = {metric.kind: metric.better for side in sides for metric in side.config.metrics}
    if all(work.dataset(side).y_val is not None for side in sides):
        measured |= {f"{VALIDATION}{kind}": better for kind, better in measured.items()}
    text = work.options.outcome or work.spec.explain.outcome or next(iter(measured), None)
    return None if text is None else parse_outcome(text, measured)


def _distance(one: float, other: float) -> float:
    """Return how far apart two scores are, for the choice of a pair: the first one unless another is further."""
    apart = abs(one - other)
    return 0.0 if math.isnan(apart) else round(apart, 2)


def explain_pair(
    work: Work,
    sides: Sequence[Resolved],
    pair: tuple[Resolved, Resolved],
    found: Sequence[Difference],
    outcome: Outcome,
    note: Note,
    ends: tuple[float, float] | None = None,
    begun: float | None = None,
) -> Explained:
    """Explain a pair of sides by counterfactual runs.

    Args:
        work: data, programs and store.
        sides: that ran; their interpreters may be used.
        pair: the two sides, in the order of the spec.
        found: their differences.
        outcome: what is compared.
        note: told what is under way.
        ends: what the two sides' own runs ended at; None where there were none.
        begun: when the command began, by the monotonic clock; now if not said.

    Raises:
        UsageError: when a group that is to be split is none.
    """
    options, asked = work.options, work.spec.explain
    match = contest(*pair, found)
    length = Length(
        sides=pair, epoch_steps=work.epoch_steps, steps=options.explain_steps or asked.steps, most=options.steps
    )
    budget = Budget(runs=options.max_runs, seconds=options.max_seconds)
    budget.begun = budget.begun if begun is None else begun
    with Runner(work=work, gate=budget.on_time) as runner:
        choice = choose(runner, sides, pair, asked.framework, length.steps or length.full, note)
        return Inquiry(
            work=work, runner=runner, contest=match, choice=choice, outcome=outcome, length=length, ends=ends,
            budget=budget, note=note, every=options.effects, each_seeds=asked.effect_seeds,
            claims=list(said_sets(work.spec, match)),
        ).run()  # fmt: skip


def said_sets(spec: Spec, match: Contest) -> dict[Paths, SaidSpec]:
    """Return what somebody says is the cause, by the live differences that it names; none where it names none."""
    found = {}
    for one in spec.explain.said:
        paths = frozenset(
            difference.path
            for difference in match.live
            if any(fnmatchcase(difference.path, path) or path in difference.paths for path in one.paths)
        )
        if paths:
            found[paths] = one
    return found


def _lines(work: Work, sides: Sequence[Resolved], pair: tuple[str, str], found: Sequence[Difference]
           ) -> dict[str, list[LineFact]]:  # fmt: skip
    """Return where each difference stands in the programs of a pair."""
    named = {side.name: side for side in sides}
    a, b = (named[name] for name in pair)
    if work.failing().keys() & set(pair):
        return {}
    files = {side.name: f"programs/{work.program(side).file_name}" for side in (a, b)}

    def source(side: Resolved, config: Config) -> str:
        return work.program(replace(side, config=config)).source

    return lines_of(a, b, found, source, files)
