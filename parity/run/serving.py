"""The worker's end of the wire: commands in, answers out, until the parent hangs up."""

from __future__ import annotations

import os
import traceback
from typing import Any

from parity.run.worker import Worker

COMMANDS = (
    "versions", "inventory", "evaluation", "targets", "open", "predict", "train", "digest_state", "advance", "adopt",
    "publish", "probe",
)  # fmt: skip
"""What a parent may ask for."""


def print_program_error(error: BaseException) -> None:
    """Print an error from where the program begins: what stands above is the harness."""
    here, trace = os.path.dirname(__file__), error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(here):
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace or error.__traceback__)


def serve(channel: Any, log: str) -> None:
    """Answer commands until the parent hangs up.

    Args:
        channel: execnet's channel to the parent.
        log: file that takes everything the process prints.
    """
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    worker = Worker(channel)
    for command, payload in channel:
        try:
            if command not in COMMANDS:
                raise ValueError(f"unknown command {command!r}")
            channel.send(("done", getattr(worker, command)(**payload)))
        except Exception as error:
            print_program_error(error)
            channel.send(("failed", f"{type(error).__name__}: {error}"))
