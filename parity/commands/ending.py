"""How a command ends: one line and an exit code, whatever went wrong.

==== =====================================================================================================
code meaning
==== =====================================================================================================
0    parity, or nothing to say
1    divergent; advice
2    usage, spec or data
3    inconclusive
4    the machine's fault (a full disk, no permission, no memory), or our own: then with the traceback's file
130  interrupted; 128 and its number for another signal, 141 where nobody reads standard output any more
==== =====================================================================================================
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any

import click

from parity import __version__
from parity.errors import MACHINE, ParityError, printable, shortened

INTERRUPTED, PIPE = 130, 141
"""Exit codes of Ctrl-C, and of a reader of standard output that is gone."""

EXIT = {"identical": 0, "rounding": 0, "divergent": 1, "inconclusive": 3}
"""Exit code of a verdict."""


def code_of(verdicts: Iterable[str]) -> int:
    """Return the exit code of several verdicts: that of the worst."""
    return max((EXIT[one] for one in verdicts), key=[0, 3, 1].index, default=0)


class UnreadError(Exception):
    """Nobody reads standard output any more; click would make an exit code of its own of a broken pipe."""


@contextlib.contextmanager
def read_on() -> Iterator[None]:
    """Tell a broken pipe from everything that click knows.

    Raises:
        UnreadError: when nobody reads standard output any more.
    """
    try:
        yield
    except BrokenPipeError as error:
        raise UnreadError from error


def ended(verb: Callable[[], Any]) -> int:
    """Call a verb and return the exit code, having said in one line on standard error what went wrong.

    Args:
        verb: what to do; an exit code that it raises as ``SystemExit`` is its own.
    """
    try:
        _heed()
        code = verb()
        _flush()
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # Rich ends so.
            return _unread()
        try:
            _flush()
        except OSError as failed:
            return _said(failed)
        return error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    except BaseException as error:
        return _said(error)
    return code if isinstance(code, int) else 0


def _said(error: BaseException) -> int:
    """Say what went wrong, and return the exit code."""
    match error:
        case BrokenPipeError() | UnreadError():
            return _unread()
        case ParityError():
            _echo(str(error))
            return error.exit_code
        case KeyboardInterrupt() | click.Abort():  # What click makes of Ctrl-C.
            _echo("\ninterrupted; finished runs are kept, the same command goes on from them")
            return INTERRUPTED
        case click.ClickException():
            with contextlib.suppress(OSError):
                error.show()
            return error.exit_code
        case MemoryError():
            _echo(f"out of memory{f': {error}' if str(error) else ''}")
        case OSError() if error.strerror and (error.filename is not None or error.errno is not None):
            _pacify(sys.stdout)
            _echo(f"{error.filename if error.filename is not None else 'the machine'}: {error.strerror}")
        case _:
            said = shortened(" ".join(f"{type(error).__name__}: {error}".split()), 300)
            _echo(f"a fault of parity's own, {said}; {_recorded(error)}")
    return MACHINE


def _recorded(error: BaseException) -> str:
    """Write the traceback to a file, and say where it is."""
    text = "".join(traceback.format_exception(error))
    about = f"parity {__version__}, Python {platform.python_version()}, {platform.platform()}\n{command()}\n\n"
    try:
        handle, name = tempfile.mkstemp(prefix="parity-error-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(about + text)
    except OSError as failed:
        return f"its traceback could not be written ({failed.strerror})"
    return f"its traceback is in {name}"


def command() -> str:
    """Return the command line as somebody would type it, without what a terminal would obey."""
    import shlex

    return printable(shlex.join(["parity", *sys.argv[1:]]))


def _heed() -> None:
    """Clean up (workers, scratch space in memory) also when ended from outside, or when the terminal is closed."""

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    with contextlib.suppress(ValueError):  # Not in the main thread: whoever runs us there has handlers of his own.
        signal.signal(signal.SIGTERM, end)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # As nohup asks.
            signal.signal(signal.SIGHUP, end)


def _echo(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        click.echo("\n".join(shortened(line) for line in printable(text).split("\n")), err=True)


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _unread() -> int:
    _pacify(sys.stdout)
    return PIPE


def _pacify(stream: Any) -> None:
    """Let what is left in a stream that cannot be written go nowhere: else Python fails at it once more, at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
