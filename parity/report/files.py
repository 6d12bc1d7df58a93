"""Files of a report: written whole or not at all, linked so that the folder can be moved."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from parity.atomic import whole
from parity.report.document import Span


def write(path: Path, content: str | bytes) -> Path:
    """Write a file under a temporary name and rename it, so that a reader never meets half of it."""
    with whole(path) as file:
        file.write(content.encode("utf-8") if isinstance(content, str) else content)
    return path


def relative(target: str, folder: Path | None) -> str:
    """Give the path of a file as seen from the report's folder; a relative one is of that folder already.

    >>> relative("/tmp/report/programs/a b.py", Path("/tmp/report"))
    'programs/a b.py'
    """
    path = Path(target)
    if folder is not None and path.is_absolute():
        path = Path(os.path.relpath(path, folder.resolve()))
    return path.as_posix()


def link(target: str, folder: Path | None) -> str:
    """Give the same as an address that is safe to stand in a page.

    >>> link("programs/a b.py", None), link("javascript:alert(1)", None)
    ('programs/a%20b.py', 'javascript%3Aalert%281%29')
    """
    return quote(relative(target, folder))


def linked(target: str, folder: Path | None) -> Span:
    """Give the path of a file, linked to it."""
    return Span(relative(target, folder), target=link(target, folder))
