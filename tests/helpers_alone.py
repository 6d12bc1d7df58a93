"""Programs run alone, where ``import parity`` fails: each in a process of its own, fresh or forked.

A fresh interpreter imports its framework, which takes longer than a small program. A forked one comes of a process that
has imported it and done nothing else, so that nothing of another program is in it.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

from helpers_commands import Done

from parity.frameworks import frameworks

NO_PARITY = "import sys; sys.modules['parity'] = None; "
ALONE = NO_PARITY + "import runpy; sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name='__main__')"
"""Runs the program named first on the command line."""

FORKS = (
    NO_PARITY
    + """
import importlib, json, os, runpy
for name in sys.argv[1:]:
    importlib.import_module(name)
print("null", flush=True)
for line in sys.stdin:
    if not (child := os.fork()):
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
asked = json.loads(line)
os.environ.clear()
os.environ.update(asked["env"])
os.chdir(asked["folder"])
for number, file in enumerate(asked["files"]):
    os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
sys.argv = asked["arguments"]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
)
"""Forks for every line that it reads, and answers with the exit code; first says that it is there."""

SECONDS = 180.0
"""After which a program is taken for hung."""


def run_alone(framework: str, arguments: Sequence[str], folder: Path, fresh: bool = False) -> Done:
    """Run a program as a user would, from its folder.

    Args:
        framework: that it is of.
        arguments: its file, and what stands behind it on the command line.
        folder: to run it in.
        fresh: in an interpreter of its own that has imported nothing, or else in a fork.
    """
    env = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "KERAS_BACKEND"}}
    env |= {"KERAS_HOME": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"}
    if not fresh:
        return forked(framework, arguments, folder, env)
    done = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, *arguments], cwd=folder, env=env, capture_output=True, text=True,
        timeout=SECONDS, check=False,
    )  # fmt: skip
    return Done(returncode=done.returncode, stdout=done.stdout, stderr=done.stderr)


def forked(framework: str, arguments: Sequence[str], folder: Path, env: Mapping[str, str]) -> Done:
    """Run a program in a fork of the process that has imported its framework."""
    process = importer(framework)
    asks, answers = streams(process)
    with tempfile.TemporaryDirectory() as said:
        files = [os.devnull, f"{said}/out", f"{said}/err"]
        asked = {"arguments": list(arguments), "folder": str(folder), "env": dict(env), "files": files}
        asks.write(f"{json.dumps(asked)}\n".encode())
        asks.flush()
        code = json.loads(answer(process, answers))
        out, err = (Path(file).read_text() for file in files[1:])
    return Done(returncode=code, stdout=out, stderr=err)


@cache
def importer(framework: str) -> subprocess.Popen[bytes]:
    """Return the process that has imported a framework, started when first asked for."""
    home = tempfile.mkdtemp(prefix="parity-alone-")
    modules = frameworks()[framework].modules
    env = {**os.environ, "KERAS_HOME": home, "KERAS_BACKEND": modules[-1], "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", FORKS, *modules], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, bufsize=0,
    )  # fmt: skip
    atexit.register(process.kill)
    answer(process, streams(process)[1])
    return process


def streams(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    """Return where a process reads and where it writes."""
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def answer(process: subprocess.Popen[bytes], stream: IO[bytes]) -> bytes:
    """Return the line that it answers, or fail after as long as a program may take."""
    if not select.select([stream], [], [], SECONDS)[0]:
        process.kill()
        importer.cache_clear()
        raise TimeoutError(f"no answer in {SECONDS:g} seconds")
    return stream.readline()
