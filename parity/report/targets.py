"""In which form each side was given its targets, as sentences, where that does not go without saying.

Pure functions of a :class:`~parity.result.schema.Result`, used by all reports.
"""

from __future__ import annotations

from parity.result.schema import Result, SideFact
from parity.spec.targets import BY_FILE, BY_LOSS, BY_TRIAL, FORMS


def notes(result: Result) -> list[str]:
    """Say of each side whose program was tried, or told, or given flat targets, which form it was given, and why."""
    return [_note(side) for side in result.sides if _worth_saying(side)]


def _worth_saying(side: SideFact) -> bool:
    return side.targets == "flat" or bool(side.targets and side.targets_origin not in (BY_LOSS, BY_FILE))


def _note(side: SideFact) -> str:
    form = FORMS.get(side.targets, side.targets)
    form = form if side.targets == "flat" else f"as {form}"
    by = {BY_FILE: f"as {BY_FILE} has them", BY_TRIAL: BY_TRIAL}.get(
        side.targets_origin, f"as {side.targets_origin} says"
    )
    stretched = "; its loss stretches them and its outputs to (N, N)" if side.targets_stretched else ""
    return f"{side.name}: targets {form}, {by}{stretched}."
