"""Advice of every side of a command, with the lines it is about; and the verb that gives nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from parity.advice import Advice, Evaluation, Situation, advise
from parity.advice.begun import Begun
from parity.advice.first_updates import FirstUpdates, affordable
from parity.advice.magnitudes import Scales, measure, too_large
from parity.advice.origins import line_of
from parity.advice.short_run import advise_by_running
from parity.data.dataset import Dataset
from parity.errors import DataError, WorkerError
from parity.prepare.forms import dataset_of
from parity.prepare.options import Options, check_fit, prepare
from parity.recorded import is_opaque
from parity.result.advicefact import AdviceFact, Lint
from parity.run.epochs import counted
from parity.run.session import memory_folder, release
from parity.spec.faults import Lines
from parity.spec.plain import dump
from parity.spec.resolve import Resolved
from parity.spec.sections import Spec
from parity.spec.targets import ignored_classes, numbers_classes, settled
from parity.spec.yaml import parse_yaml

if TYPE_CHECKING:
    from parity.court.work import Work


def lint(
    spec: Spec, options: Options, *, text: str, file: str | None, refused: list[DataError] | None = None,
    run: bool = False,
) -> Lint:  # fmt: skip
    """Return the advice on a spec; nothing is trained, and only a program written by hand is run.

    Args:
        spec: to look at.
        options: of the command: sides, changes, data.
        text: the spec as it was written.
        file: it came from.
        refused: takes what is wrong with data that cannot be used, in the place of raising it: what the spec alone
            shows is then told all the same.
        run: also take a short run of each side, in NumPy.

    Raises:
        ParityError: when the spec, the options or the data are at fault.
    """
    sides = prepare(spec, options)
    notes: list[str] = []
    known: dict[str, Dataset | None] = {}
    found: dict[str, Dataset | None] = {}
    for side in sides:
        key = f"{side.config.data.model_dump_json(exclude={'targets'})} {numbers_classes(side)} {ignored_classes(side)}"
        if key not in known:
            try:
                known[key] = dataset_of(side, options.data)
            except DataError as error:
                if refused is None:
                    raise
                refused.append(error)
                known[key] = None
                notes.append("what only the data show was not looked at: they cannot be used")
        data = found[side.name] = known[key]
        try:
            if data is not None:
                check_fit(side, data)
        except DataError as error:
            if refused is None:
                raise
            refused.append(error)
            found[side.name] = None
    sides, evaluations, said = evaluated(spec, sides, options, found)
    advice = facts(spec, sides, lambda side: found[side.name], evaluations, lines_of(text, file))
    notes += [*said, *unmeasured(sides, found)]
    if run:
        advice += by_running(spec, sides, found, advice, lines_of(text, file), notes)
    return Lint(spec=spec.name, file=file, sides=[side.name for side in sides], advice=advice, notes=notes)


def advised(work: Work, text: str, file: str | None) -> list[AdviceFact]:
    """Return the advice on the sides of a command that runs them.

    Args:
        work: of the command; programs written by hand are run there.
        text: the spec as it was written.
        file: it came from.
    """
    work.failing()  # Programs written by hand are matched, and asked how they evaluate.
    return facts(work.spec, work.sides, work.dataset, work.ports.evaluations, lines_of(text, file))


def lines_of(text: str, file: str | None) -> Lines:
    """Return the lines of a spec; none of one that was built in Python."""
    return parse_yaml(text, file)[1] if file is not None else Lines(None, {})


def evaluated(
    spec: Spec, sides: Sequence[Resolved], options: Options, data: Mapping[str, Dataset | None]
) -> tuple[list[Resolved], dict[str, Evaluation], list[str]]:
    """Return the sides with the form of their targets, how programs written by hand evaluate, and what failed of it."""
    found: dict[str, Evaluation] = {}
    notes: list[str] = []
    told: list[Resolved] = []
    for side in sides:
        rows = data[side.name]
        if rows is not None:
            side = counted(side, len(rows.x))
        if rows is None or side.program is None:
            told.append(side if rows is None else settled(side, rows.target, rows.classes is not None))
            continue
        from parity.court.work import Work  # Not before a program is to be run: most specs have none.

        folder = memory_folder()
        with ExitStack() as stack:
            stack.callback(release, folder)
            work = stack.enter_context(Work(spec=spec, sides=[side], options=options, folder=folder))
            try:
                work.program(side)
                work.settle()
            except (DataError, WorkerError) as error:
                why = error.brief if isinstance(error, WorkerError) else str(error)  # Its log is gone with the folder.
                notes.append(f"how {side.name} evaluates was not looked at: {why}")
            told += work.sides
            found |= work.ports.evaluations
    return told, found, notes


def facts(
    spec: Spec,
    sides: Sequence[Resolved],
    data_of: Callable[[Resolved], Dataset | None],
    evaluations: Mapping[str, Evaluation],
    lines: Lines,
) -> list[AdviceFact]:
    """Return the advice on sides; the same advice on several, about the same line, is given once.

    Args:
        spec: as it was read.
        sides: to look at.
        data_of: gives the data of a side, None where they are not at hand.
        evaluations: of programs written by hand, by side.
        lines: of the spec's file.
    """
    given = AdviceGiven(spec=spec, lines=lines)
    measured: dict[str, Scales | None] = {}
    tried: dict[str, FirstUpdates] = {}
    for side in sides:
        data = data_of(side)
        alike, whole = start_of(side), training_of(side)
        if data is not None and alike not in measured:
            measured[alike] = measure(side, data)
        if data is not None and whole not in tried and affordable(side):
            tried[whole] = FirstUpdates(side, data)
        at = Situation(
            side=side, data=data, evaluation=evaluations.get(side.name), scales=measured.get(alike) if data else None,
            updates=tried.get(whole) if data else None,
        )  # fmt: skip
        for one in advise(at):
            given.take(one, side)
    return list(given.facts.values())


def start_of(side: Resolved) -> str:
    """Return what the sizes at step 0 are known by: sides that are the same in it have the same."""
    return repr((dump(side.config.model), side.config.training, side.config.data))


def training_of(side: Resolved) -> str:
    """Return what the steps of a side are known by."""
    return repr((start_of(side), side.config.loss, side.config.optimizer))


@dataclass(kw_only=True)
class AdviceGiven:
    """The advice on the sides of a spec, the same on several given once.

    Args:
        spec: as it was read.
        lines: of its file.
        facts: by what makes them the same.
    """

    spec: Spec
    lines: Lines
    facts: dict[tuple[str | int | None, ...], AdviceFact] = field(default_factory=dict)

    def take(self, one: Advice, side: Resolved) -> None:
        """Take a piece of advice on a side."""
        line = line_of(self.spec, self.lines, side, one.path)
        key = one.rule, one.path, one.what, line
        told = self.facts[key].sides if key in self.facts else []
        self.facts[key] = AdviceFact(
            rule=one.rule, sides=[*told, side.name], path=one.path, file=self.lines.file if line else None, line=line,
            what=one.what, why=one.why, fix=one.fix, changes=dict(one.changes),
        )  # fmt: skip


def by_running(
    spec: Spec, sides: Sequence[Resolved], data: Mapping[str, Dataset | None], advice: Sequence[AdviceFact],
    lines: Lines, notes: list[str],
) -> list[AdviceFact]:  # fmt: skip
    """Return what goes wrong in short runs, each side with another config run once.

    Args:
        spec: as it was read.
        sides: to run.
        data: of each, None where they are not at hand.
        advice: that was given without running.
        lines: of the spec's file.
        notes: take what was not run, and why.
    """
    given = AdviceGiven(spec=spec, lines=lines)
    known: dict[str, Advice | None] = {}
    for side in sides:
        rows = data[side.name]
        why = unfit(side) if rows is not None else "its data are not there"
        if rows is None or why:
            notes.append(f"no short run of {side.name}: {why}")
            continue
        whole = training_of(side)
        if whole not in known:
            advised = [one.changes for one in advice if side.name in one.sides]
            known[whole] = advise_by_running(Begun(side, rows), advised)
        if (told := known[whole]) is not None:
            given.take(told, side)
    return list(given.facts.values())


def unfit(side: Resolved) -> str:
    """Say why no short run can be taken of a side, empty where one can."""
    if is_opaque(side):
        return "a part of it is opaque"
    if side.outputs:
        return "it has several outputs"
    return "it has too many weights" if too_large(side) else ""


def unmeasured(sides: Sequence[Resolved], data: Mapping[str, Dataset | None]) -> list[str]:
    """Say of which sides the initial scales were not measured, though the data are there."""
    large = [side.name for side in sides if data[side.name] is not None and too_large(side)]
    return (
        [f"how large outputs are at step 0 was not measured for {', '.join(large)}: too many weights"] if large else []
    )
