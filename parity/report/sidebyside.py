"""Two programs next to each other: aligned, highlighted."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True)
class Listing:
    """The lines of a program by their numbers, from 1, None where only the other has a line; and those that differ."""

    numbers: list[int | None]
    marked: frozenset[int] = frozenset()


def side_by_side(left: str, right: str) -> tuple[Listing, Listing]:
    """Align two programs by their common lines, so that both have as many."""
    matcher = SequenceMatcher(None, _lines(left), _lines(right), autojunk=False)
    numbers: tuple[list[int | None], list[int | None]] = ([], [])
    marked: tuple[set[int], set[int]] = (set(), set())
    for tag, *ends in matcher.get_opcodes():
        spans = (range(ends[0] + 1, ends[1] + 1), range(ends[2] + 1, ends[3] + 1))
        height = max(map(len, spans))
        for listed, differing, span in zip(numbers, marked, spans, strict=True):
            listed += [*span, *[None] * (height - len(span))]
            differing.update(span if tag != "equal" else ())
    one, other = (Listing(*both) for both in zip(numbers, map(frozenset, marked), strict=True))
    return one, other


def listing(program: str) -> Listing:
    """Give one program's lines, none of them marked."""
    return Listing([*range(1, len(_lines(program)) + 1)])


def highlighted(program: str) -> list[Markup]:
    """Give each line of a Python program as HTML."""
    from markupsafe import Markup
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    lines = _lines(program)
    # Left alone, the lexer drops empty lines at both ends and the numbers no longer fit.
    html = highlight("\n".join(lines), PythonLexer(stripnl=False, ensurenl=False), HtmlFormatter(nowrap=True))
    return [Markup(line) for line in html.split("\n")][: len(lines)]


def _lines(program: str) -> list[str]:
    """Split as the lexer does: at line feeds and carriage returns, not at every separator Unicode knows."""
    lines = program.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines
