"""A report before it is drawn: what is said, in which order and how strongly, as plain records.

:mod:`parity.report.arrange` makes a :class:`Document` of a result; terminal, Markdown and page only draw it. What one
of them leaves to another is written on the block (``on``), so that no renderer decides what matters. Widths, wrapping,
colours and folding are each renderer's own affair.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Medium = Literal["screen", "paper", "page"]
"""The terminal, ``report.md`` and ``report.html``."""

SCREEN: frozenset[Medium] = frozenset({"screen"})
PAPER: frozenset[Medium] = frozenset({"paper"})
PAGE: frozenset[Medium] = frozenset({"page"})
READ = PAPER | PAGE
"""Where there is room: not on a screen, which holds what decides."""

Tone = Literal["", "harm", "mend", "doubt", "note", "quiet"]
"""What a text is to its reader: of harm, of what mends it, of doubt, something to note, an aside."""

Style = Literal["", "strong", "code", "label"]
"""How a piece of text stands out; a label is a word of a fixed few, such as a verdict."""


@dataclass(frozen=True)
class Span:
    """A piece of text with its emphasis.

    Args:
        text: what it says.
        style: how it stands out.
        tone: what it is to the reader.
        target: what it links to, as an address that is safe to stand in a page; ``#anchor`` is a section.
        curve: number of the side, counted from 1, whose curves' colour it stands for.
    """

    text: str
    style: Style = ""
    tone: Tone = ""
    target: str = ""
    curve: int = 0


Words = str | Sequence[str | Span]
"""A text on one line; a string is one without emphasis."""


def spans(words: Words) -> list[Span]:
    """Give the pieces of a text."""
    pieces = [words] if isinstance(words, str) else words
    return [Span(piece) if isinstance(piece, str) else piece for piece in pieces]


def plain(words: Words) -> str:
    """Give a text without its emphasis."""
    return "".join(one.text for one in spans(words))


@dataclass(frozen=True, kw_only=True)
class Element:
    """What every block and every column has: the media that show it."""

    on: frozenset[Medium] = SCREEN | READ


@dataclass(frozen=True)
class Text(Element):
    """A paragraph."""

    words: Words
    tone: Tone = ""


def asides(*told: str | None) -> list[Text]:
    """Give a quiet paragraph for each sentence that there is."""
    return [Text(words, "quiet") for words in told if words is not None]


@dataclass(frozen=True)
class Heading(Element):
    """Heads what follows in its section."""

    words: Words


@dataclass(frozen=True)
class Callout(Element):
    """What is found, or is to be known: paragraphs, of which the first one leads, and what they are about.

    Args:
        paragraphs: the sentences.
        bullets: a line each.
        blocks: what belongs to it, such as a patch.
        tone: what it is to the reader.
        apart: must not be overlooked.
    """

    paragraphs: Sequence[Words]
    bullets: Sequence[Words] = ()
    blocks: Sequence[Block] = ()
    tone: Tone = ""
    apart: bool = False


@dataclass(frozen=True)
class Column(Element):
    """A column of a table, and how it breaks: names and numbers do not; values of a config may stand under a path."""

    head: str
    kind: Literal["name", "path", "value", "number", "words", "label"] = "words"


@dataclass(frozen=True)
class Cell:
    """A cell of a table: words, a note that is always said with them, a detail that a screen has no room for."""

    words: Words
    note: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Table(Element):
    """Rows of cells, of which the first one is the row's head; a cell that is only words may be given as such."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell | Words]]

    def shown(self, medium: Medium) -> tuple[list[Column], list[list[Cell]]]:
        """Give the columns that a medium shows, and every row's cells in them.

        Raises:
            ValueError: a row has more cells than there are columns, or fewer.
        """
        rows = [
            [
                cell if isinstance(cell, Cell) else Cell(cell)
                for cell, column in zip(row, self.columns, strict=True)
                if medium in column.on
            ]
            for row in self.rows
        ]
        return [column for column in self.columns if medium in column.on], rows


@dataclass(frozen=True)
class Figure(Element):
    """A chart: one that the page draws, or ``curves.png``, which paper shows; in words for who does not see it."""

    chart: Literal["loss", "metric", "effects", "curves"]
    alternative: str = ""


@dataclass(frozen=True)
class Code(Element):
    """Lines that are copied, so that nothing breaks them; ``label`` says what they are."""

    text: str
    label: str
    language: Literal["", "yaml", "sh", "console", "diff"] = ""


@dataclass(frozen=True)
class Fold(Element):
    """Blocks under a line that opens and closes them."""

    summary: Words
    blocks: Sequence[Block]
    open: bool = False
    anchor: str = ""


@dataclass(frozen=True)
class Pane:
    """A program of a side; ``lines`` are numbers of its lines, None for a gap; those in ``marked`` differ.

    ``about`` has, by number of a line, the anchors of the differences that stand there, and their paths.
    """

    side: str
    caption: Words
    program: str
    lines: Sequence[int | None]
    marked: frozenset[int] = frozenset()
    about: Mapping[int, Sequence[tuple[str, str]]] = field(default_factory=dict)

    def anchor(self, line: int) -> str:
        """Name a line, so that it can be linked to."""
        return line_anchor(self.side, line)


def line_anchor(side: str, line: int) -> str:
    """Name a line of a side's program.

    >>> line_anchor("my side", 12)
    'line-my-side-12'
    """
    return f"line-{re.sub(r'[^A-Za-z0-9_-]+', '-', side)}-{line}"


@dataclass(frozen=True)
class Panes(Element):
    """Programs side by side, line beside line."""

    panes: Sequence[Pane]


@dataclass(frozen=True)
class DiagramBox:
    """A layer in the picture of a network: its name, what it is, and where it stands, in columns and rows from 0."""

    name: str
    about: str
    column: int
    row: int


@dataclass(frozen=True)
class Diagram(Element):
    """The picture of a network; ``edges`` are pairs of numbers of nodes, ``alternative`` says it in words."""

    nodes: Sequence[DiagramBox]
    edges: Sequence[tuple[int, int]]
    alternative: str


@dataclass(frozen=True)
class Downloads(Element):
    """Files to be saved from the page, by their names."""

    files: Mapping[str, str]


@dataclass(frozen=True)
class Widget(Element):
    """A part of the page that its reader turns.

    Args:
        kind: the script that turns it.
        label: what it is, for who does not see it.
        data: what the script draws; every sentence in it is written already.
        blocks: what belongs to it, drawn as it stands; what it says where no script runs.
    """

    kind: Literal["guess", "switches", "microscope"]
    label: str
    data: Mapping[str, Any]
    blocks: Sequence[Block] = ()


Block = Text | Heading | Callout | Table | Figure | Code | Fold | Panes | Diagram | Downloads | Widget
"""Every kind of block. A renderer that does not draw each of them does not pass the type checker."""


@dataclass(frozen=True)
class Section:
    """Blocks under a title; ``name`` stands in the list of sections, but for those above it, which have none.

    A page opens one that is ``folded`` only where its reader asks for it.
    """

    title: str
    anchor: str
    blocks: Sequence[Block]
    name: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Document:
    """What a report says.

    Args:
        title: the question.
        name: of the spec.
        heading: the verdict in a few words.
        verdict: the verdict in one sentence.
        sections: in the order in which they are read.
        closing: anchors of those that come last on a screen, which is read from its end.
    """

    title: str
    name: str
    heading: str
    verdict: str
    sections: Sequence[Section]
    closing: Sequence[str]

    def shown(self, medium: Medium) -> list[Section]:
        """Give the sections that say something in a medium, in its order, with the blocks that it shows."""
        kept = [replace(section, blocks=shown(section.blocks, medium)) for section in self.sections]
        if medium == "screen":
            last = self.closing
            kept.sort(key=lambda section: last.index(section.anchor) if section.anchor in last else -1)
        return [section for section in kept if section.blocks]


def shown(blocks: Sequence[Block], medium: Medium) -> list[Block]:
    """Give the blocks that a medium shows; those inside of them are still to be asked."""
    return [block for block in blocks if medium in block.on]
