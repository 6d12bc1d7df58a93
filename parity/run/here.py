"""Where a program under way stands: its own innermost line and function, past what frameworks and parity do for it."""

from __future__ import annotations

import ast
import itertools
import linecache
import os
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import FrameType

LIBRARIES = (sys.prefix, sys.base_prefix, str(Path(__file__).resolve().parents[1]), "<")
"""Where files begin that are no program of anybody's: Python, parity, and what is no file."""


Span = tuple[int | None, int | None, int | None, int | None]
"""First and last line, first and last column."""


def is_library(file: str) -> bool:
    """Return whether a file is none of a program's own."""
    return file.startswith(LIBRARIES) or f"{os.sep}site-packages{os.sep}" in file


def frames_here() -> Iterator[FrameType]:
    """Return the frames of a program under way, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not is_library(frame.f_code.co_filename):
            yield frame
        frame = frame.f_back


def line_here() -> str:
    """Return the innermost line of a program under way, ``train.py, line 12``; empty where there is none."""
    frame = next(frames_here(), None)
    return "" if frame is None else f"{os.path.basename(frame.f_code.co_filename)}, line {frame.f_lineno}"


def function_here() -> str:
    """Return the innermost function of a program under way, with its class where it is a method.

    ``<module>`` outside of any; empty where there is none.
    """
    frame = next(frames_here(), None)
    if frame is None:
        return ""
    code = frame.f_code  # Of Python 3.10, no class is known.
    return str(getattr(code, "co_qualname", code.co_name)).rpartition("<locals>.")[2]


def span_of(frame: FrameType) -> Span | None:
    """Return where in its file the operation stands that a function is at; None where its code does not say."""
    if not hasattr(frame.f_code, "co_positions"):  # Of Python 3.10.
        return None
    return next(itertools.islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), None)


def tree_of(frame: FrameType) -> ast.Module:
    """Return the file of a function that is under way, as it is now; an empty one of what is no Python."""
    linecache.checkcache(frame.f_code.co_filename)
    return _parsed("".join(linecache.getlines(frame.f_code.co_filename)))


@lru_cache(maxsize=8)
def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.Module([], [])
