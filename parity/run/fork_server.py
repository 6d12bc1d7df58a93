"""A process that has imported modules and done nothing else, and forks whenever it is asked: a worker in no time.

    python -P fork_server.py LISTENING CODE

``LISTENING`` is the number of a listening socket that it was given, ``CODE`` imports; it ends when its standard input
does. A file of the standard library alone: what runs in a fork need not be parity's. Of two forks one waits for the
other, which runs what is asked for, so that how it ended can be told.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
from typing import Any

GRACE_SECONDS = 3.0
"""How long a server that is to end waits for its forks, which end with those who asked for them."""


def end_with_input() -> None:
    """End this process when nobody holds the other end of its standard input any more, and its forks have ended."""
    while os.read(0, 4096):
        pass
    until = time.monotonic() + GRACE_SECONDS
    while bury() and time.monotonic() < until:
        time.sleep(0.005)
    os._exit(0)


def bury() -> bool:
    """Take note of forks that have ended; return whether there are others."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def end_with_client(client: socket.socket) -> None:
    """End this process when whoever asked for it is gone."""
    client.recv(1)
    os._exit(1)


def serve(listening: socket.socket) -> tuple[socket.socket, list[int], dict[str, Any]]:
    """Fork for each client; return, in a fork that is to run something, the client, its streams and what it wants."""
    while True:
        client, _ = listening.accept()
        if not os.fork():
            break
        client.close()
        bury()
    listening.close()
    _, streams, _, _ = socket.recv_fds(client, 1, 3)
    told = json.loads(client.makefile("rb").readline())
    client.send(b".")
    if child := os.fork():
        for stream in streams:
            os.close(stream)
        client.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
        os._exit(0)
    return client, streams, told


def become(client: socket.socket, streams: list[int], told: dict[str, Any], own: dict[str, str]) -> str:
    """Be what a fresh interpreter would be; return the code that it is to run.

    Args:
        client: who asked.
        streams: its input, output and errors.
        told: its ``arguments``, ``env`` and ``folder``.
        own: of the environment, what the imports have set.
    """
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    threading.Thread(target=end_with_client, args=(client,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update({**told["env"], **own})
    os.chdir(told["folder"])
    if "numpy.random" in sys.modules:  # A fresh interpreter's numbers are no other's.
        sys.modules["numpy.random"].seed()
    begin = told["arguments"].index("-c")
    if "-I" not in told["arguments"][:begin]:
        sys.path.insert(0, "")
    sys.argv = told["arguments"][begin:]
    code: str = sys.argv.pop(1)
    return code


def run(code: str) -> int:
    """Run code as the main module; return its exit code."""
    try:
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return (error.code or 0) & 255
        print(error.code, file=sys.stderr)
        return 1
    except BaseException:  # Whatever it is: Python would end with this.
        traceback.print_exc()
        return 1
    return 0


def end(status: int) -> None:
    """End as Python does, but for taking apart all that was imported, which takes longer than a small program."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main() -> None:
    """Import, serve, and in a fork run what is asked for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The terminal sends it to the forks, too.
    threading.Thread(target=end_with_input, daemon=True).start()
    number, code = sys.argv[1:]
    before = dict(os.environ)
    exec(code, {})
    own = {name: value for name, value in os.environ.items() if before.get(name) != value}
    gc.collect()
    gc.freeze()
    end(run(become(*serve(socket.socket(fileno=int(number))), own)))


if __name__ == "__main__":
    main()
