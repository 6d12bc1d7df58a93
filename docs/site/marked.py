"""Docstrings and cells as Markdown."""

from __future__ import annotations

import re

CODE = re.compile(r"``(.+?)``", re.S)


def marked(text: str) -> str:
    """Return text of a docstring as Markdown: code stays code, and of the rest nothing is taken for markup."""
    parts = CODE.split(text)
    return "".join(f"`{part}`" if odd % 2 else _plain(part) for odd, part in enumerate(parts))


def cell(text: str) -> str:
    """Return text as a cell of a table."""
    return marked(" ".join(text.split())).replace("|", "\\|")


def code(text: str) -> str:
    """Return a value as code in a cell of a table; nothing of nothing."""
    return f"`{text}`".replace("|", "\\|") if text else ""


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", text)
