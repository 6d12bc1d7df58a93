"""Tensors handed from process to process through memory-mapped files.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

import hashlib
import io
import mmap
import os
import re
from collections import OrderedDict
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from numpy.lib import format as npy

MOST_OPEN = 128
"""Files held open for writing at once: each takes a descriptor, of which a process has a thousand."""


BEGIN = 128
"""Bytes that hold the header of an array of few axes: as many as NumPy writes."""


@lru_cache(maxsize=4096)
def _file_name(name: str) -> str:
    # Two names that differ in case or in a sign a file system refuses must not meet in one file.
    readable = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:80]
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.npy"


@lru_cache(maxsize=4096)
def _header(begin: bytes) -> tuple[tuple[int, ...], Literal["C", "F"], np.dtype, int]:
    """Return shape, order and dtype of an array and where it begins, from the first bytes of its file."""
    file = io.BytesIO(begin)
    npy.read_magic(file)
    shape, fortran, dtype = npy.read_array_header_1_0(file)
    return shape, "F" if fortran else "C", dtype, file.tell()


def _mapped(file: BinaryIO, access: int) -> np.ndarray:
    """Return the array of an open file in NumPy's format, as ``np.load`` does in several times the time.

    Args:
        file: that is read from its beginning.
        access: of ``mmap``.
    """
    begin = file.read(BEGIN)
    size = 10 + int.from_bytes(begin[8:10], "little")
    begin = begin[:size] if size <= BEGIN else begin + file.read(size - BEGIN)
    shape, order, dtype, offset = _header(begin)
    return np.ndarray(shape, dtype, mmap.mmap(file.fileno(), 0, access=access), offset, order=order)


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
        self._folder = os.fspath(self.folder)
        self._open: OrderedDict[str, np.ndarray] = OrderedDict()
        self._kinds: dict[str, tuple[tuple[int, ...], np.dtype]] = {}

    def _file(self, name: str) -> str:
        return os.path.join(self._folder, _file_name(name))

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

    def _writable(self, name: str, value: np.ndarray) -> np.ndarray:
        kind = (value.shape, value.dtype)
        kept = self._open.pop(name, None)
        if self._kinds.get(name) != kind:
            kept = None
        elif kept is None:
            with open(self._file(name), "r+b") as file:
                kept = _mapped(file, mmap.ACCESS_WRITE)
        if kept is None:
            kept = self._made(name, value)
            self._kinds[name] = kind
        self._open[name] = kept
        if len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)
        return kept

    def _made(self, name: str, value: np.ndarray) -> np.ndarray:
        # A new file in place of the old one: cut short, the old one would kill whoever still reads it.
        path = self._file(name)
        _remove(path)
        head = io.BytesIO()
        told = {"descr": npy.dtype_to_descr(value.dtype), "fortran_order": False, "shape": value.shape}
        npy.write_array_header_1_0(head, told)
        with open(path, "w+b") as file:
            file.write(head.getvalue())
            file.truncate(head.tell() + value.nbytes)
            file.seek(0)
            return _mapped(file, mmap.ACCESS_WRITE)

    def drop(self, name: str) -> None:
        """Remove the array under a name, where there is one; whoever has it from :meth:`get` keeps it."""
        self._open.pop(name, None)
        self._kinds.pop(name, None)
        _remove(self._file(name))

    def get(self, name: str) -> np.ndarray:
        """Return the array under a name, as it is now; later writes show through."""
        with open(self._file(name), "rb") as file:
            return _mapped(file, mmap.ACCESS_READ)

    def has(self, name: str) -> bool:
        """Return whether there is an array under a name."""
        return os.path.exists(self._file(name))


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)
