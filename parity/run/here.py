"""Where a program under way stands: its own innermost line and function, past what frameworks and parity do for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

LIBRARIES = (sys.prefix, sys.base_prefix, str(Path(__file__).resolve().parents[1]), "<")
"""Where files begin that are no program of anybody's: Python, parity, and what is no file."""


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
