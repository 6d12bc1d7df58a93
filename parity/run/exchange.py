"""Tensors handed from process to process through memory-mapped files.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from pathlib import Path

import numpy as np

MOST_OPEN = 128
"""Files held open for writing at once: each takes a descriptor, of which a process has a thousand."""


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
        self._open: OrderedDict[str, np.memmap] = OrderedDict()
        self._kinds: dict[str, tuple[tuple[int, ...], np.dtype]] = {}

    def _file(self, name: str) -> Path:
        # Two names that differ in case or in a sign a file system refuses must not meet in one file.
        readable = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:80]
        return self.folder / f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.npy"

    def put(self, name: str, value: np.ndarray) -> None:
        """Write an array under a name.

        Args:
            name: of the array; any text.
            value: the array.
        """
        value = np.asarray(value)
        self._writable(name, value)[...] = value

    def post(self, name: str, value: np.ndarray) -> None:
        """Write an array under a name that is written once: nothing is held open for the next time."""
        self._made(name, np.asarray(value))[...] = value

    def _writable(self, name: str, value: np.ndarray) -> np.memmap:
        kind = (value.shape, value.dtype)
        kept = self._open.pop(name, None)
        if self._kinds.get(name) != kind:
            kept = None
        elif kept is None:
            kept = np.load(self._file(name), mmap_mode="r+")
        if kept is None:
            kept = self._made(name, value)
            self._kinds[name] = kind
        self._open[name] = kept
        if len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)
        return kept

    def _made(self, name: str, value: np.ndarray) -> np.memmap:
        # A new file in place of the old one: cut short, the old one would kill whoever still reads it.
        self._file(name).unlink(missing_ok=True)
        return np.lib.format.open_memmap(self._file(name), mode="w+", dtype=value.dtype, shape=value.shape)

    def drop(self, name: str) -> None:
        """Remove the array under a name, where there is one; whoever has it from :meth:`get` keeps it."""
        self._open.pop(name, None)
        self._kinds.pop(name, None)
        self._file(name).unlink(missing_ok=True)

    def get(self, name: str) -> np.ndarray:
        """Return the array under a name, as it is now; later writes show through."""
        return np.load(self._file(name), mmap_mode="r")

    def has(self, name: str) -> bool:
        """Return whether there is an array under a name."""
        return self._file(name).exists()
