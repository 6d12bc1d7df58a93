"""The last screen of a run, short: the answer, the cause, the change to try, the file to open.

It fits 24 lines of 80 columns. All that is left out stands in the report, and in what ``--verbose`` prints
(:mod:`parity.report.arrange`), from the same sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from parity.report import document as doc
from parity.report import lookup
from parity.report.arrange import TRY
from parity.report.sentences import evidence, findings, verdict
from parity.report.sentences.finding import Finding, Kind
from parity.result import formats
from parity.result.schema import Result

MOST = 6
"""Differences that a sentence names."""

OPTIONS = 3
"""Lines of options to try."""

ANSWERS: tuple[tuple[Kind, ...], ...] = (
    ("unsteady", "own"), ("cause", "breaks", "alike"), ("cause", "repairs"), ("missing",),
)  # fmt: skip
"""Kinds of finding of which one is told each, in this order."""

WHOLE: tuple[Kind, ...] = ("unsteady", "own", "alike")
"""The kinds whose sentence says all without items."""


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
    both, votes = findings.ends(told), findings.votes(told)
    return [doc.Text(f"{both[0].upper()}{both[1:]}{f'; {votes}' if votes else ''}.")]


def _findings(result: Result) -> list[doc.Block]:
    found = findings.findings(result)
    told: list[Finding] = []
    for kinds in ANSWERS:
        fitting = (one for one in found if one.kind in kinds and one not in told)
        one = next((one for one in fitting if one.items or one.kind in WHOLE), None)
        if one is not None:
            told.append(one)
    blocks: list[doc.Block] = [doc.Callout([_sentence(one)]) for one in told]
    mends = next((one for one in told if one.kind in TRY and any(patch.options for patch in one.patches)), None)
    if mends is not None and not mends.patches[0].by_hand:
        options = [option for patch in mends.patches[:1] for option in patch.options]
        more = [f"... and {len(options) - OPTIONS} more, in the report"] if len(options) > OPTIONS else []
        blocks += [
            doc.Text("To try it, run the same with"),
            doc.Code("\n".join([*options[:OPTIONS], *more]), "Options"),
        ]
    return blocks


def _sentence(finding: Finding) -> doc.Words:
    """Return a finding and the differences it is about, their values left out."""
    listed: list[doc.Span] = []
    for number, item in enumerate(finding.items[:MOST]):
        shown = doc.Span(item.change.partition(": ")[0], "code") if item.code else doc.Span(item.change)
        listed += [doc.Span(", " if number else ""), shown]
    if len(finding.items) > MOST:
        listed.append(doc.Span(f" and {len(finding.items) - MOST} more"))
    return [doc.Span(finding.lead + (": " if listed else ""), "strong"), *listed]


def _rest(result: Result, written: Sequence[Path]) -> list[doc.Block]:
    pieces = formats.count(len(result.advice), "piece")
    rest = f"{pieces} of advice before training, and everything else" if result.advice else "Everything else"
    told: list[doc.Block] = [doc.Text(f"Note: {note}") for note in result.notes[:1]]
    page = next((file for file in written if file.suffix == ".html"), None)
    if page is not None:
        told += [doc.Text(f"{rest} (here with --verbose):"), doc.Code(str(page), "Report")]
    return told
