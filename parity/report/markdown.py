"""The report as GitHub-flavoured Markdown: for a pull request, an issue, or a folder browsed online."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

from parity.report import arrange
from parity.report import document as doc
from parity.result.schema import Result

ALERTS: dict[doc.Tone, str] = {
    "harm": "CAUTION",
    "doubt": "WARNING",
    "note": "NOTE",
    "mend": "TIP",
    "quiet": "NOTE",
    "": "NOTE",
}
"""What GitHub calls a paragraph that is set apart."""


def to_markdown(result: Result, folder: Path | None = None) -> str:
    """Write the report. With ``folder``, the report's own, links to program files are relative to it."""
    return draw(arrange.document(result, folder))


def draw(document: doc.Document) -> str:
    """Write a document."""
    parts = [f"# {text(document.title)}"]
    for section in document.shown("paper"):
        parts += [f"## {text(section.title)}"] if section.title else []
        parts += map(_block, section.blocks)
    return "\n\n".join(parts) + "\n"


def text(words: object) -> str:
    r"""Make any text plain Markdown on one line: no markup of it comes alive, not even in a table.

    >>> text("a*b | <script> [x](y) -> leaf_like")
    'a\\*b \\| &lt;script> \\[x\\](y) -> leaf_like'
    """
    return _begun(_inside(words))


def _inside(words: object) -> str:
    line = " ".join(str(words).split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*\[\]|~]|\b_|_\b)", r"\\\1", line)


def _begun(line: str) -> str:
    """Take its meaning from what would start a heading, a quote or a list."""
    return re.sub(r"^(\d*)([#+.)-](?=[\s#]|$)|>)", r"\1\\\2", line)


def code(thing: object) -> str:
    """Set a text as code on one line, whatever backticks it holds.

    >>> code("layers.*.kernel_initializer"), code("a`b")
    ('`layers.*.kernel_initializer`', '``a`b``')
    """
    line = " ".join(str(thing).split())
    fence = "`" * (_longest_run(line) + 1)
    # A backtick at either end would join the fence, so it is held off by a space that Markdown drops.
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}" if line else ""


def _longest_run(line: str) -> int:
    return max((len(run) for run in re.findall("`+", line)), default=0)


def _fenced(content: str, language: str) -> str:
    fence = "`" * max(3, _longest_run(content) + 1)
    return f"{fence}{language}\n{content.rstrip()}\n{fence}"


def _block(block: doc.Block) -> str:
    match block:
        case doc.Text():
            return _words(block.words)
        case doc.Heading():
            return f"### {_words(block.words)}"
        case doc.Callout():
            return _callout(block)
        case doc.Table():
            return _table(block)
        case doc.Figure():
            return f"![{text(block.alternative)}]({block.chart}.png)"
        case doc.Code():
            return _fenced(block.text, block.language)
        case doc.Fold():
            # A line of HTML, in which no Markdown is read.
            summary = html.escape(" ".join(doc.plain(block.summary).split()))
            opened = "<details open>" if block.open else "<details>"
            return f"{opened}<summary>{summary}</summary>\n\n{_blocks(block.blocks)}\n\n</details>"
        case doc.Diagram():
            return text(block.alternative)
        case doc.Downloads():
            return "\n\n".join(_fenced(content, "python") for content in block.files.values())
        case doc.Widget():
            return _blocks(block.blocks)
        case doc.Panes():
            return "\n\n".join(_fenced(pane.program, "python") for pane in block.panes)
        case _:
            assert_never(block)


def _blocks(blocks: Sequence[doc.Block]) -> str:
    return "\n\n".join(map(_block, doc.shown(blocks, "paper")))


def _words(words: doc.Words) -> str:
    return _begun("".join(_span(span) for span in doc.spans(words)))


def _span(span: doc.Span, bar: str = "|") -> str:
    if not span.text.strip():
        return " " if span.text else ""
    # Markup must touch what it is about, so spaces at the ends stay outside.
    before, after = (" " if end.isspace() else "" for end in (span.text[0], span.text[-1]))
    written = code(span.text).replace("|", bar) if span.style == "code" else _inside(span.text)
    if span.style == "strong" or (span.style == "label" and span.tone in ("harm", "mend")):
        written = f"**{written}**"
    if span.target and not span.target.startswith("#"):
        written = f"[{written}]({span.target})"
    return f"{before}{written}{after}"


def _callout(block: doc.Callout) -> str:
    bullets = "\n".join(f"- {_words(words)}" for words in block.bullets)
    told = "\n\n".join([*map(_words, block.paragraphs), *([bullets] if bullets else [])])
    if block.apart:
        told = "\n".join(f"> {line}".rstrip() for line in [f"[!{ALERTS[block.tone]}]", *told.splitlines()])
    return "\n\n".join([told, *([_blocks(block.blocks)] if block.blocks else [])])


def _table(block: doc.Table) -> str:
    columns, rows = block.shown("paper")
    ruler = ["---:" if column.kind == "number" else "---" for column in columns]
    lines = [[text(column.head) for column in columns], ruler, *([_cell(cell) for cell in row] for row in rows)]
    return f"**{text(block.caption)}**\n\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(cell: doc.Cell) -> str:
    note = f": {_inside(cell.note)}" if cell.note else ""
    detail = f" ({_inside(cell.detail)})" if cell.detail else ""
    # A bar ends the cell even inside code.
    return "".join(_span(span, bar="\\|") for span in doc.spans(cell.words)) + note + detail
