"""A progress bar on standard error, only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def silent(text: str, share: float) -> None:
    """Show nothing of what is under way; arguments as what :func:`progress` yields has them."""


@contextmanager
def progress(enabled: bool = True) -> Iterator[Callable[[str, float], None]]:
    """Yield the function that is told what is under way and the share of it that is done.

    Args:
        enabled: whether to show anything at all.
    """
    if not enabled or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(bar_width=20), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda text, share: bar.update(task, description=text, completed=share)
