"""Files that appear under their name once they are whole, and what a killed process left of them.

Only the standard library: this module also runs inside workers.
"""

from __future__ import annotations

import fcntl
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PART = ".part"
"""How the name of a file ends that is not whole yet; whoever writes it holds a lock on it as long as he lives."""

_numbers = itertools.count()


@contextmanager
def whole(file: Path) -> Iterator[IO[bytes]]:
    """Give a file to write to, which takes its name when the block ends and is gone when the block fails.

    Made as any file is, with the permissions that the umask leaves.

    Args:
        file: that comes to be; its folder is made where there is none.

    Raises:
        OSError: when it cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = _begun(file)
    part = Path(handle.name)
    try:
        with handle:  # Closed, and with it unlocked, only when it is whole: nobody takes it for left behind.
            yield handle
            handle.flush()
            os.replace(part, file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _begun(file: Path) -> IO[bytes]:
    """Return a new part of a file, locked."""
    while True:
        part = file.with_name(f"{file.name}.{os.getpid()}-{next(_numbers)}{PART}")
        try:
            handle = part.open("x+b")
        except FileExistsError:
            continue  # Of a process that had the same number on another machine, or before this one.
        with suppress(OSError):  # A file system without locks: then nothing is ever taken for left behind.
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle.fileno()).st_nlink:
            return handle
        handle.close()  # Between its creation and its lock another process took it for left behind.


def sweep(folder: Path) -> None:
    """Remove the parts whose writers are gone; those of living ones are locked, and stay.

    Args:
        folder: where they are, which need not be there.
    """
    for part in folder.glob(f"*{PART}"):
        try:
            handle = os.open(part, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue  # Whole by now, or somebody else's.
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink(missing_ok=True)
        except OSError:
            continue  # Its writer lives.
        finally:
            os.close(handle)
