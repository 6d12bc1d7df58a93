"""The proof of a reading with opaque parts: a program beside the NumPy reference, which goes on with what they give."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from parity.court.alone import held_alone
from parity.court.work import Work
from parity.prepare.options import Options, prepare
from parity.result.filling import cause_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parity.compare.judge import Seen
    from parity.court.alone import HeldAlone
    from parity.court.work import Note
    from parity.result.schema import Result
    from parity.spec.sections import Spec


def witnessed(
    spec: Spec, opaque: Sequence[str], steps: int, options: Options, folder: Path, note: Note
) -> tuple[str, list[str], float | None]:
    """Return what a few steps of a program say of its reading, where parts of it are opaque.

    Every layer, loss and update that was read is held against its meaning in float64, on what reaches it in the
    program's own step; what is opaque is held against nothing.

    Args:
        spec: with the program as its only side.
        opaque: what is, as a person would point at it.
        steps: to take.
        options: of the command.
        folder: takes what is written on the way.
        note: told how far it is.

    Returns:
        the verdict, what is to be said, the last line in short, and the largest difference.

    Raises:
        WorkerError: when the program fails.
    """
    with Work(spec=spec, sides=prepare(spec, options), options=options, folder=folder) as work:
        (side,) = work.settle()
        found = held_alone(work, side, steps, note)
    apart = "; ".join(opaque)
    witnesses = found.judged.witnesses
    departed = next((one.place for one in witnesses if one.place is not None), None)
    if departed is not None:
        causes, none = cause_facts(found.judged.causes)
        lines = list(dict.fromkeys(one.sentence for one in causes)) or list(none.values())
        fields = sorted({one.path for one in causes})
        mend = f"; what would make it agree: {', '.join(fields)}" if fields else ""
        return "divergent", [*lines, f"read, but it departs{_at(departed)}{mend}"], departed.difference
    if len(witnesses) < steps or not all(one.tensors for one in witnesses):
        why = _unheld(found)
        return "inconclusive", [*found.unmatched, f"read, but not proved: {why}"], None
    largest = max(one.largest for one in witnesses)
    count = sum(one.tensors for one in witnesses)
    how = f"largest difference {largest:.0e}" if largest else "bit for bit the same"
    unseen = [f"not held against anything: {text}" for text in found.unmatched]
    last = f"read faithfully but for what is opaque ({apart}): {how} of {count} tensors in {steps} steps, held in NumPy"
    return "rounding", [*unseen, last], largest


def _at(place: Seen) -> str:
    return f" at step {place.step}, {place.phase}, {place.tensor}, by {place.difference:.1e}"


def _unheld(found: HeldAlone) -> str:
    if found.unseen:
        return f"what is opaque cannot be seen in the program ({', '.join(found.unseen)}), nor so what follows from it"
    return "the program does not have the parameters of the spec"


EXACT = 1e-9
"""Relative difference from which on one loss is no longer another one times a number."""


def with_factor(result: Result) -> Result:
    """Return a result with a note of by what an opaque loss of one program is another one than that of the other.

    Both are of the same outputs: those of the first program, with which the second one's goes on.
    """
    opaque = {side.name for side in result.sides if any(one.startswith("the loss") for one in side.opaque)}
    notes = []
    for one in result.comparisons:
        lost = next((place for place in one.places if place.phase == "loss" and place.values), None)
        if lost is None or not lost.values or not lost.values[0] or not opaque & {one.a, one.b}:
            continue
        factor = lost.values[1] / lost.values[0]
        number = float(f"{factor:.6g}")
        if abs(factor - number) <= EXACT * abs(factor):
            notes.append(
                f"of the same outputs, the loss of {one.b} is {number:g} times that of {one.a}, in step {lost.step}"
            )
    return result.model_copy(update={"notes": [*notes, *result.notes]}) if notes else result
