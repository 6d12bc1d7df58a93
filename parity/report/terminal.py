"""The last screen of a run: what was found, for someone who has not read the documentation.

Everything is printed as text, never as markup of rich, so that a name with brackets stays itself. Nothing is cut:
long words are folded, and paths of files stand on lines of their own that no width breaks.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from parity.report import lookup
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
from parity.report.sentences.finding import Finding
from parity.result import agreeing, formats
from parity.result.schema import Comparison, DifferenceFact, Explanation, Result

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

STYLES = {
    "divergent": "bold red",
    "inconclusive": "bold yellow",
    "rounding": "bold green",
    "identical": "bold green",
    "breaks": "bold red",
    "breaks and repairs": "bold red",
    "cause": "bold red",
    "repairs": "bold green",
    "with others": "bold red",
    "compensates": "bold",
    "makes up": "yellow",
    "said": "bold",
    "alike": "bold green",
    "missing": "bold yellow",
    "unsteady": "bold yellow",
    "own": "bold yellow",
    "undecided": "yellow",
    "neither": "yellow",
    "not examined": "yellow",
    "harmless": "dim",
    "inert": "dim",
}
"""Colours of verdicts and effects, where there are colours at all."""


def print_result(result: Result, console: Console, files: Sequence[Path] = ()) -> None:
    """Print what was found; ``files`` are those that were written, named at the end."""
    _head(result, console)
    _sides(result, console)
    _advice(result, console)
    _verdicts(result, console)
    _differences(result, console)
    _findings(result, console)
    _files(result, console, files)


MOST_PLACES = 6
"""More places of a comparison than this are counted, not shown."""

UNSAID = ("neither", "harmless", "inert", "untested")
"""The findings not told as sentences: the table above says which differences are harmless, inert or not examined."""

RUNNING = ("shares", "interactions", "together")
"""The findings whose items follow each other in one paragraph."""

TRY = ("cause", "repairs")
"""The findings whose patch is given as options: what mends the side that fails."""


def _line(console: Console, words: str, style: str = "", indent: int = 0, hang: int = 0) -> None:
    """Print a paragraph, wrapped at words, its later lines set in by ``hang`` more."""
    from rich.text import Text

    lines = Text(_shown(words)).wrap(console, max(console.width - indent - hang, 20))
    for number, line in enumerate(lines):
        line.rstrip()
        margin = " " * (indent + (hang if number else 0))
        console.print(Text.assemble(margin, (line.plain, style)), highlight=False)


def _title(console: Console, words: str) -> None:
    console.print()
    _line(console, words, "bold")


def _table() -> Table:
    """Make a table without borders: it reads the same piped into a file."""
    from rich.table import Table

    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)


def _head(result: Result, console: Console) -> None:
    console.print()
    _line(console, result.spec.question or result.spec.name, "bold")
    note = verdict.data_note(result)
    if note is None:
        _line(console, f"Data: {result.spec.data}")
        return
    console.rule(style="bold yellow", characters="!")
    _line(console, note, "bold yellow")
    _line(console, f"Data: {result.spec.data}", "yellow")
    console.rule(style="bold yellow", characters="!")


def _sides(result: Result, console: Console) -> None:
    table = _table()
    for name in ("side", "runs on"):
        table.add_column(name, overflow="fold")
    outcomes = epochs.side_metrics(result.sides, lookup.metric_name(result))
    for name in ("parameters", "first loss", "last loss", *outcomes):
        table.add_column(name, justify="right", no_wrap=True)
    for side in result.sides:
        ends = [formats.loss(side.losses[end] if side.losses else None) for end in (0, -1)]
        cells = [side.name, f"{side.framework} {side.version}", f"{side.parameters:,}", *ends]
        table.add_row(*_plain([*cells, *(formats.metric(side.metrics.get(name)) for name in outcomes)]))
    if result.sides:
        _title(console, "Sides")
        console.print(table, highlight=False)
    for failure in verdict.failure_notes(result):
        _line(console, failure, "bold red")
    for remark in (*verdict.side_notes(result), *targets.notes(result), *measures.notes(result)):
        _line(console, remark, "dim")
    if draws.known(result):
        _draws(result, console)


def _draws(result: Result, console: Console) -> None:
    table = _table()
    for name in draws.HEAD:
        table.add_column(name.lower(), overflow="fold")
    for cells in draws.rows(result):
        table.add_row(*_plain(cells))
    _title(console, draws.title(result))
    console.print(table, highlight=False)
    _line(console, draws.note(result), "dim")


def _advice(result: Result, console: Console) -> None:
    if result.advice:
        _title(console, advice.TITLE)
    for one in result.advice:
        _line(console, f"{advice.place(one)}: {advice.subject(one)}", "yellow", 0, 2)
        _line(console, f"{advice.what(one)} {advice.why(one)}", "", 2)
        _line(console, f"Fix: {one.fix}", "", 2)


def _plain(cells: Sequence[str]) -> list[Text]:
    from rich.text import Text

    return [Text(_shown(cell)) for cell in cells]


def _shown(words: str) -> str:
    """Drop what a terminal would obey instead of show: a name may hold escape sequences."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in words)


def _verdicts(result: Result, console: Console) -> None:
    overall = lookup.overall(result)
    _title(console, "Do they train the same?")
    for text in evidence.unsteady(result):
        _line(console, text, STYLES["inconclusive"])
    steady = evidence.steady(result)
    if steady is not None:
        _line(console, steady, "dim")
    _line(console, verdict.verdict_sentence(result), STYLES.get(overall or "", ""))
    for text in evidence.blame(result):
        _line(console, text)
    for text in evidence.noise(result):
        _line(console, text, "dim")
    for comparison in result.comparisons:
        _comparison(comparison, console)
    horizon = evidence.horizon(result)
    if horizon is not None:
        _line(console, horizon)


def _comparison(comparison: Comparison, console: Console) -> None:
    over = f"{comparison.precision}, {formats.checked(comparison)}"
    _line(console, f"{comparison.a} / {comparison.b}: {comparison.verdict} ({over})", STYLES[comparison.verdict], 2, 2)
    for told in agreeing.sentences(comparison):
        _line(console, told, "bold" if comparison.causes else "", 4, 2)
    if comparison.places:
        shown, rest = lookup.telling(comparison.places, MOST_PLACES)
        _line(console, f"{verdict.places_heading(comparison)}:", "", 4, 2)
        for where in shown:
            _line(console, f"- {evidence.place(where, comparison.a, comparison.b)}", "", 6, 2)
        if rest:
            _line(console, verdict.more_places(rest), "", 6, 2)
    for name, where in verdict.extremes(comparison):
        _line(console, f"{name}: {evidence.place(where, comparison.a, comparison.b)}", "", 4, 2)
    unmatched = verdict.unmatched(comparison)
    if unmatched is not None:
        _line(console, unmatched, "", 4, 2)
    free = evidence.free(comparison)
    if free is not None:
        _line(console, f"free runs: {free}", "", 4, 2)


def _differences(result: Result, console: Console) -> None:
    shown = False
    for a, b in lookup.pairs(result):
        items = lookup.differences_between(result, a, b)
        if items:
            shown = True
            _title(console, f"{formats.count(len(items), 'config difference')} between {a} and {b}")
            if result.explanation is not None and strikes.known(items):
                _strikes(result.explanation, items, console)
            console.print(_difference_table(result, items, a, console.width), highlight=False)
    if not shown:
        _title(console, "Config differences")
        _line(console, verdict.no_differences(result))


def _strikes(told: Explanation, items: Sequence[DifferenceFact], console: Console) -> None:
    """Print where each difference strikes first; those that provably do nothing stand in the next table only."""
    _line(console, f"{strikes.PROGRAM}, put alone into {told.good}:", "dim")
    table = _table()
    table.add_column("path", overflow="fold")
    table.add_column("strikes first", overflow="fold")
    for name in ("first\nupdate", "all that\nmoved"):
        table.add_column(name, justify="right", no_wrap=True)
    for cells in strikes.rows([item for item in items if not item.inert]):
        table.add_row(*_plain(cells))
    console.print(table, highlight=False)
    console.print()
    _line(console, f"{strikes.OUTCOME}:", "dim")


def _difference_table(result: Result, items: Sequence[DifferenceFact], a: str, width: int) -> Table:
    """Lay out differences, each path over its two values, so that both fit at 80 columns."""
    from rich.text import Text

    told = result.explanation if any(lookup.is_explained(result, item) for item in items) else None
    table, room = _table(), width - 22  # the effect's column
    table.add_column("path, and its two values", overflow="fold")
    if told is not None:
        # A level is a name of several words, and would leave the paths no room on one line.
        seeds = f"\n{_stacked(outcomes.tried_with(told))}" if told.effect_seeds else ""
        for name in (f"{_stacked(told.outcome)}\nalone{seeds}", f"taken\nback{seeds}"):
            table.add_column(name, justify="right", no_wrap=True)
            room -= max(len(line) for line in [*name.split("\n"), "missed"]) + 2
    table.add_column("effect", overflow="fold", max_width=20)
    for item in items:
        before, after = (formats.value(value) for value in lookup.values_from(item, a))
        change = _indented([f"{before} -> {after}"], room)
        change = change if "\n" not in change else _indented([before, f"-> {after}"], room)
        label = lookup.effect_label(item, result.explanation)
        effect = item.effect
        numbers = (effect.alone, effect.taken_back) if effect is not None else (None, None)
        cells = [outcomes.cell(told, number) for number in numbers] if told is not None else []
        why = lookup.why(item)
        reason = f": {why}" if why else ""
        table.add_row(
            Text.assemble((_shown(item.path), "bold"), "\n", change),
            *_plain(cells),
            Text.assemble((label, STYLES[label]), _shown(reason)),
        )
    return table


def _indented(lines: Sequence[str], room: int) -> str:
    """Set lines in under what they belong to, those that are too long wrapped."""
    wrapped = [
        part
        for line in lines
        for part in textwrap.wrap(
            _shown(line), max(room, 20), initial_indent="  ", subsequent_indent="     ", break_on_hyphens=False
        )
    ]
    return "\n".join(wrapped)


def _stacked(name: str) -> str:
    """Break a name of several words into lines."""
    return "\n".join(textwrap.wrap(_shown(name), 12, break_long_words=False))


def _findings(result: Result, console: Console) -> None:
    found = [finding for finding in findings.findings(result) if finding.kind not in UNSAID]
    if not found:
        return
    _title(console, findings.TITLE)
    for finding in found:
        _finding(finding, console)
    for note in findings.notes(result):
        _line(console, note, "dim")


def _finding(finding: Finding, console: Console) -> None:
    style = STYLES.get(finding.kind, "")
    if finding.kind in RUNNING:
        _line(console, finding.text, style, 0, 2)
        return
    if finding.named:  # The table above has the values.
        _line(console, f"{finding.lead}.", style, 0, 2)
        return
    _line(console, finding.lead + (":" if finding.items else ""), style, 0, 2)
    for item in finding.items:
        _line(console, f"- {item.text}", "", 2, 2)
    options = [option for patch in finding.patches for option in patch.options]
    if finding.kind in TRY and options:
        _line(console, "To try it, run the same with" + (" one of" if len(finding.patches) > 1 else ""), "dim", 2)
        for option in options:
            # On a line of its own that no width breaks, so that it can be copied.
            console.out(f"    {_shown(option)}", highlight=False)


def _files(result: Result, console: Console, files: Sequence[Path]) -> None:
    for note in result.notes:
        _line(console, f"Note: {note}", "dim")
    _title(console, "Files" if files else "Again")
    named = [f"{path}" for path in files]
    # A program's relative path starts at the folder of the report; an absolute one stays itself.
    named += [str(files[0].parent / side.program_file) for side in result.sides if side.program_file and files]
    for path in dict.fromkeys(named):
        console.out(f"  {_shown(path)}", highlight=False)
    console.out(f"{'Again: ' if files else '  '}{_shown(result.command)}", highlight=False)
