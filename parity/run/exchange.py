"""Tensors handed from process to process through memory-mapped files.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np


class Exchange:
    """A folder of named arrays; written by one process at a time, read by others once it has said so.

    A name keeps its file while shape and dtype stay, so a tensor of gigabytes is allocated once and overwritten
    every step.

    Args:
        folder: where the files are, best on a file system in memory.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._open: dict[str, np.memmap] = {}

    def _file(self, name: str) -> Path:
        # Two names that differ in case or in a sign a file system refuses must not meet in one file.
        readable = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:80]
        return self.folder / f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.npy"

    def put(self, name: str, value: np.ndarray) -> None:
        """Write an array under a name."""
        value = np.asarray(value)
        kept = self._open.get(name)
        if kept is None or kept.shape != value.shape or kept.dtype != value.dtype:
            # A new file in place of the old one: cut short, the old one would kill whoever still reads it.
            self._file(name).unlink(missing_ok=True)
            kept = np.lib.format.open_memmap(self._file(name), mode="w+", dtype=value.dtype, shape=value.shape)
            self._open[name] = kept
        kept[...] = value

    def get(self, name: str) -> np.ndarray:
        """Return the array under a name, as it is now; later writes show through."""
        return np.load(self._file(name), mmap_mode="r")

    def has(self, name: str) -> bool:
        """Return whether there is an array under a name."""
        return self._file(name).exists()
