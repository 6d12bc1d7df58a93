"""The verdict as a sentence, and the notes that keep a reader from misreading the numbers.

Pure functions of a :class:`~parity.result.schema.Result`, used by all reports, so that the terminal,
``report.md`` and ``report.html`` say the same in the same words. What breaks and what repairs is
worded in :mod:`parity.report.sentences.findings`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from parity.report import lookup
from parity.result import formats
from parity.result.schema import Comparison, Place, Result

HEADINGS = {
    "divergent": "Divergent",
    "inconclusive": "Inconclusive",
    "rounding": "Parity, up to rounding",
    "identical": "Parity, to the last bit",
    None: "Nothing to compare",
}
"""The overall verdict in a few words."""


def heading(result: Result) -> str:
    """Give the overall verdict in a few words."""
    return HEADINGS[lookup.overall(result)]


def verdict_sentence(result: Result) -> str:
    """Answer "do the sides train the same?" in one sentence."""
    if not result.comparisons and not lookup.failed_sides(result):
        return _alone(result)
    clauses = [f"{side.name} did not finish ({first_line(side.error)})" for side in lookup.failed_sides(result)]
    clauses += _agreement(result)
    clauses += [comparison_clause(pair) for pair in result.comparisons if not _agrees(pair)]
    if lookup.overall(result) == "inconclusive" and all(pair.verdict != "inconclusive" for pair in result.comparisons):
        clauses.append("the verdict is inconclusive")
    return _sentence("; ".join(clauses))


def comparison_clause(comparison: Comparison) -> str:
    """Say how two sides compare, without the full stop."""
    both = f"{comparison.a} and {comparison.b}"
    over = f"in {formats.checked(comparison)}"
    if comparison.verdict == "identical":
        return f"{both} are identical to the last bit {over}"
    if comparison.verdict == "rounding":
        largest = _largest([comparison])
        return (
            f"{both} train the same: {over}, each from the same state, no tensor differs by more than rounding{largest}"
        )
    if comparison.verdict == "inconclusive":
        return f"{both}: inconclusive ({comparison.reason.rstrip('.')})"
    parted = f"{both} do not train the same"
    if comparison.first is None:
        return f"{parted}: {comparison.reason.rstrip('.')}"
    return f"{parted}: they part {part(comparison.first)}{_hidden(comparison)}"


def _hidden(comparison: Comparison) -> str:
    """Say that sides agree in float64, and what acts in float32 only."""
    if not comparison.hidden:
        return ""
    act = "does" if len(comparison.hidden) == 1 else "do"
    what = formats.names(comparison.hidden)
    return f"; in float64, where {what} {act} not act, no tensor is beyond rounding"


def part(where: Place) -> str:
    """Say where and by how much two sides part."""
    inherited = ", inherited from its inputs" if where.made == "inherited" else ""
    return (
        f"at {formats.place(where)}, by {formats.measured(where)} where rounding explains "
        f"{formats.scientific(where.noise)}{inherited}"
    )


def places_heading(comparison: Comparison) -> str:
    """Say how many places a list of places has, and what they are."""
    return f"A difference is made, on the same inputs, in {formats.count(len(comparison.places), 'place')}"


def more_places(rest: Sequence[Place]) -> str:
    """Say how many places are not shown, and of which phases they are."""
    phases = Counter(where.phase for where in rest)
    told = ", ".join(f"{number:,} in {phase}" for phase, number in phases.items())
    return f"and {len(rest):,} more, which the report lists: {told}"


def unmatched(comparison: Comparison) -> str | None:
    """Name what could not be compared because it is not the same thing on both sides; None where all is."""
    return f"Not on both sides: {'; '.join(comparison.unmatched)}." if comparison.unmatched else None


def reason(comparison: Comparison) -> str:
    """Give the reason of a verdict as a sentence."""
    return _sentence(comparison.reason)


def extremes(comparison: Comparison) -> list[tuple[str, Place]]:
    """Name the first and the largest difference, where the list of places does not hold them."""
    first, largest, listed = comparison.first, comparison.largest, comparison.places
    held = {(one.step, one.phase, one.tensor) for one in listed}
    found = []
    if first is not None and (first.step, first.phase, first.tensor) not in held:
        inherited = " (inherited from its inputs)" if first.made == "inherited" else ""
        found.append((f"first beyond rounding{inherited}", first))
    if largest is not None and (largest.step, largest.phase, largest.tensor) not in held:
        found.append(("largest of all", largest))
    return found


def data_note(result: Result) -> str | None:
    """Warn when the data is a stand-in for the set the question is about."""
    if "stand-in" not in result.spec.data.lower():
        return None
    return "Stand-in data: these numbers are not about the real set."


def loss_note(result: Result) -> str | None:
    """Warn when the sides minimise different losses: their curves cannot be compared."""
    formulas: dict[str, list[str]] = {}
    for side in result.sides:
        formulas.setdefault(side.loss_formula, []).append(side.name)
    if len(formulas) < 2:
        return None
    which = "; ".join(f"{formats.names(sides)}: {formula}" for formula, sides in formulas.items())
    metric = lookup.metric_name(result)
    instead = f" Compare the {metric} instead." if metric else ""
    return (
        f"The sides minimise different losses, so the heights of their loss curves do not compare ({which}).{instead}"
    )


def side_notes(result: Result) -> list[str]:
    """Say where the sides ran, that their losses do not compare, which left the finite numbers; as far as it is so."""
    return [note for note in (device_note(result), loss_note(result), *finite_notes(result)) if note is not None]


def device_note(result: Result) -> str | None:
    """Say where the sides ran; None where all of them ran on the CPU."""
    places: dict[str, list[str]] = {}
    for side in result.sides:
        places.setdefault(side.device, []).append(side.name)
    if set(places) <= {"cpu"}:
        return None
    return f"Where they ran: {'; '.join(f'{formats.names(sides)} on {place}' for place, sides in places.items())}."


def finite_notes(result: Result) -> list[str]:
    """Say for each side whose loss left the finite numbers, when."""
    notes = []
    for side in result.sides:
        bad = [step for step, loss in enumerate(side.losses, start=1) if not math.isfinite(loss)]
        if not bad:
            continue
        if len(bad) == len(side.losses) - bad[0] + 1:
            notes.append(f"{side.name}: the loss is not finite from step {bad[0]:,} on.")
        else:
            of = formats.count(len(side.losses), "step")
            notes.append(f"{side.name}: the loss is not finite at {len(bad):,} of {of}, first at step {bad[0]:,}.")
    return notes


def failure_notes(result: Result) -> list[str]:
    """Say for each side that did not finish, why."""
    return [
        _sentence(f"{side.name} did not finish: {(side.error or '').strip()}") for side in lookup.failed_sides(result)
    ]


def no_differences(result: Result) -> str:
    """Say that the resolved configs are the same."""
    if len(result.sides) < 2:
        return "One side has nothing to differ from."
    return "None: all sides run the same config."


def first_line(text: str | None) -> str:
    r"""Give the first line of an error, without its full stop.

    >>> first_line("worker died.\n  trace")
    'worker died'
    """
    lines = (text or "").strip().splitlines()
    return lines[0].rstrip(".") if lines else ""


def _alone(result: Result) -> str:
    if not result.sides:
        return "No side ran, so there is nothing to compare."
    if len(result.sides) == 1:
        return f"Only {result.sides[0].name} ran, so there is nothing to compare it with."
    return f"{formats.names(side.name for side in result.sides)} ran, but were not compared."


def _agrees(comparison: Comparison) -> bool:
    return comparison.verdict in ("identical", "rounding")


def _agreement(result: Result) -> list[str]:
    """Say once of all agreeing pairs what would be tedious pair by pair."""
    agreeing = [pair for pair in result.comparisons if _agrees(pair)]
    if len(agreeing) < 2 or len({formats.checked(pair) for pair in agreeing}) > 1:
        return [comparison_clause(pair) for pair in agreeing]
    sides = list(dict.fromkeys(name for pair in agreeing for name in (pair.a, pair.b)))
    over = f"in {formats.checked(agreeing[0])}"
    if not _connected(agreeing):
        return [comparison_clause(pair) for pair in agreeing]
    if all(pair.verdict == "identical" for pair in agreeing):
        return [f"{formats.names(sides)} are identical to the last bit {over}"]
    return [
        f"{formats.names(sides)} train the same: {over}, each from the same state, "
        f"no tensor differs by more than rounding{_largest(agreeing)}"
    ]


def _connected(agreeing: list[Comparison]) -> bool:
    """Say whether the pairs hang together, so that one clause about all their sides is true."""
    group = {agreeing[0].a}
    for _ in agreeing:
        for pair in agreeing:
            if pair.a in group or pair.b in group:
                group |= {pair.a, pair.b}
    return all(pair.a in group for pair in agreeing)


def _largest(agreeing: list[Comparison]) -> str:
    places = [pair.largest for pair in agreeing if pair.largest is not None]
    most = max(places, key=lambda where: where.difference, default=None)
    return f" (largest relative difference {formats.measured(most)})" if most is not None else ""


def _sentence(text: str) -> str:
    return text if text.endswith(".") else text + "."


def under_way(result: Result) -> str | None:
    """Say that what stands here is not all, where the command was still at work as it was written; else None."""
    if not result.under_way:
        return None
    left = "; ".join(result.under_way)
    return f"The command is still at work: this is what was known by {result.created}. To come: {left}. Reload to see."
