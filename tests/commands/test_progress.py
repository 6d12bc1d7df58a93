"""What a terminal is told while a command works: what is under way and how long still; a log is told nothing."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from parity.commands.progress import Left

CODE = """
import time
from parity.commands.progress import progress
with progress() as note:
    for step in range(5):
        note(f"training keras: step {step} of 4, loss 0.5", step / 4)
        time.sleep(0.15)
print("done")
"""


STEP = "lockstep in float64: step 3 of 8"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_time_is_told_by_what_the_share_that_is_done_took() -> None:
    clock = Clock()
    left = Left(clock)
    assert left.told(STEP, 0.0) == ""
    clock.now = 2.0
    assert left.told(STEP, 0.5) == "", "too soon to say"
    clock.now = 20.0
    assert left.told(STEP, 0.25) == "", "another part has begun"
    clock.now = 50.0
    assert left.told(STEP, 0.5) == "about 1 min more"
    clock.now = 80.0
    assert left.told(STEP, 0.99) == "about 10 s more"
    assert left.told(STEP, 1.0) == ""


def test_no_time_is_told_of_a_share_that_does_not_move() -> None:
    clock = Clock()
    left = Left(clock)
    left.told(STEP, 0.3)
    clock.now = 100.0
    assert left.told(STEP, 0.3) == ""


def test_no_time_is_told_of_a_search() -> None:
    clock = Clock()
    left = Left(clock)
    left.told("explaining, run 1: keras, seed 0: the two sides", 0.0)
    clock.now = 20.0
    assert left.told("explaining, run 4: keras with loss, seed 0: a breaker", 0.5) == ""


def test_a_terminal_is_told_and_a_log_is_not() -> None:
    quiet = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert (quiet.stdout, quiet.stderr) == ("done\n", "")
    reader, terminal = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.DEVNULL, stderr=terminal,
                               env={**os.environ, "TERM": "xterm", "COLUMNS": "100"})  # fmt: skip
    os.close(terminal)
    shown = b""
    while True:
        try:
            part = os.read(reader, 4096)
        except OSError:  # The other end is closed.
            break
        if not part:
            break
        shown += part
    assert process.wait() == 0
    os.close(reader)
    assert b"training keras: step " in shown


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_first_word_is_no_time(share: float) -> None:
    assert Left(Clock()).told(STEP, share) == ""
