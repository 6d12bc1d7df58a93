"""Interpreters that have imported a framework: each run of one is a fork, and spared the seconds that importing takes.

:func:`interpreter` is a file that is run as Python is. It hands its streams, arguments, environment and folder to a
process that has imported the framework and done nothing else, which forks (``parity/run/fork_server.py``). So a run has
nothing in it of what ran before. All processes of a run of the tests ask the same ones, and who asks first starts them.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from parity.frameworks import frameworks
from parity.run import forks, own_defaults, session

FOLDER = "PARITY_FORKS"
"""Variable of the environment that names the folder of the interpreters of a run of the tests (tests/conftest.py)."""

HELD = "held"
"""Pipe in it that the run writes to; what forks ends when that is closed."""


@cache
def interpreter(framework: str) -> str:
    """Return the path of an interpreter that has imported a framework; where processes cannot fork so, a plain one.

    Nothing of parity is imported there: whether a program runs alone can be seen in it.
    """
    name = forks.server_of(framework)
    if sys.platform != "linux" or not frameworks()[name].installed():
        return sys.executable
    folder = Path(os.environ[FOLDER]) / name
    folder.mkdir(exist_ok=True)
    file = folder / "python"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Another process may be starting the same one.
        if not file.exists():
            _start(folder, name)
            file.write_text(f'#!/bin/sh\nexec {shlex.join(forks.client(str(folder / "socket")))} "$@"\n')
            file.chmod(0o755)
    return str(file)


@contextmanager
def forked_workers(framework: str) -> Iterator[None]:
    """Let every worker that would be this interpreter be a fork of one that has imported a framework."""
    find = session.find_interpreter
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            session, "find_interpreter", lambda name: find(interpreter(framework) if name == sys.executable else name)
        )
        shared_servers(patch)
        yield


def shared_servers(patch: pytest.MonkeyPatch) -> None:
    """Let commands that run here ask the servers of this run of the tests, and start none of their own."""
    patch.setattr(forks.Forks, "command", lambda self, framework: [interpreter(framework)])


def forked_defaults(patch: pytest.MonkeyPatch) -> None:
    """Let the worker that is asked for a framework's own defaults be a fork of one that has imported it."""

    def asked(framework: str, python: str | None) -> session.Session:
        return own_defaults.Session(f"{framework}'s defaults", python or interpreter(framework))

    patch.setattr(own_defaults, "_asked", asked)


def _start(folder: Path, name: str) -> None:
    """Start what forks, without a line of parity in it."""
    held = os.open(Path(os.environ[FOLDER]) / HELD, os.O_RDONLY)
    env = {**frameworks()[name].environment, "KERAS_HOME": str(folder)}
    forks.start(str(folder / "socket"), forks.imports(name), held, env)
    os.close(held)
