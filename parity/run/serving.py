"""The worker's end of the wire: commands in, answers out, until the parent hangs up."""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import re
import sys
import threading
import time
import traceback
from types import TracebackType
from typing import Any

from parity.errors import printable, shortened
from parity.run.worker import Worker

COMMANDS = (
    "versions", "gpus", "undetermined", "inventory", "starts", "targets", "open", "predict", "train", "digest_state",
    "advance", "adopt", "publish", "leftovers", "probe", "defaults", "drawn", "stepped", "watched", "redrawn",
)  # fmt: skip
"""What a parent may ask for."""

LONGEST = 400
"""Letters of an error's own message that are told; the log has all of them."""

MACHINE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EIO, errno.EROFS})
"""What is no program's fault, by the system's number."""

WATCH_SECONDS = 0.5
"""How often a worker looks whether its parent still lives."""


def begun(error: BaseException) -> TracebackType | None:
    """Return the traceback of an error from where the program begins: what stands above is the harness."""
    here, trace = os.path.dirname(__file__), error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(here):
        trace = trace.tb_next
    return trace


def print_program_error(error: BaseException) -> None:
    """Print an error from where the program begins."""
    traceback.print_exception(type(error), error, begun(error) or error.__traceback__)


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # An exception is a program's own, too.
        return "its message cannot be read"


TRACED = re.compile(r"in user code:\n.*?\n\n\s+(?:\w+\.)*\w+: (.*)", re.DOTALL)
"""An error of a function that TensorFlow makes a graph of, with every line on the way, those of the harness first."""


def _in_program(text: str) -> str:
    r"""Return what an error says, without the lines on the way to it.

    >>> _in_program("in user code:\n\n    File 'a.py', line 1, in f  *\n        g()\n\n    ValueError: no\n")
    'no\n'
    """
    found = TRACED.fullmatch(text)
    return found[1] if found else text


def told(error: BaseException) -> str:
    """Return an error in one line that can be read: its type, what it says, and where in the program it was raised."""
    text = _said(error)
    if full(error):
        return f"out of memory{_device(text)}; lower training.batch_size, or see what else runs there"
    said = shortened(" ".join(printable(_in_program(text)).split()), LONGEST)
    place = _place(begun(error))
    return f"{type(error).__name__}: {said}{f' ({place})' if place else ''}"


def _place(trace: TracebackType | None) -> str:
    """Return the last line on the way to an error that is no library's, nor ours: file, line and function."""
    here = os.path.dirname(__file__)
    libraries = (sys.prefix, sys.base_prefix, "<frozen", os.path.dirname(here) + os.sep)
    found = ""
    for frame, line in traceback.walk_tb(trace):
        code = frame.f_code
        if code.co_filename.startswith(here):
            continue
        library = code.co_filename.startswith(libraries) or f"{os.sep}site-packages{os.sep}" in code.co_filename
        if not found or not library:
            inside = "" if code.co_name == "<module>" else f", in {code.co_name}"
            name = re.sub(r"-[0-9a-f]{16}(?=\.py$)", "", os.path.basename(code.co_filename))  # As people know it.
            found = f"{name}, line {line}{inside}"
    return found


FULL = ("OutOfMemoryError", "ResourceExhaustedError")
"""What PyTorch and TensorFlow raise where a device's memory is full."""


def full(error: BaseException) -> bool:
    """Return whether there was no memory left, of a device or of the machine."""
    named = any(one.__name__ in FULL for one in type(error).__mro__)
    return named or isinstance(error, MemoryError) or "DefaultCPUAllocator: can't allocate" in _said(error)


def _device(text: str) -> str:
    """Return where there was no memory left, and how much was asked for, as far as a framework says so."""
    asked = re.search(r"allocate:? ([\d.]+ ?(?:[KMGT]i?B|bytes))|(shape ?\[[\d,]+\])", text)
    place = re.search(r"GPU:? ?(\d+)", text)
    where = f" on GPU {place[1]}" if place else ""
    return f"{where}{f', asking for {asked[1] or asked[2]}' if asked else ''}"


def is_machines(error: BaseException) -> bool:
    """Return whether an error is the machine's fault."""
    return full(error) or (isinstance(error, OSError) and error.errno in MACHINE)


def end_with(parent: int) -> None:
    """End this process soon after its parent: one that was killed can tell it nothing."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parity-watch", daemon=True).start()


def end() -> None:
    """End this process as Python does, but for taking apart what was imported: of a framework, that takes a second."""
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)


def serve(channel: Any, log: str) -> None:
    """Answer commands until the parent hangs up.

    Args:
        channel: execnet's channel to the parent.
        log: file that takes everything the process prints.
    """
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    end_with(os.getppid())
    worker = Worker(channel)
    for command, payload in channel:
        try:
            if command not in COMMANDS:
                raise ValueError(f"unknown command {command!r}")
            channel.send(("done", getattr(worker, command)(**payload)))
        except BaseException as error:  # What a program raises can be anything, an interrupt or a base of its own.
            with contextlib.suppress(Exception):  # The disk may be full.
                print_program_error(error)
            channel.send(("machine" if is_machines(error) else "failed", told(error)))
