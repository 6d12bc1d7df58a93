"""What is known before a command is done: a page that grows, and a line on standard error for what was found."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import click

from parity.report import arrange_lessons
from parity.report import document as doc
from parity.report.sentences import answers, verdict
from parity.report.write import write_page
from parity.result.schema import Result

EVERY = 8.0
"""Seconds between two writings of the page at least: each takes a second of a core that the runs want."""


@dataclass(kw_only=True)
class GrowingPage:
    """Writes the page again and again while a command goes on, and says each answer once.

    Args:
        folder: of the report.
        say: told a line.
        clock: seconds, which only go on.
    """

    folder: Path
    say: Callable[[str], None] = lambda text: click.echo(text, err=True)
    clock: Callable[[], float] = time.monotonic
    _begun: float = field(init=False)
    _written: float | None = field(default=None, init=False)
    _said: str = field(default="", init=False)

    def __post_init__(self) -> None:
        """Begin to count."""
        self._begun = self.clock()

    def __call__(self, result: Result) -> None:
        """Write the page, unless it was written a moment ago; say what is new."""
        first = self._written is None
        if self._written is None or self.clock() - self._written >= EVERY:
            with contextlib.suppress(OSError):  # A full disk: said when the report is written.
                _, page = write_page(result, self.folder)
                if first:
                    self._tell(f"{verdict.heading(result)}; {page} can be read, and grows")
            self._written = self.clock()
        told = answers.answer(result)
        text = doc.plain(arrange_lessons.short(told)) if told is not None else self._said
        if text != self._said:
            self._tell(text)
        self._said = text

    def _tell(self, text: str) -> None:
        self.say(f"{self.clock() - self._begun:.0f} s: {text}")
