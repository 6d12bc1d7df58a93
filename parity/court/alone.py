"""One program held against the NumPy reference of its config, step by step, where no other program is like it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from parity.compare.steps import chosen_steps
from parity.court.judging import Court, Judged
from parity.recorded import unseen
from parity.run.jobs import Job
from parity.run.lockstep import Lockstep

if TYPE_CHECKING:
    from parity.court.work import Note, Work
    from parity.spec.resolve import Resolved

PRECISION = "float64"


@dataclass(kw_only=True)
class HeldAlone:
    """What came of it.

    Args:
        judged: with a witness for each step.
        unmatched: in words, what of the program was matched to nothing.
        unseen: what the reference would have to be given, and the program does not show.
    """

    judged: Judged
    unmatched: tuple[str, ...] = ()
    unseen: list[str] = field(default_factory=list)


def held_alone(work: Work, side: Resolved, steps: int, note: Note) -> HeldAlone:
    """Take steps of a program, and hold each against the reference, which goes on with what is opaque in it.

    Args:
        work: of the command.
        side: of the program.
        steps: to take.
        note: told how far it is.

    Raises:
        WorkerError: when a worker fails.
    """
    job = Job(side=side, program=work.program(side), steps=steps, precision=PRECISION)
    session = work.taken(side, side.name)
    try:
        lock = Lockstep(
            sessions={side.name: session}, openings={side.name: work.bench(side).opening(job)},
            root=work.scratch / "lockstep", seed=side.config.training.seed, precision=PRECISION,
        )  # fmt: skip
        lock.open()
        court = Court(lock=lock, judges=[], sides={side.name: side}, hold=True)
        step_of = f"holding {side.name} against its NumPy reference: step {{}} of {steps}"
        judged = court.sit(chosen_steps(steps, "all"), lambda number: note(step_of.format(number), number / steps))
        replay = lock.replay(steps - 1)[side.name]
        hidden = [f"{name} ({phase})" for phase, name in unseen(side, replay.own)]
        return HeldAlone(judged=judged, unmatched=work.program(side).unmatched, unseen=hidden)
    finally:
        session.close()
