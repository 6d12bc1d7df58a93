"""One side alone in lockstep with a record of itself: made for a golden, or held against one.

The state before each step is rounded to a grid (:mod:`parity.goldens.grid`), so that a later run starts each step from
the very state that the recorded one started from, though no state was kept.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from parity.compare.by_digests import compare_recorded
from parity.compare.judge import Judge, Seen
from parity.compare.noise import FLOOR, UNIT, Name, Rounding, StepDigests
from parity.compare.saturated import lost
from parity.compare.steps import compare_weights, repeats
from parity.court.judging import REPEATS, REPEATS_IN_DOUBT, note_repeated, sizes_moved
from parity.court.meanings import Meaning, meanings
from parity.court.starting import speak_alike
from parity.court.work import Note, Work
from parity.goldens.golden import RecordedSide, RecordedStep
from parity.goldens.grid import WHOLE, Cells, cells_of, made_again
from parity.run.digest import apart, digest
from parity.run.exchange import Exchange
from parity.run.jobs import Job
from parity.run.lockstep import Lockstep, Taken
from parity.run.session import Session
from parity.spec.resolve import Resolved
from parity.tensors import without_slot

RECORDED = "the golden"
"""Name of the recorded side in a judge's notes."""

PASSED = 8.0
"""Multiple of the noise that a step may be off by and still pass: digests are believed within a factor."""


COMPUTED = ("forward", "loss", "gradient", "update", "state", "metric")
"""Phases of what a step computes, as its reference does."""


class StateBrokenError(Exception):
    """The state before a step is not the recorded one.

    Args:
        number: of the step, counted from 0.
        names: of the tensors that are another, or that only one of both has.
    """

    def __init__(self, number: int, names: Sequence[str]) -> None:
        self.number, self.names = number, list(names)
        super().__init__(f"step {number + 1}: {', '.join(names)}")


@dataclass(kw_only=True)
class Making:
    """Rounds states to a grid, and takes note of how they are made again.

    Args:
        side: name of the side.
        rounding: what is known of its rounding.
    """

    side: str
    rounding: Rounding
    taken: Taken | None = None
    cells: dict[str, Cells] = field(default_factory=dict)
    start: dict[str, np.ndarray] = field(default_factory=dict)

    def between(self, number: int, names: list[str], published: Exchange, state: Exchange) -> None:
        """Round the state that was published, see :attr:`parity.run.lockstep.Lockstep.between`."""
        gone = lost(self.taken) if self.taken is not None else set()
        self.cells = {}
        for name in names:
            value = np.array(published.get(name), np.float64)
            keep = without_slot(name.partition("/")[2]) in gone and value.size <= WHOLE
            self.cells[name], found = cells_of(value, self._error(name), keep)
            state.put(name, found)
            if number == 0:
                self.start[name] = digest(found)

    def _error(self, name: str) -> float:
        """Return the largest error of a number of a state's tensor with which the step that made it passes."""
        if self.taken is None:
            return 0.0
        kind, _, own = name.partition("/")
        seen: Name = ("state", own)
        if kind == "weights" and ("update", own) in self.taken.digests:
            seen = ("update", own)
        if seen not in self.taken.digests:
            return 0.0
        size = float(self.taken.digests[seen]["norm"])
        return PASSED * self.rounding.noise(self.side, self.side, seen) * size if math.isfinite(size) else 0.0


@dataclass(kw_only=True)
class Remaking:
    """Makes recorded states again.

    Args:
        steps: as they were recorded.
    """

    steps: Sequence[RecordedStep]
    found: dict[str, np.ndarray] = field(default_factory=dict)

    def between(self, number: int, names: list[str], published: Exchange, state: Exchange) -> None:
        """Make a state again, see :attr:`parity.run.lockstep.Lockstep.between`.

        Raises:
            StateBrokenError: when it is not the recorded one.
        """
        known = self.steps[number].state
        lone = [name for name in known if name not in names] + [name for name in names if name not in known]
        # A slot that only one of both has: a step is taken with it, or without it, and says what comes of that.
        broken = [name for name in lone if not name.startswith("slots/")]
        for name in names:
            if name not in known:
                state.put(name, np.array(published.get(name), np.float64))
        for name in (one for one in names if one in known):
            made, same = made_again(known[name], np.array(published.get(name), np.float64))
            if not same:
                broken.append(name)
                self.found[name] = digest(made)
            state.put(name, made)
        if broken:
            raise StateBrokenError(number, broken)


@dataclass(kw_only=True)
class HeldSide:
    """What came of holding a side against its record.

    Args:
        judge: of the two.
        broken: step, counted from 1, whose state could not be made again, and its tensors; None where all were.
        meanings: how both stand to the config, in the step in which they part; where that was asked for.
    """

    judge: Judge
    broken: tuple[int, tuple[str, ...]] | None = None
    meanings: list[Meaning] = field(default_factory=list)


@contextmanager
def _open(work: Work, side: Resolved, steps: int, between: Making | Remaking) -> Iterator[Lockstep]:
    """Give a side alone in lockstep; its worker is kept for what comes next where all goes well."""
    program = work.program(side)
    job = Job(side=side, program=program, steps=steps, precision="float64")
    openings = {side.name: work.bench(side).opening(job)}
    speak_alike(openings, [side], {side.name: program})
    session: Session = work.taken(side, side.name)
    root = work.scratch / "golden"
    shutil.rmtree(root, ignore_errors=True)
    try:
        lock = Lockstep(
            sessions={side.name: session}, openings=openings, root=root, seed=side.config.training.seed,
            between=between.between,
        )  # fmt: skip
        lock.open()
        yield lock
        work.devices |= lock.devices
    except BaseException:
        session.close()
        raise
    finally:
        shutil.rmtree(root, ignore_errors=True)
    work.left(side, session)


def steps_of(work: Work, side: Resolved, steps: int) -> tuple[int, str]:
    """Return how many steps of a side can be recorded, and why not more; empty where it is all.

    What a program keeps for itself is carried from step to step with its rounding in it: only the first step starts
    from a state that can be made again.
    """
    program = work.program(side)
    if program.extras or any("optimizer slot" in text for text in program.unmatched):
        return 1, "1 step: the program keeps state of its own, which no later run could start from"
    return steps, ""


def record(work: Work, side: Resolved, steps: int, note: Note) -> tuple[list[RecordedStep], dict[str, np.ndarray]]:
    """Return what a side computes in its first steps, and digests of the state that it starts from.

    Args:
        work: of the command.
        side: to record.
        steps: to take, all of them.
        note: told how far it is.

    Raises:
        WorkerError: when its worker fails.
    """
    rounding = Rounding(precision="float64")
    making, found = Making(side=side.name, rounding=rounding), list[RecordedStep]()
    with _open(work, side, steps, making) as lock:
        for number in range(steps):
            taken = lock.take(number)[side.name]
            cells = making.cells
            _measure(lock, rounding, number, side.name, taken, REPEATS)
            if number == 0:
                note_repeated(rounding, [], side.name, 1, taken, lock.replay(number)[side.name])
            found.append(
                RecordedStep(
                    loss=taken.loss, digests=dict(taken.digests), errors=dict(rounding.errors[side.name]), state=cells
                )
            )
            making.taken = taken
            note(f"recording {side.name}: step {number + 1} of {steps}", (number + 1) / steps)
    return found, making.start


def hold(
    work: Work, side: Resolved, recorded: RecordedSide, note: Note, steps: int | None = None, meant: bool = False
) -> HeldSide:  # fmt: skip
    """Hold a side against what was recorded of it, up to the first step in which it departs.

    Args:
        work: of the command.
        side: as it is now.
        recorded: as it was.
        note: told how far it is.
        steps: at most; all that were recorded if None.
        meant: where they part, ask the NumPy reference of the config which of them does what it says.

    Raises:
        WorkerError: when its worker fails.
    """
    judge, rounding = Judge(a=RECORDED, b=side.name), Rounding(precision="float64")
    compare_weights(judge, recorded.shapes, {name: one.shape for name, one in side.parameters().items()})
    if judge.unmatched:
        return HeldSide(judge=judge)
    total = min(steps or len(recorded.steps), len(recorded.steps))
    remaking, broken, told = Remaking(steps=recorded.steps), None, list[Meaning]()
    with _open(work, side, total, remaking) as lock:
        for number in range(total):
            try:
                taken = lock.take(number)[side.name]
            except StateBrokenError as error:
                broken = _begins_otherwise(judge, recorded, remaking.found, error)
                break
            if _parts(lock, judge, rounding, number, recorded.steps[number], taken):
                if meant and judge.first is not None and judge.first.phase in COMPUTED:
                    steps_of_both: dict[str, StepDigests] = {judge.a: recorded.steps[number], judge.b: taken}
                    told = meanings(lock, side, number, steps_of_both, rounding)
                break
            note(f"holding {side.name} against its record: step {number + 1} of {total}", (number + 1) / total)
    return HeldSide(judge=judge, broken=broken, meanings=told)


def _parts(
    lock: Lockstep, judge: Judge, rounding: Rounding, number: int, recorded: RecordedStep, taken: Taken
) -> bool:  # fmt: skip
    """Hold one step against the recorded one, and return whether they part."""
    known = rounding.errors.setdefault(RECORDED, {})
    known |= {name: max(error, known.get(name, 0.0)) for name, error in recorded.errors.items()}
    if number == 0:
        _measure(lock, rounding, number, judge.b, taken, REPEATS)

    def remeasure(beyond: Sequence[Seen]) -> None:
        _measure(lock, rounding, number, judge.b, taken, REPEATS_IN_DOUBT)
        note_repeated(rounding, [judge], judge.b, number + 1, taken, lock.replay(number)[judge.b])

    return bool(compare_recorded(judge, number + 1, recorded, taken, rounding, remeasure))


def _begins_otherwise(
    judge: Judge, recorded: RecordedSide, found: Mapping[str, np.ndarray], error: StateBrokenError
) -> tuple[int, tuple[str, ...]] | None:
    """Tell a judge that a side starts from another state than it did; return what is not known where a later one is.

    A later state is made by the step before it, which was found to agree.
    """
    if error.number > 0:
        return error.number + 1, tuple(error.names)
    seen = []
    for order, name in enumerate(error.names):
        kind, _, own = name.partition("/")
        phase = "weights" if kind == "weights" else "state"
        if name not in found or name not in recorded.start:
            judge.missing(phase, own, judge.a if name in recorded.start else judge.b)
            continue
        difference = apart(recorded.start[name], found[name])
        # Some of its bits are other ones, whatever the digests can tell.
        least = FLOOR * UNIT["float64"]
        seen.append(judge.add(Seen(step=1, phase=phase, tensor=own, difference=max(difference, least), noise=0.0,
                                   exact=False, order=order)))  # fmt: skip
    judge.settle(seen, None)
    return None if seen else (1, tuple(error.names))


def _measure(lock: Lockstep, rounding: Rounding, number: int, side: str, taken: Taken, times: int) -> None:
    """Measure the rounding of a side in a step."""
    for shadows in lock.shadows(number, [side], times).values():
        rounding.measure(side, number + 1, taken, shadows)
    for nudged in lock.nudged(number, [side], times)[side]:
        for name, difference in repeats(taken, nudged).items():
            rounding.unsteady(side, name, difference if math.isfinite(difference) else 1.0)
    rounding.stored(side, taken, sizes_moved(Exchange(lock.state), [taken]))
