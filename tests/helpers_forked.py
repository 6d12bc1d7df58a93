"""Interpreters that have imported a framework: each run of one is a fork, and spared the seconds that importing takes.

:func:`interpreter` is a file that is run as Python is. It hands its streams, arguments, environment and folder to a
process that has imported the framework and done nothing else, which forks; the exit code comes back. So a run has
nothing in it of what ran before. All processes of a run of the tests ask the same ones, and who asks first starts them.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from parity.frameworks import frameworks
from parity.run import own_defaults, session

FOLDER = "PARITY_FORKS"
"""Variable of the environment that names the folder of the interpreters of a run of the tests (tests/conftest.py)."""

LOCK = "held"
"""File in it that the run has locked: what forks ends when that is free."""

ASKS = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect(sys.argv[1])
    socket.send_fds(asked, [b"."], [0, 1, 2])
    told = {"arguments": sys.argv[2:], "env": dict(os.environ), "folder": os.getcwd()}
    asked.sendall(json.dumps(told).encode() + b"\\n")
    sys.exit(int(asked.recv(8) or 1))
"""
"""What is run in the place of Python; of its arguments it has ``-I`` and ``-c``, and whatever stands behind that."""

FORKS = """
import atexit, fcntl, gc, importlib, json, os, socket, sys, threading, traceback
for name in sys.argv[3:]:
    importlib.import_module(name)
gc.collect()
gc.freeze()

def end_with_the_tests():
    with open(sys.argv[2]) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        os._exit(0)

threading.Thread(target=end_with_the_tests, daemon=True).start()
with socket.socket(socket.AF_UNIX) as heard:
    heard.bind(sys.argv[1])
    heard.listen()
    print(flush=True)
    while True:
        asked, _ = heard.accept()
        if not os.fork():
            break
        asked.close()
_, streams, _, _ = socket.recv_fds(asked, 1, 3)
told = json.loads(asked.makefile().readline())
if child := os.fork():
    asked.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
    os._exit(0)
for number, stream in enumerate(streams):
    os.dup2(stream, number)
    os.close(stream)

def end_with_who_asked():
    asked.recv(1)
    os._exit(1)

threading.Thread(target=end_with_who_asked, daemon=True).start()
os.environ.clear()
os.environ.update(told["env"])
os.chdir(told["folder"])
begin = told["arguments"].index("-c")
if "-I" not in told["arguments"][:begin]:
    sys.path.insert(0, "")
sys.argv = told["arguments"][begin:]
code, status = sys.argv.pop(1), 0
try:
    exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
except SystemExit as error:
    status = error.code if isinstance(error.code, int) else int(error.code is not None)
    if status and not isinstance(error.code, int):
        print(error.code, file=sys.stderr)
except BaseException:
    traceback.print_exc()
    status = 1
threading._shutdown()
atexit._run_exitfuncs()
sys.stdout.flush()
sys.stderr.flush()
os._exit(status & 255)
"""
"""Forks whenever it is asked; one fork waits for the other, which runs what is asked for.

It ends as Python does, but for taking apart all that was imported, which takes longer than a small program.
"""

LIKE = {"tensorflow": "keras"}
"""Whose imports are the same: TensorFlow itself imports Keras."""

MORE = {"torch": ("torch._dynamo",), "keras_torch": ("torch._dynamo", "tensorflow")}
"""What a framework imports by itself where first an optimizer is made, or a generator seeded."""

QUIET = {"OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "TF_CPP_MIN_LOG_LEVEL": "3"}
"""What a worker sets before it imports anything."""


@cache
def interpreter(framework: str) -> str:
    """Return the path of an interpreter that has imported a framework; where processes cannot fork so, a plain one."""
    modules = frameworks()[LIKE.get(framework, framework)].modules
    if sys.platform != "linux" or not all(map(importlib.util.find_spec, modules)):
        return sys.executable
    folder = Path(os.environ[FOLDER]) / "-".join(modules)
    folder.mkdir(exist_ok=True)
    file = folder / "python"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Another process may be starting the same one.
        if not file.exists():
            _start(folder, modules, MORE.get(framework, ()))
            asks = shlex.join([sys.executable, "-I", "-S", "-c", ASKS, str(folder / "socket")])
            file.write_text(f'#!/bin/sh\nexec {asks} "$@"\n')
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
        yield


def forked_defaults(patch: pytest.MonkeyPatch) -> None:
    """Let the worker that is asked for a framework's own defaults be a fork of one that has imported it."""

    def asked(framework: str, python: str | None) -> session.Session:
        return own_defaults.Session(f"{framework}'s defaults", python or interpreter(framework))

    patch.setattr(own_defaults, "_asked", asked)


def _start(folder: Path, modules: Sequence[str], wanted: Sequence[str]) -> None:
    """Start what forks: it has imported modules, and those of others that are installed."""
    more = [name for name in wanted if importlib.util.find_spec(name.partition(".")[0])]
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", FORKS, str(folder / "socket"), os.environ[FOLDER] + f"/{LOCK}", *modules, *more],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, **QUIET, "KERAS_HOME": str(folder), "KERAS_BACKEND": modules[-1]},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline(), f"{', '.join(modules)}: not imported"
