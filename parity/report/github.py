"""What GitHub is told where it runs a command: annotations beside the lines, and a summary of the job.

Source: GitHub's documentation, *Workflow commands*: ``GITHUB_ACTIONS``, ``GITHUB_STEP_SUMMARY``, ``::error file=::``.
Nothing but the standard library is imported before there is something to tell.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from parity.result.schema import Result

Level = Literal["error", "warning", "notice"]

MOST = 20
"""Differences that a summary lists; GitHub shows ten annotations of a level for each step."""


def reads_along() -> bool:
    """Return whether GitHub reads what is printed."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def annotation(text: str, *, file: str = "", line: int | None = None, level: Level = "error") -> str:
    """Return a workflow command that sets a text beside a line.

    >>> annotation("50% off", file="a.py", line=3)
    '::error file=a.py,line=3,title=parity::50%25 off'

    Args:
        text: what is said.
        file: that it is about, as seen from the repository's folder; none if empty.
        line: in it, counted from 1; none if None.
        level: how grave it is.
    """
    where = {"file": file, "line": "" if line is None else str(line), "title": "parity"}
    told = ",".join(f"{name}={_escaped(value)}" for name, value in where.items() if value)
    return f"::{level} {told}::{_escaped(text, inside=False)}"


def tell(result: Result, to_error: bool = False) -> None:
    """Tell GitHub what was found, if it reads along; nothing else happens anywhere else.

    Args:
        result: what was found.
        to_error: print annotations on standard error, since standard output is for data.
    """
    if reads_along():
        for one in annotated(result):
            print(one, file=sys.stderr if to_error else sys.stdout)
    append(summary, result)


def tell_lines(lines: Sequence[str], *, file: str, fails: bool, to_error: bool = False) -> None:
    """Tell GitHub what stands in lines, if it reads along: all of it in the summary, and beside the file if it fails.

    Args:
        lines: what was found.
        file: that it is about.
        fails: it is not as it should be.
        to_error: print the annotation on standard error.
    """
    if fails and reads_along():
        text = annotation("\n".join(lines), file=_seen(file), line=1)
        print(text, file=sys.stderr if to_error else sys.stdout)
    append(lambda told: "\n".join(["```text", *told, "```"]), lines)


def append(text_of: Callable[[Any], str], told: Any) -> None:
    """Append to the summary of the job, where GitHub keeps one.

    Args:
        text_of: makes the Markdown; called only where there is a summary.
        told: what it is made of.
    """
    file = os.environ.get("GITHUB_STEP_SUMMARY", "")
    if not file:
        return
    try:
        with Path(file).open("a", encoding="utf-8") as handle:
            handle.write(f"{text_of(told)}\n")
    except OSError as error:
        print(f"GITHUB_STEP_SUMMARY, {file}: {error.strerror}; the summary is left out", file=sys.stderr)


def annotated(result: Result) -> Iterator[str]:
    """Yield what stands beside lines: the verdict at the spec, differences in programs by hand, and advice.

    Args:
        result: what was found.
    """
    from parity.report import lookup
    from parity.report.sentences import verdict

    grave = {"divergent": "error", "inconclusive": "warning"}.get(lookup.overall(result) or "")
    if grave is not None:
        level: Level = "error" if grave == "error" else "warning"
        text = " ".join([f"{verdict.heading(result)}.", verdict.verdict_sentence(result), *_own_causes(result)])
        yield annotation(text, file=_seen(result.spec.file), line=1 if result.spec.file else None, level=level)
        by_hand = {side.name for side in result.sides if side.by_hand}
        for one in result.differences:
            for line in one.lines if not one.inert else ():
                if line.side in by_hand:
                    yield annotation(
                        _change(one.path, one.a, one.b), file=_seen(line.file), line=line.line, level=level
                    )
    for advice in result.advice:
        text = f"{advice.what}. {advice.why} {advice.fix}"
        yield annotation(text, file=_seen(advice.file), line=advice.line, level="warning")


def summary(result: Result) -> str:
    """Return the answer as Markdown, with the differences of sides that do not agree, and how to repeat it.

    Args:
        result: what was found.
    """
    from parity.report import brief, lookup, markdown
    from parity.result import formats

    parts = [markdown.draw(brief.brief(result, [])).rstrip(), *map(_marked, _own_causes(result))]
    live = [one for one in result.differences if not one.inert]
    if live and lookup.overall(result) != "identical":
        rows = [
            f"| {markdown.code(one.path)} | {_cell(formats.value(one.a))} | {_cell(formats.value(one.b))} |"
            for one in live[:MOST]
        ]
        a, b = live[0].a_side, live[0].b_side
        head = [f"| difference | {markdown.text(a)} | {markdown.text(b)} |", "|---|---|---|"]
        parts.append("\n".join([*head, *rows]))
        if len(live) > MOST:
            parts.append(f"and {len(live) - MOST} more")
    parts.append(f"To repeat it: {markdown.code(result.command)}")
    return "\n\n".join(parts)


def _own_causes(result: Result) -> list[str]:
    """Return what makes a program of somebody's own do what its config says, a sentence each."""
    from parity.result import agreeing

    return [*dict.fromkeys(sentence for pair in result.comparisons for sentence in agreeing.sentences(pair))]


def _marked(sentence: str) -> str:
    """Return a sentence as Markdown: what stands in backticks is code."""
    from parity.report import markdown
    from parity.result import agreeing

    return "".join(markdown.code(piece) if is_code else f" {markdown.text(piece)} " for is_code, piece in
                   agreeing.pieces(sentence)).strip()  # fmt: skip


def _change(path: str, a: object, b: object) -> str:
    from parity.result import formats

    return f"{path}: {formats.value(a)} -> {formats.value(b)}"


def _cell(text: str) -> str:
    from parity.report import markdown

    return markdown.code(text).replace("|", "\\|")


def _seen(file: str | None) -> str:
    """Return a file as seen from the folder of the repository, where it is in it."""
    root = os.environ.get("GITHUB_WORKSPACE", "")
    if not file or not root:
        return file or ""
    path = Path(file).resolve()
    return path.relative_to(Path(root).resolve()).as_posix() if path.is_relative_to(Path(root).resolve()) else file


def _escaped(text: str, inside: bool = True) -> str:
    """Return text as a workflow command of GitHub's takes it."""
    found = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return found.replace(":", "%3A").replace(",", "%2C") if inside else found
