"""What a report says of pairs of sides, arranged: step by step, in their configs, in their programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from parity.report import chart_rows, lookup, sidebyside
from parity.report import document as doc
from parity.report.files import linked
from parity.report.sentences import answers, evidence, outcomes, strikes, verdict
from parity.result import agreeing, formats
from parity.result.schema import Comparison, DifferenceFact, Explanation, Place, Result, SideFact, Verdict

VERDICTS: dict[Verdict, doc.Tone] = {
    "divergent": "harm",
    "inconclusive": "doubt",
    "rounding": "mend",
    "identical": "mend",
}
"""What a verdict is to the reader."""

EFFECTS: dict[lookup.Label, doc.Tone] = {
    "breaks": "harm", "breaks and repairs": "harm", "with others": "harm", "repairs": "mend", "makes up": "doubt",
    "undecided": "doubt", "neither": "doubt", "not examined": "doubt", "harmless": "quiet", "inert": "quiet",
}  # fmt: skip
"""What the effect of a difference is to the reader."""

ON_A_SCREEN, IN_A_TABLE = 6, 8
"""More places of a comparison than this are counted on a screen, and folded away on paper and page."""

HOW = (
    "Every step starts both sides from the same full state, so that no difference can grow by repetition. A difference "
    "is relative: the norm of a - b over the norm of a."
)
"""Says what is compared step by step, and what a number there is."""


def steps(result: Result) -> list[doc.Block]:
    """Arrange what was compared step by step: how each pair stands, and where a difference is made."""
    if not result.comparisons:
        return [doc.Text("No two sides were compared.", on=doc.READ)]
    told = [block for pair in result.comparisons for block in _comparison(pair)]
    return [doc.Text(HOW, on=doc.READ), *doc.asides(*evidence.noise(result)), *told]


def _comparison(pair: Comparison) -> list[doc.Block]:
    over = [f"Compared in {pair.precision}, in {formats.checked(pair)}."]
    for name, where in verdict.extremes(pair):
        over.append(f"{name[0].upper()}{name[1:]}: {evidence.place(where, pair.a, pair.b)}.")
    causes = [
        [doc.Span(piece, "code" if is_code else "") for is_code, piece in agreeing.pieces(sentence)]
        for sentence in agreeing.sentences(pair)
    ]
    return [
        doc.Heading([f"{pair.a} and {pair.b}: ", doc.Span(pair.verdict, "label", VERDICTS[pair.verdict])]),
        doc.Text(verdict.reason(pair), on=doc.READ),
        *([doc.Callout(causes, tone="harm" if pair.causes else "")] if causes else []),
        *doc.asides(" ".join(over)),
        *(_places(pair) if pair.places else []),
        *doc.asides(verdict.unmatched(pair)),
        *([_phases(pair)] if pair.phases else []),
    ]


def _places(pair: Comparison) -> list[doc.Block]:
    """List the places where a difference is made: a line each on a screen, rows of a table on paper and page."""
    heading = verdict.places_heading(pair)
    few, others = lookup.telling(pair.places, ON_A_SCREEN)
    lines = [evidence.place(where, pair.a, pair.b) for where in few]
    lines += [verdict.more_places(others)] if others else []
    listed, rest = lookup.telling(pair.places, IN_A_TABLE)
    more = _place_table(pair, rest, "The other places where a difference is made")
    return [
        doc.Callout([f"{heading}:"], lines, on=doc.SCREEN),
        _place_table(pair, listed, heading),
        *([doc.Fold(f"{len(rest)} more of these places", [more], on=doc.READ)] if rest else []),
    ]


def _place_table(pair: Comparison, places: Sequence[Place], caption: str) -> doc.Table:
    numbers = [doc.Column(head, "number") for head in ("Difference", "Rounding explains", "Most at", pair.a, pair.b)]
    rows: list[list[doc.Words]] = []
    for where in places:
        head: list[str | doc.Span] = [f"Step {where.step:,}, {where.phase}"]
        if where.tensor != where.phase:  # the loss is the only tensor of its phase
            head += [" of " if where.phase == "gradient" else ", ", *_tensor(where)]
        values = formats.both(*where.values) if where.values is not None else (formats.MISSING, formats.MISSING)
        against = [formats.measured(where), formats.scientific(where.noise)]
        rows.append([head, *against, formats.index(where.element), *values])
    return doc.Table(caption, [doc.Column("Where", "path"), *numbers], rows, on=doc.READ)


def _phases(pair: Comparison) -> doc.Table:
    numbers = [doc.Column(head, "number") for head in ("Tensors", "Difference", "Rounding explains", "Step")]
    rows: list[list[doc.Words]] = []
    for phase in pair.phases:
        most = phase.largest
        against = [formats.measured(most), formats.scientific(most.noise)]
        rows.append([phase.phase, f"{phase.tensors:,}", *against, f"{most.step:,}", _tensor(most)])
    caption = "Largest difference of each phase, in the order in which a step runs"
    return doc.Table(caption, [doc.Column("Phase", "name"), *numbers, doc.Column("Tensor", "path")], rows, on=doc.READ)


def _tensor(where: Place) -> list[doc.Span]:
    """Name a tensor, what of it is meant, and its shape."""
    name, rest = formats.tensor(where)
    shape = f" {formats.index(where.shape)}" if where.shape else ""
    return [doc.Span(name, "code"), doc.Span(rest), doc.Span(shape, tone="quiet")]


def differences(result: Result) -> list[doc.Block]:
    """Arrange where configs differ: where each difference strikes first, and what it does to the outcome."""
    told: list[doc.Block] = []
    for a, b in lookup.pairs(result):
        items = lookup.differences_between(result, a, b)
        if items and lookup.is_explained(result, items[0]) and result.explanation is not None:
            told += _explained(result, result.explanation, items, a, b)
        elif items:
            told += [*_struck(items, a), _difference_table(result, items, strikes.plainly(items, a, b), a, b)]
    given = answers.by_themselves(result)
    return [*told, *([doc.Text(given)] if given else [])] or [doc.Text(verdict.no_differences(result))]


def _struck(items: Sequence[DifferenceFact], good: str) -> list[doc.Block]:
    if not strikes.known(items):
        return []
    path, where, *shares = strikes.HEAD
    columns = [doc.Column(path, "path"), doc.Column(where), *(doc.Column(share, "number") for share in shares)]
    rows: list[list[doc.Words]] = [[[doc.Span(path, "code")], *rest] for path, *rest in strikes.rows(items)]
    return [
        doc.Table(strikes.program(items, good), columns, rows),
        doc.Text(strikes.note(good), "quiet", on=doc.READ),
    ]


def _explained(result: Result, told: Explanation, items: Sequence[DifferenceFact], a: str, b: str) -> list[doc.Block]:
    struck = _struck(items, told.good)
    reached = chart_rows.effect_rows(result)
    caption = strikes.outcome(items, a, b) if struck else strikes.plainly(items, a, b)
    return [
        *struck,
        *([doc.Figure("effects", on=doc.PAGE)] if reached else []),
        *(doc.Text(note, "quiet", on=doc.PAGE) for note in chart_rows.effect_notes(result)),
        _difference_table(result, items, caption, a, b, told),
        *doc.asides(outcomes.ends(told)),
    ]


def _difference_table(
    result: Result, items: Sequence[DifferenceFact], caption: str, a: str, b: str, told: Explanation | None = None
) -> doc.Table:
    """Lay out differences, those that matter most first, with what each does to the outcome where that was tried."""
    shares = lookup.shares(result) if told is not None else {}
    ways = outcomes.ways(told) if told is not None else []
    columns = [doc.Column("Path", "path"), doc.Column(a, "value"), doc.Column(b, "value")]
    columns += [doc.Column(way, "number") for way in ways]
    columns += [doc.Column("Share of the gap", "number", on=doc.READ)] if shares else []
    rows = []
    for item in items:
        label, effect = lookup.effect_label(item, result.explanation), item.effect
        cells: list[doc.Cell | doc.Words] = [doc.Cell([doc.Span(item.path, "code")], detail=", ".join(item.layers))]
        for value, origin in zip(lookup.values_from(item, a), lookup.origins_from(item, a), strict=True):
            cells.append(doc.Cell([doc.Span(formats.value(value), "code")], detail=origin))
        if told is not None:
            tried = (effect.alone, effect.taken_back) if effect is not None else (None, None)
            cells += [outcomes.cell(told, number) for number in tried]
        cells += [shares.get(item.path, formats.MISSING)] if shares else []
        rows.append([*cells, doc.Cell([doc.Span(label, "label", EFFECTS[label])], note=lookup.why(item))])
    return doc.Table(caption, [*columns, doc.Column("Effect", "label")], rows)


def programs(result: Result, folder: Path | None) -> list[doc.Block]:
    """Arrange the programs: links to them on paper, side by side on the page, with the differing lines marked."""
    sides = {side.name: side for side in result.sides}
    links: list[doc.Words] = [
        [f"{side.name}: ", linked(side.program_file, folder)] for side in result.sides if side.program_file
    ]
    page = doc.Span("report.html", target="report.html#programs")
    told: list[doc.Block] = [
        *([doc.Callout([], links, on=doc.PAPER)] if links else []),
        doc.Text(["Side by side, with the differing lines marked: ", page, "."], on=doc.PAPER),
    ]
    if len(sides) == 1:
        (side,) = result.sides
        told.append(doc.Panes([_pane(side, sidebyside.listing(side.program), folder, {})], on=doc.PAGE))
    known = [(a, b) for a, b in lookup.pairs(result) if a in sides and b in sides]
    linkable = {name: lookup.lines_told(result, side) for name, side in sides.items()}
    for a, b in known:
        aligned = sidebyside.side_by_side(sides[a].program, sides[b].program)
        # The first time that a side stands here its lines can be linked to.
        panes = [_pane(sides[name], lines, folder, linkable.pop(name, {}))
                 for name, lines in zip((a, b), aligned, strict=True)]  # fmt: skip
        left, right = (formats.count(len(pane.marked), "line") for pane in panes)
        differ = f"{left} and {right} differ, marked" if any(pane.marked for pane in panes) else "the same text"
        told.append(doc.Fold(f"{a} and {b}: {differ}", [doc.Panes(panes)], open=(a, b) == known[0], on=doc.PAGE))
    return told


def _pane(
    side: SideFact, lines: sidebyside.Listing, folder: Path | None, about: Mapping[int, list[tuple[str, str]]]
) -> doc.Pane:
    file: list[str | doc.Span] = [": ", linked(side.program_file, folder)] if side.program_file else []
    return doc.Pane(side.name, [side.name, *file], side.program, lines.numbers, lines.marked, about)
