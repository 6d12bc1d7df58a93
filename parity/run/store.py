"""Finished runs, kept under a hash of everything that decides them."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from parity.run.trajectory import Trajectory

PROTOCOL = 4
"""Raised when a run of the same inputs would record something else: old runs are then not used."""


def run_key(**decides: Any) -> str:
    """Return the hash of everything that decides a run.

    Args:
        decides: program source, data fingerprint, initial weights, versions, precision, threads, steps, ...
    """
    text = json.dumps({"protocol": PROTOCOL, **decides}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


class Store:
    """A folder of finished runs, one file each; a run is in it whole or not at all.

    Args:
        folder: where the files are; made when the first run is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def trace(self, key: str) -> Path:
        """Return the file of a run's trace, see ``parity.run.trace``."""
        return self.folder / f"{key}.parquet"

    def traced(self, key: str) -> bool:
        """Return whether a run's trace is kept."""
        return self.trace(key).exists()

    def get(self, key: str) -> Trajectory | None:
        """Return a kept run, or None; a file that cannot be read counts as none."""
        try:
            run = Trajectory.from_json(self._file(key).read_text(), cached=True)
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return run if run.key == key else None

    def put(self, run: Trajectory) -> None:
        """Keep a finished run."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.folder, suffix=".part")
        try:
            with os.fdopen(handle, "w") as file:
                file.write(run.to_json())
            os.replace(name, self._file(run.key))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
