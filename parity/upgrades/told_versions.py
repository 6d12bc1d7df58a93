"""What an upgrade changed as text: a table of 80 columns, and what a search for the release came to."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from parity.entries import shown
from parity.result.formats import count, measured
from parity.upgrades.between import Across, Between, Bisected, MovedDefault, OutcomeAt

WIDTH = 80
"""Columns of everything here."""


def table(found: Across) -> list[str]:
    """Return a table, a row a version; what a row has no room for stands below it."""
    rows: list[tuple[str, ...]] = [("version", "against the one before", "against the first", "seconds")]
    for row in found.rows:
        seconds = max((one.seconds for one in (row.against_before, row.against_first) if one), default=0.0)
        verdicts = [one.verdict if one else "-" for one in (row.against_before, row.against_first)]
        rows.append((row.version, *verdicts, f"{seconds:.0f}" if row.against_before else "-"))
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    lines = [f"{found.spec}: {found.package} in {found.framework}", _row(rows[0], widths)]
    for row, cells in zip(found.rows, rows[1:], strict=True):
        lines.append(_row(cells, widths))
        lines += _below(row.notes)
        if row.against_before is not None:
            lines += _below(changes(row.against_before))
        if row.against_first not in (None, row.against_before):
            lines += _below(since_first(row.against_first, row.against_before))
    return lines


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
    return "  ".join([*padded, cells[-1].rjust(len("seconds"))])


def _below(texts: Iterable[str]) -> list[str]:
    return [
        line for text in texts for line in textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="      ")
    ]


def changes(found: Between) -> list[str]:
    """Return what changed between two versions, a sentence each; nothing where they train the same."""
    if found.error:
        return [f"not judged: {found.error}"]
    told = []
    if found.first is not None and found.agree is False:
        told.append(place(found))
    elif found.agree is None:
        told.append(found.reason)
    return told + [moved(one, found) for one in found.moved]


def since_first(found: Between | None, before: Between | None) -> list[str]:
    """Return what a version's row says of the first version beside what it says of the one before."""
    if found is None or found.error or found.agree is not False or (before is not None and before.first == found.first):
        return []
    return [f"against {found.before}: {text}" for text in changes(found)]


def place(found: Between) -> str:
    """Return where two versions part, and what computes it."""
    first = found.first
    assert first is not None
    tensor = "" if first.tensor == first.phase else f" {first.tensor}"
    return (
        f"first place: step {first.step}, {first.phase}{tensor}, made by {found.op}: {measured(first)} where "
        f"rounding explains {first.noise:.1e}"
    )


def moved(one: MovedDefault, found: Between) -> str:
    """Return a default that moved, with both values and both versions."""
    values = f"{shown(one.before)} ({found.before}) -> {shown(one.after)} ({found.after})"
    return f"default moved: {one.path}: {values}"


def search(found: Bisected) -> list[str]:
    """Return what a search for a release came to, in lines."""
    what = f"{found.package} {found.good} to {found.bad} in {found.framework}, {count(len(found.releases), 'release')}"
    lines = [f"{found.spec}: {what}"]
    lines += [line for one in found.tried for line in [f"  {one.before} and {one.after}: {_judged(one)}"]]
    lines += [f"  {one.version}: {found.outcome} {_value(one, found)}" for one in found.outcomes]
    lines += [f"  {note}" for note in found.notes]
    lines += _wrapped(ended(found))
    if found.change is not None:
        lines += _below([*changes(found.change), *(f"({one.means})" for one in found.change.moved if one.means)])
    made = f"{count(found.checks, 'check')} made in {found.seconds / 60:.1f} minutes"
    return [*lines, f"{made}; what was stored was not made again."]


def _judged(one: Between) -> str:
    return f"not judged ({one.error})" if one.error else one.verdict


def _value(one: OutcomeAt, found: Bisected) -> str:
    if one.value is None:
        return f"is not known ({one.error})"
    if found.level:
        return "is reached" if one.value else "is not reached"
    return f"is {one.value:.4g}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH)


def ended(found: Bisected) -> str:
    """Return in a sentence what a search came to."""
    good, bad = f"{found.package} {found.good}", f"{found.package} {found.bad}"
    if found.first is None:
        if found.last == found.bad:
            if found.outcome:
                return f"With {bad} {found.outcome} ends as with {good}: there is nothing to look for."
            return f"{bad} trains the same as {good}: there is nothing to look for."
        return f"{bad} could not be judged against {good}: what changed cannot be looked for."
    if found.skipped:
        names = ", ".join(found.skipped)
        return (
            f"The first release seen to differ is {found.package} {found.first}, the last that does not {found.last}; "
            f"between them could not be judged: {names}."
        )
    first = f"{found.package} {found.first} is the first release"
    if found.outcome:
        return f"{first} whose {found.outcome} is not as with {found.good}; with {found.last} it still is."
    return f"{first} that does not train the same as {found.good}; {found.last} still does."
