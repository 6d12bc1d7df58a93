"""What a report says and in which order, decided once: ``Result -> Document``.

Which sections there are, which tables, rows and columns, which words are strong, and what is left to paper and page.
How it looks is each renderer's own affair; the sentences themselves are in :mod:`parity.report.sentences`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from parity.report import arrange_lessons as lessons
from parity.report import arrange_meanings, arrange_pairs, chart_rows, lookup
from parity.report import document as doc
from parity.report.files import linked
from parity.report.sentences import (
    advice,
    answers,
    combining,
    draws,
    epochs,
    evidence,
    findings,
    guessing,
    magnified,
    meanings_told,
    measures,
    repeating,
    targets,
    verdict,
)
from parity.report.sentences.finding import Finding, Kind, Patch
from parity.result import formats
from parity.result.schema import Result, SideFact

CLOSING = ("verdict", "steps", "differences", "findings", "files", "repeat")
"""What comes last on a screen: the answer, what led to it, and what to do."""

TONES: dict[Kind, doc.Tone] = {
    "cause": "harm", "breaks": "harm", "repairs": "mend", "alike": "mend", "said": "note", "method": "quiet",
    "compensates": "doubt", "missing": "doubt", "own": "doubt", "unsteady": "doubt", "undecided": "doubt",
    "unexplained": "doubt", "untested": "doubt", "neither": "doubt",
}  # fmt: skip
"""What findings are to the reader, as far as they are more than said."""

STRONG: tuple[Kind, ...] = ("cause", "breaks", "repairs", "alike", "compensates")
"""The findings that answer the question."""

APART: tuple[Kind, ...] = ("missing", "own", "unsteady", "said")
"""The findings that bear on all others, or that somebody else said."""

TABLED: tuple[Kind, ...] = ("neither", "harmless", "inert", "untested")
"""The findings that a screen leaves to the table of differences, which has the same words."""


def document(result: Result, folder: Path | None = None, written: Sequence[Path] = ()) -> doc.Document:
    """Arrange a result.

    Args:
        result: what was found.
        folder: the report's own, to which links are relative.
        written: the files of the report, for a screen to name.
    """
    steps, programs = arrange_pairs.steps(result), arrange_pairs.programs(result, folder)
    trained = any(side.losses for side in result.sides)
    differences, training = arrange_pairs.differences(result), _training(result, trained)
    sections = [
        doc.Section("", "top", _top(result)),
        doc.Section(guessing.TITLE, "guess", lessons.guess(result), "Guess"),
        doc.Section(combining.TITLE, "switches", lessons.switches(result), "Switches"),
        doc.Section(magnified.TITLE, "microscope", lessons.microscope(result), "One step"),
        doc.Section(meanings_told.TITLE, "meanings", arrange_meanings.meanings(result), "Meaning"),
        doc.Section("Programs", "programs", programs, "Programs"),
        doc.Section("Do they train the same?", "verdict", _verdict(result), "Verdict"),
        doc.Section(findings.TITLE, "findings", _findings(result, folder), "Findings", folded=True),
        doc.Section(advice.TITLE, "advice", _advice(result), "Advice"),
        doc.Section("Training" if trained else "Sides", "training", training, "Training", folded=True),
        doc.Section("Config differences", "differences", differences, "Differences", folded=True),
        doc.Section("Step by step, from the same state", "steps", steps, "Step by step", folded=True),
        doc.Section("Files", "files", _files(result, written), "Files"),
        doc.Section("Repeat this run", "repeat", _repeat(result), "Repeat"),
    ]
    title, said = result.spec.question or result.spec.name, verdict.verdict_sentence(result)
    return doc.Document(title, result.spec.name, verdict.heading(result), said, sections, CLOSING)


def _top(result: Result) -> list[doc.Block]:
    """Give the answer and the picture first; then what a reader asks next, each answer a click away."""
    finding, restless = answers.answer(result), evidence.unsteady(result)
    if finding is None:
        said = _said(result, doc.READ)
    else:
        said = [doc.Callout([lessons.short(finding)], tone=TONES.get(finding.kind, ""), on=doc.READ)]
    under_way = verdict.under_way(result)
    return [
        *([doc.Callout([under_way], tone="doubt", apart=True, on=doc.READ)] if under_way else []),
        *([doc.Callout(restless, tone="doubt", apart=True, on=doc.READ)] if restless else []),
        *([doc.Callout(list(result.doubts), tone="doubt", apart=True, on=doc.READ)] if result.doubts else []),
        *said,
        *(doc.Callout([lessons.short(one)], tone="doubt", on=doc.READ) for one in answers.caveats(result)),
        *_failures(result, doc.READ),
        *([doc.Figure("loss", on=doc.PAGE)] if chart_rows.loss_rows(result) else []),
        *([doc.Text(both, on=doc.READ)] if (both := answers.ends(result)) else []),
        *_data(result),
        *lessons.replies(result),
    ]


def _data(result: Result) -> list[doc.Block]:
    note, data = verdict.data_note(result), result.spec.data
    if note is None:
        return [doc.Text([doc.Span("Data:", "strong"), f" {data}"])]
    return [doc.Callout([[doc.Span(note, "strong"), f" {data}"]], tone="doubt", apart=True)]


def _verdict(result: Result) -> list[doc.Block]:
    """Say whether the sides train the same; a page and paper without another answer have said it on top."""
    restless = evidence.unsteady(result)
    return [
        *([doc.Callout(restless, tone="doubt", apart=True, on=doc.SCREEN)] if restless else []),
        *_said(result, doc.SCREEN if answers.answer(result) is None else doc.SCREEN | doc.READ),
        *_failures(result, doc.SCREEN),
    ]


def _said(result: Result, media: frozenset[doc.Medium]) -> list[doc.Block]:
    overall, steady = lookup.overall(result), evidence.steady(result)
    answer: doc.Words = [doc.Span(f"{verdict.heading(result)}.", "strong"), f" {verdict.verdict_sentence(result)}"]
    tone = arrange_pairs.VERDICTS[overall] if overall else ""
    return [
        doc.Callout([answer, *evidence.blame(result)], tone=tone, on=media),
        *([doc.Text(steady, "quiet", on=media)] if steady is not None else []),
    ]


def _failures(result: Result, media: frozenset[doc.Medium]) -> list[doc.Block]:
    return [doc.Callout([failure], tone="harm", apart=True, on=media) for failure in verdict.failure_notes(result)]


def _findings(result: Result, folder: Path | None) -> list[doc.Block]:
    told = [_finding(finding, folder) for finding in findings.findings(result)]
    return [*told, *doc.asides(*findings.notes(result))]


def _finding(finding: Finding, folder: Path | None) -> doc.Callout:
    kind, lead = finding.kind, finding.lead + (":" if finding.items else "")
    bullets: list[doc.Words] = []
    for item in finding.items:
        note = [doc.Span(f" ({item.note})", tone="quiet")] if item.note else []
        bullets.append([doc.Span(item.change, "code" if item.code else ""), *note])
    return doc.Callout(
        [[doc.Span(lead, "strong" if kind in STRONG else "")]],
        bullets,
        _patches(finding, folder),
        TONES.get(kind, ""),
        apart=kind in APART,
        on=doc.READ if kind in TABLED else doc.READ | doc.SCREEN,
    )


def _patches(finding: Finding, folder: Path | None) -> list[doc.Block]:
    """Give the patches of a finding: as options on a screen, in every form on paper and page."""
    patches, mends = finding.patches, finding.kind in answers.TRY
    if not patches:
        return []
    if patches[0].by_hand:
        return _by_hand(patches)
    many, options = len(patches) > 1, "\n".join(option for patch in patches for option in patch.options)
    lead = "To try it, run the same with one of" if many else "To try it, run the same with"
    brief: list[doc.Block] = [doc.Text(lead, "quiet", on=doc.SCREEN), doc.Code(options, "Options", "sh", on=doc.SCREEN)]
    summary = f"Patches of {patches[0].side}, one by one" if many else f"Patch of {patches[0].side}"
    inside = [block for patch in patches for block in _patch(patch, folder)]
    return [
        *(brief if mends and options else []),
        doc.Fold(summary, inside, open=finding.patch is not None and mends, on=doc.READ),
    ]


def _by_hand(patches: Sequence[Patch]) -> list[doc.Block]:
    """Give patches of a program written by hand: what stands in its lines, and the change in its compiled twin."""
    told = "\n".join(dict.fromkeys(patch.diff for patch in patches if patch.diff))
    lead = f"The line in the program of {patches[0].side}, and the change as a program that parity writes has it:"
    return [doc.Text(lead, "quiet"), doc.Code(told, "Lines of the program", "diff")] if told else []


def _patch(patch: Patch, folder: Path | None) -> list[doc.Block]:
    """Give a change of a side in the three forms in which somebody makes it."""
    files = dict.fromkeys(line.file for line in patch.lines if line.file)
    named = [piece for file in files for piece in (", ", linked(file, folder))]
    program: list[doc.Block] = [
        doc.Text(["Or in its program", *named, ":"]),
        doc.Code(patch.diff, "Lines of the program", "diff"),
    ]
    return [
        doc.Text(["Under ", doc.Span("changes", "code"), f" of side {patch.side}, or as options:"]),
        doc.Code(patch.changes, f"Changes of side {patch.side}", "yaml"),
        *([doc.Code("\n".join(patch.options), "Options", "sh")] if patch.options else []),
        *(program if patch.diff else []),
    ]


def _advice(result: Result) -> list[doc.Block]:
    told: list[doc.Block] = []
    for piece in result.advice:
        lead: doc.Words = [f"{advice.place(piece)}: ", doc.Span(advice.subject(piece), "strong")]
        said = f"{advice.what(piece)} {advice.why(piece)}"
        told.append(doc.Callout([lead, said, f"Fix: {piece.fix}"], tone="doubt"))
    return told


def _training(result: Result, trained: bool) -> list[doc.Block]:
    native, step_by_step = draws.known(result), doc.Span("step by step", target="#steps")
    same = "random numbers that the table below tells" if native else "same random numbers wherever the configs agree"
    intro = f"Each side trained on its own, with the {same}. These runs show what happens; whether the programs are "
    return [
        *([doc.Text([intro, "the same is decided ", step_by_step, "."], on=doc.READ)] if trained else []),
        *([_sides(result, "and how each trained" if trained else "and where each ran")] if result.sides else []),
        *doc.asides(*targets.notes(result), *measures.notes(result)),
        *_curves(result),
        *doc.asides(*verdict.side_notes(result), *evidence.free_runs(result), evidence.horizon(result)),
        *(_epochs(result) if epochs.measured(result) else []),
        *(_draws(result) if native else []),
    ]


def _sides(result: Result, what: str) -> doc.Table:
    outcome = epochs.side_metrics(result.sides, lookup.metric_name(result))
    metrics = list(dict.fromkeys([*outcome, *(name for side in result.sides for name in side.metrics)]))
    columns = [
        doc.Column("Side", "name"),
        doc.Column("Runs on"),
        doc.Column("Parameters", "number"),
        doc.Column("Steps", "number", on=doc.READ),
        doc.Column("First loss", "number"),
        doc.Column("Last loss", "number"),
        *(doc.Column(name, "number", on=doc.READ | doc.SCREEN if name in outcome else doc.READ) for name in metrics),
        doc.Column("Time", "number", on=doc.READ),
        doc.Column("Loss that runs", on=doc.READ),
    ]
    rows = [_side(side, number, metrics, result) for number, side in enumerate(result.sides, start=1)]
    return doc.Table(f"Sides, {what}", columns, rows)


def _side(side: SideFact, number: int, metrics: Sequence[str], result: Result) -> list[doc.Cell | doc.Words]:
    return [
        [doc.Span(side.name, curve=number)],
        doc.Cell(lookup.runs_on(side, result), detail=f"{side.precision}, {side.device}"),
        f"{side.parameters:,}",
        f"{len(side.losses):,}",
        *(formats.loss(side.losses[end] if side.losses else None) for end in (0, -1)),
        *(formats.metric(side.metrics.get(name)) for name in metrics),
        doc.Cell(formats.seconds(side.seconds), detail="from the store" if side.cached else ""),
        side.loss_formula,
    ]


def _curves(result: Result) -> list[doc.Block]:
    """Give the curves: each by itself on the page, which draws them, all in one picture on paper."""
    metric = lookup.metric_name(result)
    loss, outcome = chart_rows.loss_rows(result), chart_rows.metric_rows(result, metric) if metric is not None else []
    what = f"Training loss{f' and {metric}' if metric else ''} of every side, by step"
    return [
        *([doc.Figure("metric", on=doc.PAGE)] if outcome else []),
        *([doc.Figure("curves", what, on=doc.PAPER)] if loss or outcome else []),
    ]


def _epochs(result: Result) -> list[doc.Block]:
    side, *numbers = (name[0].upper() + name[1:] for name in epochs.head(result))
    columns = [doc.Column(side, "name"), *(doc.Column(name, "number") for name in numbers)]
    return [
        doc.Table("Epoch by epoch", columns, epochs.rows(result), on=doc.READ),
        doc.Text(epochs.NOTE, "quiet", on=doc.READ),
    ]


def _draws(result: Result) -> list[doc.Block]:
    columns = [doc.Column(draws.HEAD[0], "name"), *map(doc.Column, draws.HEAD[1:])]
    return [doc.Table(draws.title(result), columns, draws.rows(result)), doc.Text(draws.note(result), "quiet")]


def _files(result: Result, written: Sequence[Path]) -> list[doc.Block]:
    """Name the files of the report, and the programs, whose relative paths start at its folder."""
    programs = [str(written[0].parent / side.program_file) for side in result.sides if side.program_file and written]
    paths = dict.fromkeys([*map(str, written), *programs])
    return [doc.Code("\n".join(paths), "Files", on=doc.SCREEN)] if paths else []


def _repeat(result: Result) -> list[doc.Block]:
    spec, numbers = result.spec, doc.Span("result.json", target="result.json")
    made = f"Written by parity {result.parity_version}, {result.created}. The numbers behind this report: "
    return [
        doc.Code(result.command, "Command", "console"),
        *(doc.Text(told, "quiet", on=doc.READ) for told in repeating.told(result)),
        *doc.asides(*result.notes),
        doc.Fold(
            f"The spec{f', {spec.file}' if spec.file else ''}", [doc.Code(spec.text, "Spec", "yaml")], on=doc.READ
        ),
        doc.Text([made, numbers, "."], "quiet", on=doc.READ),
        *lessons.downloads(result),
    ]
