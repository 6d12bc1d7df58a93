"""The last screen of a run: a document drawn for someone who has not read the documentation.

Everything is printed as text, never as markup of rich, so that a name with brackets stays itself. Nothing is cut:
long words are folded, and what is to be copied stands on lines of its own that no width breaks.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, assert_never

from parity.report import document as doc
from parity.report.sentences import advice
from parity.result import formats

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from parity.result.advicefact import Lint
    from parity.result.schema import Result

STYLES: dict[doc.Style, str] = {"": "", "strong": "bold", "code": "", "label": ""}
TONES: dict[doc.Tone, str] = {
    "": "", "harm": "bold red", "mend": "bold green", "doubt": "yellow", "note": "bold", "quiet": "dim",
}  # fmt: skip
"""How emphasis looks, where there are colours at all."""

NARROW = 10
"""Letters of a line in the head of a column of numbers."""

LABELS = 4
"""A column of labels has one such part of the width at most: what is said with them is wrapped."""

PATHS = 2
"""A path is not broken where one such part of the width holds it."""


def print_result(result: Result, console: Console, files: Sequence[Path] = ()) -> None:
    """Print what was found; ``files`` are those that were written, named at the end."""
    from parity.report import arrange

    draw(arrange.document(result, written=files), console)


def print_brief(result: Result, console: Console, files: Sequence[Path]) -> None:
    """Print the answer, the cause and the change to try, on a screen of 24 lines; ``files`` are the report's."""
    from parity.report import brief

    draw(brief.brief(result, files), console)


def draw(document: doc.Document, console: Console) -> None:
    """Print a document."""
    console.print()
    _line(console, document.title, "bold")
    for section in document.shown("screen"):
        if section.title:
            console.print()
            _line(console, section.title, "bold")
        indent = 0
        for number, block in enumerate(section.blocks):
            if isinstance(block, doc.Table) and number:
                console.print()
            _block(console, block, indent)
            indent = 2 if isinstance(block, doc.Heading) else indent


def _block(console: Console, block: doc.Block, indent: int) -> None:
    match block:
        case doc.Text():
            _line(console, _quoted(block.words), TONES[block.tone], indent)
        case doc.Heading():
            _line(console, block.words)
        case doc.Callout():
            _callout(console, block, indent)
        case doc.Table():
            _line(console, block.caption, "", indent)
            _table(console, block)
        case doc.Code():
            for line in block.text.splitlines():
                console.out(" " * (indent + 2) + _harmless(line), highlight=False)
        case doc.Fold():
            _line(console, [*doc.spans(block.summary), ":"], "", indent)
            for inner in doc.shown(block.blocks, "screen"):
                _block(console, inner, indent + 2)
        case doc.Figure() | doc.Diagram():
            _line(console, block.alternative, "", indent)
        case doc.Downloads():
            for name in block.files:
                _line(console, name, "", indent)
        case doc.Widget():
            for inner in doc.shown(block.blocks, "screen"):
                _block(console, inner, indent)
        case doc.Panes():
            for pane in block.panes:
                _line(console, pane.caption, "", indent)
        case _:
            assert_never(block)


def _callout(console: Console, block: doc.Callout, indent: int) -> None:
    for number, words in enumerate(block.paragraphs):
        if number:
            _line(console, _quoted(words), "", indent + 2)
        else:
            mark = ["! "] if block.apart and block.tone != "note" else []
            _line(console, [*mark, *_quoted(words)], TONES[block.tone], indent, hang=2)
    for words in block.bullets:
        _line(console, ["- ", *doc.spans(words)], "", indent + 2, hang=2)
    for inner in doc.shown(block.blocks, "screen"):
        _block(console, inner, indent + 2)


def _quoted(words: doc.Words) -> list[doc.Span]:
    """Set code in a sentence between backticks: without colours nothing else would tell it from the words about it."""
    return [replace(span, text=f"`{span.text}`") if span.style == "code" else span for span in doc.spans(words)]


def _line(console: Console, words: doc.Words, style: str = "", indent: int = 0, hang: int = 0) -> None:
    """Print a paragraph, wrapped at words, its later lines set in by ``hang`` more."""
    from rich.text import Text

    for number, line in enumerate(_text(words, style).wrap(console, max(console.width - indent - hang, 20))):
        line.rstrip()
        console.print(Text.assemble(" " * (indent + (hang if number else 0)), line), highlight=False)


def _text(words: doc.Words, style: str = "") -> Text:
    from rich.text import Text

    looks = [f"{style} {STYLES[span.style]} {TONES[span.tone]}".strip() for span in doc.spans(words)]
    texts = [_harmless(span.text) for span in doc.spans(words)]
    return Text.assemble(*zip(texts, looks, strict=True))


def _harmless(text: str) -> str:
    """Drop what a terminal would obey instead of show: a name may hold escape sequences."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)


def _table(console: Console, block: doc.Table) -> None:
    """Print a table without borders, so that it reads the same piped into a file; values stand under their path."""
    from rich.table import Table

    columns, rows = block.shown("screen")
    values = [number for number, column in enumerate(columns) if column.kind == "value"]
    kept = [number for number in range(len(columns)) if number not in values]
    cells = [[_cell(row[number]) for number in kept] for row in rows]
    room = console.width - 2
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    for place, number in enumerate(kept):
        column, head = columns[number], _head(columns[number], [columns[value] for value in values if place == 0])
        longest = max(len(line) for text in (head, *(row[place] for row in cells)) for line in text.plain.split("\n"))
        most = console.width // LABELS if column.kind == "label" else None
        least = min(longest, console.width // PATHS) if column.kind == "path" and not values else None
        numeric = column.kind == "number"
        room -= longest + 2 if numeric else min(longest, most) + 2 if most else 0
        justify: Literal["left", "right"] = "right" if numeric else "left"
        grid.add_column(head, justify=justify, no_wrap=numeric, overflow="fold", min_width=least, max_width=most)
    for row, shown in zip(rows, cells, strict=True):
        if values:
            under = _change([doc.plain(row[value].words) for value in values], room)
            shown[0].stylize("bold")
            shown[0].append(f"\n{under}", "not bold")
        grid.add_row(*shown)
    console.print(grid, highlight=False)


def _head(column: doc.Column, values: Sequence[doc.Column]) -> Text:
    lines = textwrap.wrap(column.head, NARROW, break_long_words=False) if column.kind == "number" else [column.head]
    lines += [f"  {' -> '.join(value.head for value in values)}"] if values else []
    return _text("\n".join(lines))


def _cell(cell: doc.Cell) -> Text:
    return _text([*doc.spans(cell.words), *([f": {cell.note}"] if cell.note else [])])


def _change(values: Sequence[str], room: int) -> str:
    """Write values of a config under what they belong to, those that are too long wrapped."""
    whole = _indented([" -> ".join(values)], room)
    return whole if "\n" not in whole else _indented([values[0], *(f"-> {value}" for value in values[1:])], room)


class _Values(textwrap.TextWrapper):
    """Breaks what is too long for a line behind its equals sign, rather than in a word."""

    def _split(self, text: str) -> list[str]:
        most = self.width - len(self.subsequent_indent)
        return [
            part
            for chunk in super()._split(text)
            for part in (chunk.partition("=") if len(chunk) > most and "=" in chunk else (chunk,))
        ]


def _indented(lines: Sequence[str], room: int) -> str:
    wrapper = _Values(max(room, 20), initial_indent="  ", subsequent_indent="     ", break_on_hyphens=False)
    return "\n".join(part for line in lines for part in wrapper.wrap(_harmless(line)))


def print_lint(found: Lint, console: Console) -> None:
    """Print the advice on a spec, or that there is none; a line is not broken, so that an editor can follow it."""

    def line(text: str, style: str = "") -> None:
        console.print(_text(text, style), soft_wrap=True)

    for piece in found.advice:
        line(f"{advice.place(piece)}: {advice.subject(piece)}", "bold")
        for text in (advice.what(piece), advice.why(piece), f"Fix: {piece.fix}"):
            line(f"  {text}")
    for note in found.notes:
        line(f"Note: {note}", "dim")
    given = formats.count(len(found.advice), "piece") + " of advice" if found.advice else "nothing to advise"
    line(f"{found.spec}: {given} (sides: {', '.join(found.sides)})")
