"""In which form each side was given its targets, as sentences, where that does not go without saying.

Pure functions of a :class:`~parity.result.schema.Result`, used by all reports.
"""

from __future__ import annotations

from parity.result.schema import Result, SideFact


def notes(result: Result) -> list[str]:
    """Say of each side whose program was tried, or told, or given flat targets, which form it was given, and why."""
    return [_note(side) for side in result.sides if _worth_saying(side)]


def _worth_saying(side: SideFact) -> bool:
    return side.targets == "flat" or side.targets_by in ("trial", "config")


def _note(side: SideFact) -> str:
    form = side.targets_as if side.targets == "flat" else f"as {side.targets_as}"
    origin = side.targets_origin
    by = {"file": f"as {origin} has them", "trial": origin}.get(side.targets_by, f"as {origin} says")
    stretched = "; its loss stretches them and its outputs to (N, N)" if side.targets_stretched else ""
    return f"{side.name}: targets {form}, {by}{stretched}."
