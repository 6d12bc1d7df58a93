"""Workers as forks of a process that has imported their framework: that takes seconds, and a command starts many.

The first one that is asked for starts its server (``fork_server.py``), which imports while other work is done. A fork
is as a fresh interpreter is: nothing was run in its server. Forking is for Linux, and for machines without a GPU, whose
libraries do not survive it.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from parity.frameworks import frameworks
from parity.run.environment import may_have_gpus

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
"""Folder that holds the package; an interpreter that runs a worker need not have parity installed."""

QUIET = {"OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
"""What libraries read where they are loaded: threads that wait for work by spinning keep the cores from whoever has
some, and two workers on two cores, or NumPy beside PyTorch, are then twenty times slower."""

LONGEST = 100
"""Letters that the path of a socket may have."""


def client(address: str) -> list[str]:
    """Return the command that is run as Python is, and makes a fork of the server with that socket."""
    return [sys.executable, "-I", "-S", str(HERE / "fork_client.py"), address]


def start(
    address: str, code: str, held: int = subprocess.PIPE, env: Mapping[str, str] = MappingProxyType({})
) -> subprocess.Popen[bytes]:
    """Start a server; who asks for a fork before it has imported all waits until then.

    Args:
        address: path of its socket.
        code: that imports.
        held: file that it reads; it ends when nobody writes there any more, by itself when this process ends.
        env: more of its environment.
    """
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)
        number = listening.fileno()
        return subprocess.Popen(
            [sys.executable, "-P", str(HERE / "fork_server.py"), str(number), code],
            stdin=held, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[number],
            env={**os.environ, **QUIET, **env},
        )  # fmt: skip


def imports(framework: str) -> str:
    """Return the statement that imports a framework, with what it would import late."""
    known = frameworks()[framework]
    late = [name for name in known.imports_late if importlib.util.find_spec(name.partition(".")[0])]
    return f"import {', '.join([*known.modules, *late])}"


def server_of(framework: str) -> str:
    """Return the framework whose server forks workers of another one's, too; its own name where it has one."""
    return frameworks()[framework].forks_of or framework


@dataclass(kw_only=True, eq=False)
class Forks:
    """The servers of one command.

    Args:
        folder: of their sockets.
    """

    folder: Path
    _servers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def warm(self, names: Iterable[str]) -> None:
        """Let frameworks be imported from now on, while other work is done."""
        for name in names:
            self.command(name)

    def command(self, framework: str) -> list[str]:
        """Return what is run in the place of this interpreter and has a framework imported; empty: nothing is."""
        name = server_of(framework)
        address = str(self.folder / f"{name}.socket")
        if sys.platform != "linux" or may_have_gpus() or len(address) > LONGEST:
            return []
        if not frameworks()[name].installed():
            return []
        with self._lock:
            if name not in self._servers:
                self._servers[name] = start(address, imports(name), env=frameworks()[name].environment)
        return client(address)

    def close(self) -> None:
        """End the servers; a fork that still runs ends with who asked for it."""
        for server in self._servers.values():
            server.communicate()  # It reads its input to the end, and ends.
        self._servers.clear()
