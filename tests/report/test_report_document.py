"""A report is arranged once: what a document holds, every renderer draws; what it does not know, it refuses."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from rich.console import Console

from parity.report import arrange, html, markdown, terminal
from parity.report import document as doc
from parity.result.schema import Result
from tests import report_samples as samples
from tests.report.test_report import Reader, flat
from tests.report.test_report_advice import SOFTMAX

SAMPLES: dict[str, Callable[[], Result]] = {
    **samples.SAMPLES,
    "advised": lambda: samples.leaf().model_copy(update={"advice": [SOFTMAX]}),
}
del SAMPLES["evil"]  # its markup is written otherwise in each medium, by tests of its own


def said(blocks: Sequence[doc.Block], medium: doc.Medium) -> Iterator[str]:
    """Give every text of the blocks that a medium shows."""
    for block in doc.shown(blocks, medium):
        match block:
            case doc.Text() | doc.Heading():
                yield from texts(block.words)
            case doc.Callout():
                for words in (*block.paragraphs, *block.bullets):
                    yield from texts(words)
                yield from said(block.blocks, medium)
            case doc.Table():
                columns, rows = block.shown(medium)
                # A screen breaks the head of a column into lines.
                yield from (block.caption, *(word for column in columns for word in column.head.split()))
                for cell in (cell for row in rows for cell in row):
                    yield from texts(cell.words)
                    yield from (cell.note, "" if medium == "screen" else cell.detail)
            case doc.Code():
                yield from block.text.splitlines()
            case doc.Fold():
                yield from texts(block.summary)
                yield from said(block.blocks, medium)
            case doc.Panes():
                yield from (span.text for pane in block.panes for span in doc.spans(pane.caption))
                yield from (line for pane in block.panes for line in pane.program.splitlines())
            case doc.Figure():
                yield block.alternative
            case doc.Diagram():
                yield from [node.name for node in block.nodes] if medium == "page" else [block.alternative]
            case doc.Widget():
                yield from said(block.blocks, medium)


def texts(words: doc.Words) -> list[str]:
    return [span.text for span in doc.spans(words)]


def bare(text: str) -> str:
    """Leave letters, digits and signs that no medium writes in its own way."""
    return re.sub(r"[\s\\`*|<>]+", "", re.sub(r"&(lt|gt|amp);|→|->", "", text))


def drawn(document: doc.Document) -> dict[doc.Medium, str]:
    """Draw a document by every renderer, and read the text of it; a wide screen breaks no line."""
    stream = io.StringIO()
    terminal.draw(document, Console(file=stream, width=4000))
    page = Reader(html.draw(document, lambda name: {"chart": name}))
    return {"screen": stream.getvalue(), "paper": markdown.draw(document), "page": page.text}


@pytest.mark.parametrize("make", SAMPLES.values(), ids=SAMPLES)
def test_every_text_of_a_document_stands_wherever_its_block_is_shown(make: Callable[[], Result]) -> None:
    document = arrange.document(make())
    for medium, report in drawn(document).items():
        told = bare(report)
        for section in document.shown(medium):
            for text in (document.title, section.title, *said(section.blocks, medium)):
                assert bare(text) in told, f"{medium} does not say {text!r}"


@pytest.mark.parametrize("make", SAMPLES.values(), ids=SAMPLES)
def test_paper_and_page_say_the_same_but_for_pictures_and_programs(make: Callable[[], Result]) -> None:
    legend = ("bar that starts", "thin line")
    for section in arrange.document(make()).sections:
        told = [block for block in section.blocks if not isinstance(block, doc.Figure)]
        paper, page = list(said(told, "paper")), list(said(told, "page"))
        if section.anchor not in ("programs", "guess", "switches", "microscope", "meanings"):
            assert [text for text in page if not any(words in text for words in legend)] == paper


def test_a_screen_is_read_from_its_end() -> None:
    document = arrange.document(samples.claimed())
    assert [section.anchor for section in document.shown("page")][:5] == [
        "top", "guess", "programs", "verdict", "findings",
    ]  # fmt: skip
    assert [section.anchor for section in document.shown("screen")] == [
        "top", "training", "verdict", "steps", "differences", "findings", "repeat",
    ]  # fmt: skip


def test_a_row_that_does_not_fit_its_table_is_refused() -> None:
    table = doc.Table("Two columns", [doc.Column("a"), doc.Column("b", on=doc.PAGE)], [["1", "2"], ["1"]])
    with pytest.raises(ValueError, match="zip"):
        table.shown("page")


def test_a_column_and_a_detail_may_be_left_to_paper_and_page() -> None:
    cell = doc.Cell("x", note="since y", detail="from z")
    table = doc.Table("A table", [doc.Column("First"), doc.Column("Second", on=doc.READ)], [[cell, "unseen"]])
    section = doc.Section("Title", "title", [table], "Title")
    screen, paper, page = drawn(doc.Document("q", "n", "h", "v", [section], [])).values()
    assert flat(screen) == "q Title A table First x: since y"
    assert "| x: since y (from z) | unseen |" in paper
    assert "xsince yfrom z" in page


@dataclass(frozen=True)
class Poem(doc.Element):
    """A kind of block that no renderer knows."""

    text: str = "a rose"


def test_a_kind_of_block_that_a_renderer_does_not_know_is_refused_by_each() -> None:
    unknown: Any = Poem()  # the type checker refuses it without this
    document = doc.Document("q", "n", "h", "v", [doc.Section("s", "s", [unknown], "s")], [])
    for draw in (
        lambda: terminal.draw(document, Console(file=io.StringIO())),
        lambda: markdown.draw(document),
        lambda: html.draw(document, lambda name: {}),
    ):
        with pytest.raises(AssertionError, match="Poem"):
            draw()


def test_every_kind_of_block_is_drawn_by_each_renderer() -> None:
    blocks: list[doc.Block] = [
        doc.Text("a text"),
        doc.Heading("a heading"),
        doc.Callout(["a callout"], ["a bullet"], [doc.Text("inside")], "harm", apart=True),
        doc.Table("a table", [doc.Column("a head")], [["a cell"]]),
        doc.Figure("loss", "a figure"),
        doc.Code("some code", "a label"),
        doc.Fold("a summary", [doc.Text("unfolded")]),
        doc.Panes([doc.Pane("keras", "a pane", "a = 1\n", [1])]),
        doc.Diagram([doc.DiagramBox("dense", "[3]", 0, 0)], [], "a network"),
        doc.Downloads({"saved.py": "b = 2\n"}),
        doc.Widget("guess", "a widget", {}, [doc.Text("in a widget")]),
    ]
    assert {type(block) for block in blocks} == set(doc.Block.__args__)  # type: ignore[attr-defined]
    reports = drawn(doc.Document("q", "n", "h", "v", [doc.Section("s", "s", blocks, "s")], []))
    for words in ("a text", "a heading", "a callout", "a bullet", "inside", "a table", "a head", "a cell", "some code",
                  "a summary", "unfolded", "in a widget"):  # fmt: skip
        assert all(words in report for report in reports.values()), words
    assert "a pane" in reports["screen"]
    assert "a figure" in reports["screen"]
    assert "a pane" in reports["page"]
    assert "saved.py" in reports["page"]
    assert "dense" in reports["page"]
    assert "a network" in reports["paper"]
    assert "![a figure](loss.png)" in reports["paper"]
