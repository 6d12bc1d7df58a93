"""What the same seed gave each side: shown where a framework drew its own numbers."""

from __future__ import annotations

from collections.abc import Sequence

from parity.result import formats
from parity.result.drawfact import DrawFact
from parity.result.schema import Result, SideFact

HEAD = ("Side", "Drawn by", "First numbers", "First mask", "First rows")
"""Heads the columns."""

SHOWN = 3
"""Numbers of each kind that a table has room for; ``result.json`` has more."""


def known(result: Result) -> bool:
    """Say whether there is anything to show."""
    return any(side.drawn is not None and side.drawn.random == "native" for side in result.sides)


def title(result: Result) -> str:
    """Head the table."""
    seeds = list(dict.fromkeys(side.drawn.seed for side in result.sides if side.drawn is not None))
    if len(seeds) == 1:
        return f"What seed {seeds[0]} gave first"
    return f"What seeds {formats.names(map(str, seeds))} gave first"


def note(result: Result) -> str:
    """Say what the table means: no more than its cells show."""
    drawn = [side.drawn for side in result.sides if side.drawn is not None]
    if len(drawn) < 2:
        return "Its own generators were seeded anew for each column."
    what = "The seeds differ" if len({one.seed for one in drawn}) > 1 else _alike(drawn)
    return (
        f"{what}. Own generators were seeded anew for each column; recorded numbers are parity's, the same in every "
        "framework. Step by step, every side is given recorded ones."
    )


def _alike(drawn: Sequence[DrawFact]) -> str:
    """Say which columns of sides of one seed are the same."""
    columns = [(one.uniform, one.mask, one.rows) for one in drawn]
    same = [name for name, *values in zip(HEAD[2:], *columns, strict=True) if all(one == values[0] for one in values)]
    if not same:
        return "The same seed is not the same numbers"
    if len(same) == len(HEAD[2:]):
        return "The numbers are the same"
    rest = [name.lower() for name in HEAD[2:] if name not in same]
    told = formats.names(name.lower() for name in same)
    return f"{told[0].upper()}{told[1:]} are the same, {formats.names(rest)} are not"


def rows(result: Result) -> list[tuple[str, str, str, str, str]]:
    """Give the cells of every side."""
    return [_row(side, side.drawn) for side in result.sides if side.drawn is not None]


def _row(side: SideFact, drawn: DrawFact) -> tuple[str, str, str, str, str]:
    who = side.framework if drawn.random == "native" else "parity"
    numbers = _some([f"{number:.4f}" for number in drawn.uniform])
    kept = " ".join("1" if one else "0" for one in drawn.mask)
    whose = " (parity's)" if drawn.dealt != drawn.random else ""
    return side.name, who, numbers, kept, _some([str(row) for row in drawn.rows]) + whose


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:SHOWN]) + (", ..." if len(words) > SHOWN else "")
