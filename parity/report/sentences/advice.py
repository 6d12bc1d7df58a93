"""Advice in words: a heading and three sentences, the same in every report and in ``parity lint``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parity.result import formats
from parity.result.schema import AdviceFact, Lint

if TYPE_CHECKING:
    from rich.console import Console

TITLE = "Advice before training"


def subject(one: AdviceFact) -> str:
    """Name the rule and the sides it is about."""
    return f"{one.rule.replace('_', ' ')} ({', '.join(one.sides)})"


def place(one: AdviceFact) -> str:
    """Say where to look: file, line and path, as far as they are known."""
    return ":".join(str(part) for part in (one.file, one.line) if part is not None) or one.path


def why(one: AdviceFact) -> str:
    """Say why it goes wrong, as a sentence."""
    return sentence(one.why)


def what(one: AdviceFact) -> str:
    """Say what stands there, as a sentence."""
    return sentence(one.what)


def sentence(text: str) -> str:
    """Begin with a capital where that is a word and no path, and end with a full stop."""
    first = text.split(maxsplit=1)[0]
    begun = text if {".", "_"} & set(first) else text[0].upper() + text[1:]
    return f"{begun.rstrip('.')}."


def print_lint(found: Lint, console: Console) -> None:
    """Print the advice on a spec, or that there is none; a line is not broken, so that an editor can follow it."""

    def line(text: str, style: str = "") -> None:
        # What a terminal would obey instead of show is dropped: a name may hold escape sequences.
        plain = "".join(letter if letter.isprintable() else " " for letter in text)
        console.print(plain, style=style, markup=False, highlight=False, soft_wrap=True)

    for one in found.advice:
        line(f"{place(one)}: {subject(one)}", "bold")
        for text in (what(one), why(one), f"Fix: {one.fix}"):
            line(f"  {text}")
    for note in found.notes:
        line(f"Note: {note}", "dim")
    given = formats.count(len(found.advice), "piece") + " of advice" if found.advice else "nothing to advise"
    line(f"{found.spec}: {given} (sides: {', '.join(found.sides)})")
