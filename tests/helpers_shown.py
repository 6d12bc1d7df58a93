"""What a page shows as printed, and what a command prints: held word for word, whatever the numbers come to."""

from __future__ import annotations

import re
from pathlib import Path

from helpers_commands import command

ROOT = Path(__file__).resolve().parents[1]
NUMBER = re.compile(r"[-+]?\d[\d.,]*(?:e[-+]?\d+)?")
LEFT_OUT = re.compile(r"\.\.\.")


def worded(text: str) -> str:
    """Return the words of a text on one line, a mark in the place of each number."""
    return NUMBER.sub("#", " ".join(text.split()))


def shown(beginning: str, page: str = "README.md") -> str:
    """Return the block of a page that is printed by a command: the one behind what begins so.

    Args:
        beginning: of a line; where that is a line of a block itself, what stands below it there.
        page: from the root.
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    _, found, behind = text.partition(beginning)
    assert found, f"{page} shows no {beginning}"
    lines = behind.partition("\n")[2].splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("    "))
    block = []
    for line in lines[first:]:
        if line and not line.startswith("    "):
            break
        block.append(line)
    return "\n".join(block)


def printed(*arguments: str, cwd: Path = ROOT) -> str:
    """Return what a command prints that ends as one that answered."""
    done = command(*arguments, cwd=cwd)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def assert_shown(block: str, said: str) -> None:
    """Assert that a text has all words of a block in their order; where the block has dots, something is left out."""
    rest = worded(said)
    for part in filter(None, (one.strip() for one in LEFT_OUT.split(worded(block)))):
        _, found, rest = rest.partition(part)
        assert found, f"not printed: {part}\n\nprinted: {worded(said)}"
