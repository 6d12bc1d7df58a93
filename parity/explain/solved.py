"""Numbers that are solved for: the one with which a reference comes nearest to a program."""

from __future__ import annotations

import math
from collections.abc import Iterator

from parity.explain.against_reference import Changes, Held, Name
from parity.explain.changes import Knob

ROUNDS = 14
"""Tries of a number that is solved for."""

DIGITS, MOST_DIGITS = 3, 6
"""Digits of a number that somebody writes, and of one that somebody may have written."""

NEAR = 1e-6
"""How near, relatively, a number is to what it is taken to be meant to be; whether it is, a trial tells."""


def nearest(held: Held, base: Changes, knob: Knob, phase: str, place: Name) -> float | None:
    """Return the number with which a phase comes nearest to the program's, by least squares; None where none is found.

    Args:
        held: the step.
        base: changes that are made beside it.
        knob: the number.
        phase: what is to come near.
        place: the first tensor that departs without it.
    """
    at, then = knob.start, knob.start + knob.step
    known = held.apart((*base, knob.change(at)), phase, place)
    for _ in range(ROUNDS):
        now = held.apart((*base, knob.change(then)), phase, place)
        if known is None:
            return None
        if now is None or now[0].shape != known[0].shape:
            then = (at + then) / 2  # Over the edge of what the field allows.
            continue
        slope = now[0] - known[0]
        square = float(slope @ slope)
        if square == 0.0 or not math.isfinite(square):
            break
        move = float((now[1] - now[0]) @ slope) / square * (then - at)
        at, known = then, now
        if abs(move) <= 1e-16 * abs(then) or not math.isfinite(then + move):
            break
        then += move
    return at if at != knob.start else None


def short_forms(number: float) -> Iterator[tuple[bool, float]]:
    """Yield what a number may be meant to be, and whether few digits say it.

    That is the number with as few digits as do, or one over such a one; if there is none, the number as it is.

    >>> list(short_forms(0.0099999999999999))[0], next(short_forms(1 / 24))
    ((True, 0.01), (True, 0.041666666666666664))
    """
    for digits in (*range(1, DIGITS + 1), MOST_DIGITS):
        for value in (float(f"{number:.{digits}g}"), 1 / (float(f"{1 / number:.{digits}g}") or math.inf)):
            if abs(value - number) <= NEAR * abs(number):
                yield digits <= DIGITS, value
                if digits <= DIGITS:
                    return
    yield False, number
