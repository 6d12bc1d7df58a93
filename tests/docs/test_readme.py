"""What README.md shows as printed is what its commands print here: all words of it, whatever the numbers come to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers_commands import command
from helpers_sample import WHOLE

ROOT = Path(__file__).resolve().parents[2]
NUMBER = re.compile(r"[-+]?\d[\d.,]*(?:e[-+]?\d+)?")


def worded(text: str) -> str:
    """Return the words of a text on one line, a mark in the place of each number."""
    return NUMBER.sub("#", " ".join(text.split()))


def shown(beginning: str) -> str:
    """Return the block of README.md that is printed by a command: the one behind what begins so."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    _, found, behind = text.partition(beginning)
    assert found, f"README.md shows no {beginning}"
    lines = behind.partition("\n")[2].splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("    "))
    block = []
    for line in lines[first:]:
        if line and not line.startswith("    "):
            break
        block.append(line)
    return "\n".join(block)


def printed(*arguments: str) -> str:
    done = command(*arguments, cwd=ROOT)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def test_numbers_are_what_is_not_held() -> None:
    assert worded("step\n 12,  by 1.3e+00 (0.0546\n to 0.0585)") == "step # by # (# to #)"
    assert worded("`loss.broadcast`") == "`loss.broadcast`"


@pytest.mark.slow
@pytest.mark.sampled(4, among="questions")
def test_two_programs_are_compared_as_shown(tmp_path: Path) -> None:
    asked = ("compare", "specs/ports/wifi_keras.py", "specs/ports/wifi_torch.py")
    assert worded(shown(f"    parity {' '.join(asked)}")) in worded(printed(*asked, "--out", str(tmp_path)))


@pytest.mark.slow
@pytest.mark.sampled(4, among="questions")
def test_a_program_is_ported_as_shown(tmp_path: Path) -> None:
    asked = ("port", "specs/ports/phrases_keras.py", "--to", "torch", "--weights")
    weights, _, verdict = shown(f"    parity {' '.join(asked)}").partition("\n")  # Between them stands the name.
    said = worded(printed(*asked, "--out", str(tmp_path)))
    assert worded(weights) in said
    assert worded(verdict) in said


@pytest.mark.slow
@pytest.mark.skipif(not WHOLE, reason="takes minutes: make long")
def test_the_demo_ends_in_the_screen_shown(tmp_path: Path) -> None:
    screen = worded(shown("It ends in a screen with the answer:")).partition("reports/")[0]
    assert screen in worded(printed("run", "specs/leaf_small.yaml", "--out", str(tmp_path)))
