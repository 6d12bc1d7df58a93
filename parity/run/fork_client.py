"""Run as Python is, in its place: hands its streams, arguments and folder to a fork server, and ends as the fork does.

    python -I -S fork_client.py SOCKET -u -c CODE

A file of the standard library alone, for it is run by itself. Where the server is gone, Python itself takes its place.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time

WATCH_SECONDS = 0.5
"""How often it looks whether who started it still lives."""


def end_with(parent: int) -> None:
    """End this process soon after its parent, and the fork with it."""
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


def ask(address: str, arguments: list[str]) -> int | None:
    """Return how the fork ended that a server made, negative for a signal; None where there is no server any more.

    Args:
        address: of the server's socket.
        arguments: those of Python, with the code behind ``-c``.
    """
    with socket.socket(socket.AF_UNIX) as server:
        try:
            server.connect(address)
            told = {"arguments": arguments, "env": dict(os.environ), "folder": os.getcwd()}
            socket.send_fds(server, [b"."], [0, 1, 2])
            server.sendall(json.dumps(told).encode() + b"\n")
            begun = server.recv(1)
        except OSError:
            begun = b""
        if not begun:
            return None
        try:
            return int(server.recv(8) or 1)
        except OSError:
            return 1


def main() -> None:
    """Ask for a fork, and end as it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The terminal sends it to the fork, too.
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    address, *arguments = sys.argv[1:]
    code = ask(address, arguments)
    if code is None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execv(sys.executable, [sys.executable, *arguments])
    if code < 0:
        with contextlib.suppress(OSError):  # Nobody can be deaf to SIGKILL.
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code & 255)


if __name__ == "__main__":
    main()
