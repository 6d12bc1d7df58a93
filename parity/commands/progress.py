"""What is under way and for how long still, on standard error, only on a terminal."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Tell = Callable[[str, float], None]
"""Told what is under way, and the share of its part of the work that is done."""

COUNTED = re.compile(r"\d+ of \d+")
"""What a text has that counts how far it is."""

SOONEST = 3.0
"""Seconds of a part of the work before which no time is told: the first steps take longer than all others."""

LEAST = 0.05
"""Share of a part that must be done before a time is told."""


def silent(text: str, share: float) -> None:
    """Show nothing of what is under way; arguments as what :func:`progress` yields has them."""


@dataclass
class Left:
    """How long a part of the work will take still, by how long its share that is done has taken.

    The work has parts (a training, a lockstep, a search), each of which begins at 0. What a part will be is not known
    before it begins, so no time is told beyond it.

    Args:
        clock: seconds, which only go on.
    """

    clock: Callable[[], float] = time.monotonic
    _begun: float | None = field(default=None, init=False)
    _from: float = field(default=0.0, init=False)
    _last: float = field(default=0.0, init=False)

    def told(self, text: str, share: float) -> str:
        """Return how long it will take, in words; empty where that is not known yet.

        Args:
            text: what is under way. Of what it does not count (``step 3 of 8``) no time is told: how many runs a search
                makes depends on what they show.
            share: of the part that is done, 0 to 1.
        """
        now = self.clock()
        if self._begun is None or share < self._last:
            self._begun, self._from = now, share
        self._last = share
        passed, done = now - self._begun, share - self._from
        if passed < SOONEST or done < LEAST or share >= 1.0 or not COUNTED.search(text):
            return ""
        return f"about {in_words(passed * (1.0 - share) / done)} more"


def in_words(seconds: float) -> str:
    """Return a time as somebody would say it.

    >>> in_words(7.2), in_words(48.0), in_words(400.0), in_words(9000.0)
    ('10 s', '50 s', '7 min', '2.5 h')
    """
    if seconds < 55:
        return f"{max(10, round(seconds / 10) * 10)} s"
    return f"{max(1, round(seconds / 60))} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


@contextmanager
def progress(enabled: bool = True) -> Iterator[Tell]:
    """Yield the function that is told what is under way and the share of it that is done.

    Args:
        enabled: whether to show anything at all.
    """
    if not enabled or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    one_line = Column(no_wrap=True, overflow="ellipsis", ratio=1)
    columns = (
        BarColumn(bar_width=12), TimeElapsedColumn(), TextColumn("{task.fields[left]}", markup=False),
        TextColumn("{task.description}", markup=False, table_column=one_line),
    )  # fmt: skip
    left = Left()
    with Progress(*columns, console=Console(stderr=True), transient=True, expand=True) as bar:
        task = bar.add_task("starting the frameworks", total=1.0, left="")
        yield lambda text, share: bar.update(task, description=text, completed=share, left=left.told(text, share))
