"""Where each difference first makes another program, and how strongly: the first of the two questions.

It says nothing about which difference ruins the training: one that changes the whole first update may be harmless, and
a small one may not be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parity.result import formats
from parity.result.schema import DifferenceFact, Place, StrikeFact

HEAD = ("Difference", "Strikes first", "Of the first update", "Of all that training moved")
"""Heads the columns."""


def known(items: Sequence[DifferenceFact]) -> bool:
    """Say whether there is anything to show."""
    return any(item.strike is not None for item in items)


def plainly(items: Sequence[DifferenceFact], a: str, b: str) -> str:
    """Head a table of differences."""
    return f"{formats.count(len(items), 'config difference')} between {a} and {b}"


def program(items: Sequence[DifferenceFact], good: str) -> str:
    """Head the table of strikes; each was put into the side of that name."""
    each = "the config difference" if len(items) == 1 else f"each of {len(items):,} config differences"
    return f"Is it another program? Where {each}, put alone into {good}, strikes first"


def outcome(items: Sequence[DifferenceFact], a: str, b: str) -> str:
    """Head the table of effects, where there is one of strikes."""
    each = "the config difference" if len(items) == 1 else f"each of {len(items):,} config differences"
    return f"Is it another outcome? What {each} between {a} and {b} does to it"


def note(good: str) -> str:
    """Say how it was measured, in the side of that name."""
    return (
        f"Each difference was put alone into {good}, from the same state. The shares say how much it changes: of "
        "the first step's update, and, where the run was made to its end, of all that training moved."
    )


def rows(items: Sequence[DifferenceFact]) -> list[tuple[str, str, str, str]]:
    """Give the cells of every difference: its path, where it strikes first, and both shares."""
    return [(item.path, where(item), *_shares(item.strike)) for item in items]


def where(item: DifferenceFact) -> str:
    """Say where a difference strikes first."""
    strike = item.strike
    if strike is None:
        return f"nowhere: {item.reason.rstrip('.')}" if item.inert and item.reason else (
            "nowhere, provably" if item.inert else "not looked at"
        )  # fmt: skip
    if strike.step is None:
        return "nothing differed in the first steps"
    return formats.place(_place(strike, strike.step))


def _place(strike: StrikeFact, step: int) -> Place:
    """Give the place of a strike, of which no difference was measured."""
    facts: dict[str, Any] = {"step": step, "phase": strike.phase, "tensor": strike.tensor}
    return Place(**facts, difference=0.0, noise=0.0)


def _shares(strike: StrikeFact | None) -> tuple[str, str]:
    if strike is None:
        return formats.MISSING, formats.MISSING
    return formats.share(strike.share), formats.share(strike.end_share)
