"""Two programs next to each other: aligned, with the differing lines marked."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True)
class Line:
    """A line of a pane, highlighted; number and code are None where the other pane has a line and this has none."""

    number: int | None
    code: Markup | None
    changed: bool


@dataclass(frozen=True)
class Panes:
    """Two programs as lists of lines of equal length, one below the other in the same row."""

    left: list[Line]
    right: list[Line]

    @property
    def changed(self) -> tuple[int, int]:
        """How many lines are marked, left and right."""
        left, right = (sum(line.changed for line in pane) for pane in (self.left, self.right))
        return left, right

    @property
    def same(self) -> bool:
        """Whether the two programs are the same text."""
        return self.changed == (0, 0)


def side_by_side(left: str, right: str) -> Panes:
    """Align two programs by their common lines."""
    code = [highlighted(left), highlighted(right)]
    matcher = SequenceMatcher(None, _lines(left), _lines(right), autojunk=False)
    panes: tuple[list[Line], list[Line]] = ([], [])
    for tag, *ends in matcher.get_opcodes():
        spans = (range(ends[0], ends[1]), range(ends[2], ends[3]))
        height = max(map(len, spans))
        for pane, span, lines in zip(panes, spans, code, strict=True):
            pane += [Line(index + 1, lines[index], tag != "equal") for index in span]
            pane += [Line(None, None, False)] * (height - len(span))
    return Panes(*panes)


def listing(program: str) -> list[Line]:
    """Give one program's lines, none of them marked."""
    return [Line(number, code, False) for number, code in enumerate(highlighted(program), start=1)]


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
