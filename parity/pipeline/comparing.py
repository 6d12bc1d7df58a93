"""The comparisons of a command: the sides that run are judged, and of the others it is said why they are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from parity.errors import WorkerError
from parity.pipeline import facts

if TYPE_CHECKING:
    from parity.pipeline.judging import Judged
    from parity.pipeline.work import Note, Work
    from parity.report.facts import Comparison
    from parity.spec.resolve import Resolved


def comparisons(
    work: Work, sides: Sequence[Resolved], errors: dict[str, WorkerError], steps: int, precision: str, note: Note
) -> list[Comparison]:
    """Judge the sides that run; what one fails at does not touch the others.

    Args:
        work: of the command.
        sides: all of them, in order.
        errors: why sides cannot run; takes those that fail in the lockstep.
        steps: to go.
        precision: of the lockstep.
        note: told how far it is.
    """
    judged = _judged(work, sides, errors, steps, precision, note)
    known = {(one.a, one.b): one for one in facts.comparison_facts(judged)} if judged else {}
    first, *others = [side.name for side in sides]
    healthy = [side.name for side in sides if side.name not in errors]
    if first in errors and len(healthy) > 1:
        first, others = healthy[0], [name for name in [first, *others] if name != healthy[0]]
    told = []
    for other in others:
        error = errors.get(other) or errors.get(first)
        why = str(error) if error else next((str(one) for one in errors.values()), "not compared")
        told.append(known.get((first, other)) or facts.failed_comparison(first, other, precision, why))
    return told


def _judged(
    work: Work, sides: Sequence[Resolved], errors: dict[str, WorkerError], steps: int, precision: str, note: Note
) -> Judged | None:
    """Return what came of the lockstep of those that run; None where fewer than two are left."""
    while True:
        healthy = [side for side in sides if side.name not in errors]
        if len(healthy) < 2:
            return None
        try:
            return work.judged(healthy, steps, precision, note)
        except WorkerError as error:
            if error.side not in [side.name for side in healthy]:
                raise
            errors[error.side] = error
