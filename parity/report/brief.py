"""The last screen of a run, short: the answer, the cause, the change to try, the file to open.

It fits 24 lines of 80 columns. All that is left out stands in the report, and in what ``--verbose`` prints
(:mod:`parity.report.arrange`), from the same sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from parity.report import document as doc
from parity.report import lookup
from parity.report.arrange_lessons import short
from parity.report.sentences import answers, evidence, verdict
from parity.result import formats
from parity.result.schema import Result

OPTIONS = 3
"""Lines of options to try."""

NOTES = 2
"""Notes that are shown where no cause is; beside a cause, one is."""


def brief(result: Result, written: Sequence[Path]) -> doc.Document:
    """Arrange what somebody wants to know who reads no further.

    Args:
        result: what was found.
        written: the files of the report; the first is named.
    """
    title, said = result.spec.question or result.spec.name, verdict.verdict_sentence(result)
    blocks = [*_data(result), *_answer(result), *_outcome(result), *_findings(result), *_rest(result, written)]
    return doc.Document(title, result.spec.name, verdict.heading(result), said, [doc.Section("", "brief", blocks)], ())


def _data(result: Result) -> list[doc.Block]:
    note = verdict.data_note(result)
    return [doc.Callout([[doc.Span(note, "strong")]], tone="doubt")] if note is not None else []


def _answer(result: Result) -> list[doc.Block]:
    restless = evidence.unsteady(result)
    answer: doc.Words = [doc.Span(f"{verdict.heading(result)}.", "strong"), f" {verdict.verdict_sentence(result)}"]
    return [
        doc.Callout([answer]),
        *([doc.Callout(restless[:1], tone="doubt")] if restless else []),
        *(doc.Callout([doubt], tone="doubt") for doubt in result.doubts),
        *(doc.Callout([failure], tone="harm") for failure in verdict.failure_notes(result)[:1]),
    ]


def _outcome(result: Result) -> list[doc.Block]:
    """Say how the sides end, in the outcome that causes were looked for in; of no gap the finding says it."""
    told, metric = result.explanation, lookup.metric_name(result)
    if told is None:
        known = [(side.name, side.metrics.get(metric or "")) for side in result.sides]
        ends = [f"{name} {formats.metric(value)}" for name, value in known if value is not None]
        return [doc.Text(f"They end at {metric}: {', '.join(ends)}.")] if ends else []
    if told.gap != "gap":
        return []
    return [doc.Text(answers.ends(result))]


def _findings(result: Result) -> list[doc.Block]:
    told = answers.chosen(result)
    blocks: list[doc.Block] = [doc.Callout([short(one)]) for one in told]
    if differing := answers.differing(result):
        lines: list[doc.Words] = [[doc.Span(path, "code"), said] if path else said for path, said in differing]
        blocks.append(doc.Callout(["They differ in:"], lines))
    if given := answers.by_themselves(result):
        blocks.append(doc.Text(given))
    mends = next((one for one in told if one.kind in answers.TRY and any(patch.options for patch in one.patches)), None)
    if mends is not None and not mends.patches[0].by_hand:
        options = [option for patch in mends.patches[:1] for option in patch.options]
        more = [f"... and {len(options) - OPTIONS} more, in the report"] if len(options) > OPTIONS else []
        blocks += [
            doc.Text("To try it, run the same with"),
            doc.Code("\n".join([*options[:OPTIONS], *more]), "Options"),
        ]
    return blocks


def _rest(result: Result, written: Sequence[Path]) -> list[doc.Block]:
    pieces = formats.count(len(result.advice), "piece")
    rest = f"{pieces} of advice before training, and everything else" if result.advice else "Everything else"
    shown = result.notes[: 1 if answers.chosen(result) else NOTES]
    told: list[doc.Block] = [doc.Text(f"Note: {note}") for note in shown]
    page = next((file for file in written if file.suffix == ".html"), None)
    if page is not None:
        told += [doc.Text(f"{rest} (here with --verbose):"), doc.Code(str(page), "Report")]
    return told
