"""The verb ``run``: sides trained, compared, and explained where they differ."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from parity.commands.advising import advised
from parity.commands.check import LOCKSTEP_STEPS
from parity.commands.comparing import comparisons
from parity.commands.differing import pair_differences, told_differences
from parity.commands.explaining import explain, outcome_of, said_sets
from parity.court.freeruns import free_runs
from parity.court.work import Note, Work
from parity.errors import WorkerError
from parity.prepare.devices import check_devices
from parity.prepare.installed import installed_frameworks, installed_versions, with_what_is_there
from parity.prepare.options import Options, prepare
from parity.prepare.sizes import large
from parity.result import filling
from parity.result.filling_explanation import explanation_fact
from parity.result.schema import Result, SideFact
from parity.run.trajectory import Trajectory
from parity.spec.resolve import Resolved
from parity.spec.sections import Spec
from parity.trials.inquired import Explained

INTERRUPTED = "interrupted before anything was known of causes; finished runs are kept, the same command goes on"
"""Noted where a run was told to stop before its explanation had begun."""

LOCKSTEP_STEPS_LARGE = 4
"""How far lockstep goes in a run, which is about more, with large networks: of 69 million parameters a step in float64,
with all digests, takes ten seconds."""


Early = Callable[[Result], None]
"""Told the result as far as it is known, ``under_way`` naming what is still to come."""


def run(
    spec: Spec, options: Options, *, text: str, file: str | None, folder: Path, command: str, note: Note,
    early: Early | None = None,
) -> Result:  # fmt: skip
    """Compile, train, compare, explain.

    Args:
        spec: what to run.
        options: of the command.
        text: the spec as it was written.
        file: it came from.
        folder: of the reports; finished runs are kept under it.
        command: that repeats this.
        note: told what is under way.
        early: told what is known so far, while causes are looked for; None: nobody.

    Raises:
        ParityError: when the spec, the options or the data are at fault; or when no side finished.
    """
    begun = time.monotonic()
    sides, absent = with_what_is_there(prepare(spec, options), asked=options.sides)
    check_devices(sides)
    with Work(spec=spec, sides=sides, options=options, folder=folder) as work:
        work.forks.warm(_wanted(spec, sides, options))
        sides = work.settle()
        found = pair_differences(work, sides)
        advice = advised(work, text, file)
        if options.explain:
            outcome_of(work, sides)  # What is wrong with it is said before anything is trained.
        free = free_runs(work, note)
        runs, errors = free.runs, free.errors
        if not runs:
            raise next(iter(errors.values()))
        healthy = [side for side in sides if side.name in runs]
        most = LOCKSTEP_STEPS_LARGE if any(map(large, healthy)) else LOCKSTEP_STEPS
        steps = min(options.steps or most, most, *(work.steps(side) for side in healthy))
        compared = filling.with_free(
            comparisons(work, sides, dict(errors), steps, "float64", note), work.parted_free(free)
        )
        facts = _side_facts(work, sides, runs, errors)

        def told(explained: Explained | None, notes: Sequence[str], left: Sequence[str] = ()) -> Result:
            explanation = explanation_fact(explained, said_sets(spec, explained.contest)) if explained else None
            if explained is not None and explanation is None and not left:
                notes = [*notes, *(f"no cause was found: {one}" for one in explained.missing[:1])]
            return filling.result(
                filling.spec_fact(spec, work.dataset(sides[0]), file, text),
                facts,
                compared,
                told_differences(work, sides, found, explained),
                explanation,
                [*notes, *filling.undetermined_notes(work.undetermined, runs), *filling.damage_notes(work.damaged())],
                command,
                advice,
                under_way=left,
            )

        notes, explained = list(absent), None
        if options.explain:
            grown = None if early is None else lambda one, left: early(told(one, absent, left))
            try:
                if grown is not None and any(not one.inert for ones in found.values() for one in ones):
                    grown(None, ["what causes it"])
                explained, said = explain(work, healthy, runs, found, note, begun, grown)
                notes += said
            except KeyboardInterrupt:  # What the sides did, and where they part, is known all the same.
                notes.append(INTERRUPTED)
        return told(explained, notes)


def _wanted(spec: Spec, sides: Sequence[Resolved], options: Options) -> list[str]:
    """Return the frameworks of which workers will be wanted: the sides', and those that may make trials."""
    asked = [spec.explain.framework] if spec.explain.framework else installed_frameworks()
    return [*(side.framework for side in sides if side.python is None), *(asked if options.explain else ())]


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
            packages=installed_versions(side),
        )
        for side in sides
    ]
