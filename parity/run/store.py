"""Finished runs, kept under a hash of everything that decides them, and believed only while they are as they were put.

A run's file has the checksum of its own content, and so has its trace: a file that was cut short, or in which a digit
is another, is found when it is read. It then counts as none, the run is made again, and the store remembers that, so
that it can be said.
"""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np

from parity.atomic import sweep, whole
from parity.run.trace import DamagedError, read_trace, verify_trace
from parity.run.trajectory import Trajectory

PROTOCOL = 5
"""Raised when a run of the same inputs would record something else: old runs are then not used."""

CHECKSUM = "checksum"
"""Key of a run's file under which the SHA-256 of everything after it stands."""


def run_key(**decides: Any) -> str:
    """Return the hash of everything that decides a run.

    Args:
        decides: program source, data fingerprint, initial weights, versions, precision, threads, steps, ...
    """
    text = json.dumps({"protocol": PROTOCOL, **decides}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:20]


class Store:
    """A folder of finished runs, one file each; a run is in it whole or not at all.

    Args:
        folder: where the files are; made when the first run is kept.

    ``damaged`` has the names of the files that were found not to hold what was put into them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: set[str] = set()
        self._verified: dict[Path, tuple[int, int, int]] = {}
        self._lock = threading.Lock()
        sweep(folder)

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def trace(self, key: str) -> Path:
        """Return the file of a run's trace, see ``parity.run.trace``."""
        return self.folder / f"{key}.parquet"

    def traced(self, key: str) -> bool:
        """Return whether a run's trace is kept, and is what was written."""
        file = self.trace(key)
        try:
            state = file.stat()
            mark = (state.st_ino, state.st_size, state.st_mtime_ns)
            with self._lock:
                if self._verified.get(file) == mark:
                    return True
            verify_trace(file)
        except DamagedError:
            self._found_damaged(file)
            return False
        except OSError:
            return False
        with self._lock:
            self._verified[file] = mark
        return True

    def read(self, key: str) -> dict[tuple[str, str], np.ndarray]:
        """Return a run's trace, see :func:`parity.run.trace.read_trace`; empty where none is kept, or it is damaged."""
        try:
            return read_trace(self.trace(key))
        except DamagedError:
            self._found_damaged(self.trace(key))
            return {}
        except OSError:
            return {}

    def get(self, key: str) -> Trajectory | None:
        """Return a kept run, or None; a file that does not hold what was put into it counts as none."""
        file = self._file(key)
        try:
            content = file.read_bytes()
        except OSError:
            return None
        try:
            run = _checked(content)
        except (ValueError, TypeError, KeyError, RecursionError):
            self._found_damaged(file)
            return None
        return run if run.key == key else None

    def put(self, run: Trajectory) -> None:
        """Keep a finished run.

        Raises:
            OSError: when it cannot be written.
        """
        text = run.to_json()
        with whole(self._file(run.key)) as file:
            file.write(f"{_head(text)},{text.removeprefix('{')}".encode())

    def _found_damaged(self, file: Path) -> None:
        with self._lock:
            self.damaged.add(file.name)


def _checked(content: bytes) -> Trajectory:
    """Return the run that a file's content is of.

    Raises:
        ValueError: when the content is not what was put, to the last byte.
    """
    first, _, rest = content.decode("utf-8").partition(",")
    text = "{" + rest
    if first != _head(text):
        raise ValueError("its checksum does not hold")
    return Trajectory.from_json(text, cached=True)


def _head(text: str) -> str:
    """Return how the file of a run begins: as JSON with the checksum of all that follows."""
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps({CHECKSUM: checksum}, indent=1).rstrip("\n}")
