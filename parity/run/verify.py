"""A program is run as it was compiled or matched, or not at all.

Only the standard library: this module also runs inside workers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path


class ChangedError(Exception):
    """A file is not the one that was to be run; the message says which, and what to do."""


def verified(file: str | Path, files: Mapping[str, str]) -> bytes:
    """Return the content of a program: of what is run there is then no second reading.

    Args:
        file: the program.
        files: SHA-256 that the program, and what it imports from beside it, are to have, by path from its folder;
            empty where nothing is known of them.

    Raises:
        ChangedError: when one has another.
        OSError: when one cannot be read.
    """
    path = Path(file)
    content = path.read_bytes()
    for name, wanted in files.items():
        found = content if name == path.name else (path.parent / name).read_bytes()
        if hashlib.sha256(found).hexdigest() != wanted:
            raise ChangedError(f"{path.parent / name} was changed while the command was under way; run it again")
    return content
