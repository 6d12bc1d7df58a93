"""The comparisons of a command: the sides that run are judged, and of the others it is said why they are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from parity.compare.judge import AGREE
from parity.errors import WorkerError
from parity.result import filling
from parity.run.environment import may_have_gpus
from parity.spec.exactness import hidden_differences

STEPS = 4
"""Of the lockstep in float32: what computes less exactly does so from the first step on."""

if TYPE_CHECKING:
    from parity.court.judging import Judged
    from parity.court.work import Note, Work
    from parity.result.schema import Comparison
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
    known = {(one.a, one.b): one for one in filling.comparison_facts(judged)} if judged else {}
    if precision == "float64":
        known |= _in_float32(work, sides, dict(errors), known, note)  # What fails in it was judged in float64.
    compiled = {side.name for side in sides if side.config.numerics.compile and side.program is None}
    for pair in [pair for pair in known if compiled & set(pair)]:
        known[pair] = known[pair].model_copy(update={"uncompiled": True})
    first, *others = [side.name for side in sides]
    healthy = [side.name for side in sides if side.name not in errors]
    if first in errors and len(healthy) > 1:
        first, others = healthy[0], [name for name in [first, *others] if name != healthy[0]]
    told = []
    for other in others:
        error = errors.get(other) or errors.get(first)
        why = str(error) if error else next((str(one) for one in errors.values()), "not compared")
        told.append(known.get((first, other)) or filling.failed_comparison(first, other, precision, why))
    return told


def _in_float32(
    work: Work,
    sides: Sequence[Resolved],
    errors: dict[str, WorkerError],
    known: Mapping[tuple[str, str], Comparison],
    note: Note,
) -> dict[tuple[str, str], Comparison]:
    """Judge once more, in float32, the sides that agree in float64 and compute otherwise in float32.

    A product in TF32, a layer in bfloat16: float64 numbers are left alone by all of that.

    Args:
        work: of the command.
        sides: all of them, in order.
        errors: why sides cannot run; takes those that fail in this.
        known: what was found in float64.
        note: told how far it is.

    Returns:
        those of the comparisons in which they then part.
    """
    named, gpus = {side.name: side for side in sides}, may_have_gpus()
    hidden = {
        (a, b): hidden_differences(named[a].config, named[b].config, gpus)
        for (a, b), one in known.items()
        if one.verdict in AGREE
    }
    asked = [pair for pair, paths in hidden.items() if paths]
    if not asked:
        return {}
    first = asked[0][0]
    judged = _judged(work, [named[name] for name in (first, *(b for _, b in asked))], errors, STEPS, "float32", note)
    found = {}
    for one in filling.comparison_facts(judged) if judged else ():
        paths = hidden.get((one.a, one.b))  # None where the first side failed, and another one stands in its place.
        if paths and one.verdict == "divergent":
            found[one.a, one.b] = one.model_copy(update={"hidden": paths})
    return found


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
