"""The report as GitHub-flavoured Markdown: for a pull request, an issue, or a folder browsed online."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from parity.report import chart_rows, files, lookup
from parity.report.sentences import (
    advice,
    draws,
    epochs,
    evidence,
    findings,
    measures,
    outcomes,
    strikes,
    targets,
    verdict,
)
from parity.report.sentences.finding import Finding, Patch
from parity.result import agreeing, formats
from parity.result.schema import Comparison, DifferenceFact, Place, Result


def to_markdown(result: Result, folder: Path | None = None) -> str:
    """Write the report. With ``folder``, the report's own, links to program files are relative to it."""
    parts = [
        *_head(result),
        *_findings(result),
        *_advice(result),
        *_training(result),
        *_differences(result),
        *_steps(result),
        *_programs(result, folder),
        *_repeat(result),
    ]
    return "\n\n".join(parts) + "\n"


def text(words: object) -> str:
    r"""Make any text plain Markdown on one line: no markup of it comes alive, not even in a table.

    >>> text("a*b | <script> [x](y) -> leaf_like")
    'a\\*b \\| &lt;script> \\[x\\](y) -> leaf_like'
    """
    line = " ".join(str(words).split()).replace("&", "&amp;").replace("<", "&lt;")
    line = re.sub(r"([\\`*\[\]|~]|\b_|_\b)", r"\\\1", line)
    return re.sub(r"^(\d*)([#+.)-](?=[\s#]|$)|>)", r"\1\\\2", line)  # what would start a heading, a quote or a list


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


def code_cell(thing: object) -> str:
    """Set a text as code in a table, where a bar ends the cell even inside code."""
    return code(thing).replace("|", "\\|")


def block(content: str, language: str = "") -> str:
    """Set a text as a block of code."""
    fence = "`" * max(3, _longest_run(content) + 1)
    return f"{fence}{language}\n{content.rstrip()}\n{fence}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Lay out a table; ``numbers`` are the columns set to the right."""
    ruler = ["---:" if column in numbers else "---" for column in range(len(head))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ruler, *rows))


def _longest_run(line: str) -> int:
    return max((len(run) for run in re.findall("`+", line)), default=0)


def _head(result: Result) -> list[str]:
    parts = [f"# {text(result.spec.question or result.spec.name)}"]
    note = verdict.data_note(result)
    if note is not None:
        parts.append(f"> [!WARNING]\n> **{text(note)}** {text(result.spec.data)}")
    else:
        parts.append(f"Data: {text(result.spec.data)}")
    unsteady, steady = evidence.unsteady(result), evidence.steady(result)
    if unsteady:
        parts.append("> [!WARNING]\n> " + "\n>\n> ".join(text(told) for told in unsteady))
    if steady is not None:
        parts.append(text(steady))
    parts.append(f"**{verdict.heading(result)}.** {text(verdict.verdict_sentence(result))}")
    parts += [text(told) for told in evidence.blame(result)]
    return parts + [f"> [!CAUTION]\n> {text(failure)}" for failure in verdict.failure_notes(result)]


def _findings(result: Result) -> list[str]:
    found = findings.findings(result)
    if not found:
        return []
    parts = [f"## {findings.TITLE}"]
    for finding in found:
        parts += _finding(finding)
    return parts + [text(note) for note in findings.notes(result)]


ALERTS = {"missing": "IMPORTANT", "own": "CAUTION", "unsteady": "IMPORTANT", "said": "NOTE"}
"""The findings set apart from the others, and as what."""


def _finding(finding: Finding) -> list[str]:
    lead = text(finding.lead) + (":" if finding.items else "")
    items = [
        f"- {code(item.change) if item.code else text(item.change)}" + (f" ({text(item.note)})" if item.note else "")
        for item in finding.items
    ]
    alert = ALERTS.get(finding.kind)
    if alert is not None:
        lines = [f"[!{alert}]", lead, *(["", *items] if items else [])]
        return ["\n".join(f"> {line}".rstrip() for line in lines)]
    lead = f"**{lead}**" if finding.kind in STRONG and finding.items else lead
    told = ["\n".join([lead, "", *items]) if items else lead]
    if not finding.patches:
        return told
    if finding.patch is not None and finding.kind in STRONG:
        return [*told, *_patch(finding.patch)]
    each = "One by one, as" if len(finding.patches) > 1 else "As"
    summary = f"{each} changes of {text(finding.patches[0].side)}, as options, and in its program"
    inside = "\n\n".join(part for patch in finding.patches for part in _patch(patch))
    return [*told, f"<details><summary>{summary}</summary>\n\n{inside}\n\n</details>"]


STRONG = ("cause", "repairs")
"""The findings that say what to do: they are bold, and their patch is open."""


def _patch(patch: Patch) -> list[str]:
    """Write a patch: for the spec, for the command line, and in the program."""
    parts = [f"Under `changes` of side {text(patch.side)}, or as options:", block(patch.changes, "yaml")]
    parts += [block("\n".join(patch.options), "sh")] if patch.options else []
    return [*parts, block(patch.diff, "diff")] if patch.diff else parts


def _advice(result: Result) -> list[str]:
    items = [
        f"- {code(advice.place(one))}: **{text(advice.subject(one))}**. {text(advice.what(one))} "
        f"{text(advice.why(one))} Fix: {text(one.fix)}"
        for one in result.advice
    ]
    return [f"## {advice.TITLE}", "\n".join(items)] if items else []


def _training(result: Result) -> list[str]:
    metric = lookup.metric_name(result)
    outcomes = epochs.side_metrics(result.sides, metric)
    head = ["Side", "Framework", "Parameters", "Steps", "First loss", "Last loss", *map(text, outcomes)]
    rows = []
    for side in result.sides:
        cells = [text(side.name), f"{text(side.framework)} {text(side.version)}", f"{side.parameters:,}"]
        cells.append(f"{len(side.losses):,}")
        cells += [formats.loss(side.losses[end] if side.losses else None) for end in (0, -1)]
        rows.append(cells + [formats.metric(side.metrics.get(name)) for name in outcomes])
    parts = ["## Training"]
    if rows:
        parts.append(table(head, rows, numbers=range(2, len(head))))
    remarks = (*verdict.side_notes(result), *targets.notes(result), *measures.notes(result))
    parts += [text(note) for note in remarks]
    if chart_rows.has_curves(result):
        parts.append(f"![Training loss{f' and {text(metric)}' if metric else ''} of every side, by step](curves.png)")
    if epochs.measured(result):
        listed = [[*map(text, cells)] for cells in epochs.rows(result)]
        head = [text(name[0].upper() + name[1:]) for name in epochs.head(result)]
        parts += [table(head, listed, numbers=range(1, len(head))), text(epochs.NOTE)]
    if draws.known(result):
        listed = [[*map(text, cells)] for cells in draws.rows(result)]
        parts += [f"### {text(draws.title(result))}", table(draws.HEAD, listed), text(draws.note(result))]
    parts += [
        f"Free runs of {text(pair.a)} and {text(pair.b)}: {text(told)}"
        for pair in result.comparisons
        if (told := evidence.free(pair)) is not None
    ]
    horizon = evidence.horizon(result)
    return [*parts, text(horizon)] if horizon is not None else parts


def _differences(result: Result) -> list[str]:
    parts = ["## Config differences"]
    for a, b in lookup.pairs(result):
        items = lookup.differences_between(result, a, b)
        if items:
            parts.append(f"{formats.count(len(items), 'difference')} between {text(a)} and {text(b)}.")
            parts += _strikes(result, items)
            parts.append(_difference_table(result, items, a, b))
    return parts if len(parts) > 1 else [*parts, verdict.no_differences(result)]


def _strikes(result: Result, items: Sequence[DifferenceFact]) -> list[str]:
    told = result.explanation
    if told is None or not strikes.known(items):
        return []
    rows = [
        [code_cell(path), text(where), *(share.replace("<", "&lt;") for share in shares)]
        for path, where, *shares in strikes.rows(items)
    ]
    found = [f"### {strikes.PROGRAM}", text(strikes.note(told)), table(strikes.HEAD, rows, numbers=(2, 3))]
    return [*found, f"### {strikes.OUTCOME}"]


def _difference_table(result: Result, items: Sequence[DifferenceFact], a: str, b: str) -> str:
    told = result.explanation if any(lookup.is_explained(result, item) for item in items) else None
    shares = lookup.shares(result) if told is not None else {}
    head = ["Path", text(a), text(b)]
    if told is not None:
        what = "" if outcomes.kind(told) == "end" else f", {told.outcome}"
        what += f", {seeds}" if (seeds := outcomes.tried_with(told)) else ""
        head += [text(f"Alone on {told.good}{what}"), text(f"Taken back from {told.bad}{what}")]
    rows = []
    for item in items:
        cells = [code_cell(item.path), *(code_cell(formats.value(value)) for value in lookup.values_from(item, a))]
        if told is not None:
            effect = item.effect
            numbers = (effect.alone, effect.taken_back) if effect is not None else (None, None)
            cells += [outcomes.cell(told, number) for number in numbers]
        cells += [shares.get(item.path, formats.MISSING)] if shares else []
        label = lookup.effect_label(item, result.explanation)
        label_cell = f"**{label}**" if label in DECIDING else label
        rows.append([*cells, f"{label_cell}: {text(why)}" if (why := lookup.why(item)) else label_cell])
    head += ["Share of the gap"] if shares else []
    return table([*head, "Effect"], rows, numbers=range(3, len(head)))


DECIDING = ("breaks", "repairs", "breaks and repairs", "with others")
"""Effects that are set in bold."""


def _steps(result: Result) -> list[str]:
    if not result.comparisons:
        return []
    parts = [
        "## Step by step, from the same state",
        "A difference is relative: the norm of a - b over the norm of a.",
        *(text(told) for told in evidence.noise(result)),
    ]
    for pair in result.comparisons:
        parts.append(f"### {text(pair.a)} and {text(pair.b)}: {pair.verdict}")
        told = [text(verdict.reason(pair)), f"Compared in {pair.precision}, in {formats.checked(pair)}."]
        told += [
            f"{name.capitalize()}: {text(evidence.place(where, pair.a, pair.b))}."
            for name, where in verdict.extremes(pair)
        ]
        parts.append(" ".join(told))
        parts += [_coded(told) for told in agreeing.sentences(pair)]
        if pair.places:
            parts += [f"{verdict.places_heading(pair)}:", _place_table(pair)]
        unmatched = verdict.unmatched(pair)
        if unmatched is not None:
            parts.append(text(unmatched))
        rows = []
        for phase in pair.phases:
            most = phase.largest
            numbers = [formats.measured(most), formats.scientific(most.noise)]
            rows.append([phase.phase, f"{phase.tensors:,}", *numbers, _tensor(most), f"{most.step:,}"])
        if rows:
            head = ("Phase", "Tensors", "Largest difference", "Rounding explains", "Tensor", "Step")
            parts.append(table(head, rows, numbers=(1, 2, 3, 5)))
    return parts


def _coded(sentence: str) -> str:
    pieces = agreeing.pieces(sentence.strip())
    told = " ".join(code(piece) if is_code else text(piece.strip()) for is_code, piece in pieces)
    return told.replace(" , ", ", ")


def _place_table(pair: Comparison) -> str:
    head = [
        "Step",
        "Phase",
        "Tensor",
        "Shape",
        "Difference",
        "Rounding explains",
        "Most at",
        text(pair.a),
        text(pair.b),
    ]
    rows = []
    for where in pair.places:
        values = formats.both(*where.values) if where.values is not None else (formats.MISSING, formats.MISSING)
        numbers = [formats.measured(where), formats.scientific(where.noise)]
        shape, element = formats.index(where.shape), formats.index(where.element)
        rows.append([f"{where.step:,}", where.phase, _tensor(where), shape, *numbers, element, *values])
    return table(head, rows, numbers=(0, 4, 5, 7, 8))


def _tensor(where: Place) -> str:
    name, rest = formats.tensor(where)
    return code_cell(name) + text(rest)


def _programs(result: Result, folder: Path | None) -> list[str]:
    written = [(side.name, side.program_file) for side in result.sides if side.program_file]
    links = [
        f"- {text(name)}: [{text(files.relative(path, folder))}]({files.link(path, folder)})" for name, path in written
    ]
    side_by_side = "Side by side, with the differing lines marked: [report.html](report.html#programs)."
    return ["## Programs", *(["\n".join(links)] if links else []), side_by_side]


def _repeat(result: Result) -> list[str]:
    parts = ["## Repeat this run", block(result.command, "console"), *(text(note) for note in result.notes)]
    folded = f"<details><summary>The spec</summary>\n\n{block(result.spec.text, 'yaml')}\n\n</details>"
    written = f"Written by parity {text(result.parity_version)}, {text(result.created)}."
    return [*parts, folded, f"{written} The numbers behind this page: [result.json](result.json)."]
