"""What each difference is about, arranged: its field, both values, its lines, and the entries that it is between."""

from __future__ import annotations

from parity.report import document as doc
from parity.report import lookup
from parity.report.sentences import meanings_told
from parity.report.sentences.finding import where
from parity.result import formats
from parity.result.entryfact import EntryFact
from parity.result.schema import DifferenceFact, LineFact, Result


def meanings(result: Result) -> list[doc.Block]:
    """Explain every difference from what is known of its entries, each of which is told once."""
    if not lookup.meant(result):
        return []
    told: dict[str, DifferenceFact] = {}
    folds: list[doc.Block] = []
    for item in result.differences:
        label = lookup.effect_label(item, result.explanation)
        summary: list[str | doc.Span] = [
            doc.Span(item.path, "code"),
            f": {formats.value(item.a)} -> {formats.value(item.b)} ",
        ]
        summary += [doc.Span(label, "label")] if result.explanation is not None else []
        folds.append(doc.Fold(summary, _meaning(result, item, told), anchor=lookup.anchor(result, item), on=doc.PAGE))
    return [doc.Text(meanings_told.INTRO, on=doc.PAGE), *folds]


def _meaning(result: Result, item: DifferenceFact, told: dict[str, DifferenceFact]) -> list[doc.Block]:
    """Explain a difference; ``told`` has the entries that others were explained by, and takes its own."""
    sentences = [meanings_told.field(item), meanings_told.values(item), meanings_told.effect(result, item)]
    blocks: list[doc.Block] = [doc.Text(" ".join(filter(None, sentences)))]
    places = [_place(result, line) for line in item.lines]
    blocks += [doc.Callout([], places)] if places else []
    for entry in result.entries:
        if entry.name not in item.entries:
            continue
        if entry.name in told:
            other = told[entry.name]
            link = doc.Span(other.path, "code", target=f"#{lookup.anchor(result, other)}")
            blocks.append(doc.Text([meanings_told.again(entry), link, "."]))
        else:
            told[entry.name] = item
            blocks += _entry(entry)
    return blocks


def _place(result: Result, line: LineFact) -> doc.Words:
    """Say where a difference stands, with a link to that line where the page shows it."""
    sides = {side.name: side for side in result.sides}
    shown = line.side in sides and line.line in lookup.lines_told(result, sides[line.side])
    target = f"#{doc.line_anchor(line.side, line.line)}" if shown else ""
    return [doc.Span(f"{line.side}, {where(line)}", target=target), ": ", doc.Span(meanings_told.line(line), "code")]


def _entry(entry: EntryFact) -> list[doc.Block]:
    """Tell an entry: its equation, how frameworks and versions differ, what each has, where that is documented."""
    equation = doc.Span(entry.equation.replace("``", ""), "code")
    name: doc.Words = [doc.Span(meanings_told.entry(entry), "strong"), ": ", equation]
    rows: list[list[doc.Cell | doc.Words]] = []
    for part in entry.parts:
        link = [doc.Span("documentation", target=part.link)] if part.link.startswith("https://") else "-"
        rows.append([part.title, meanings_told.means(part), link])
    columns = [doc.Column("Framework", "name"), doc.Column("What it is there"), doc.Column("Where to read", "name")]
    about = [doc.Text(_coded(" ".join(paragraph.split()))) for paragraph in entry.about.split("\n\n") if paragraph]
    return [doc.Callout([name], blocks=[*about, doc.Table(meanings_told.table(entry), columns, rows)])]


def _coded(text: str) -> doc.Words:
    """Read a text in which code stands between double backticks."""
    return [doc.Span(piece, "code" if number % 2 else "") for number, piece in enumerate(text.split("``"))]
