"""Numbers that are solved for: the one with which a reference comes nearest to a program."""

from __future__ import annotations

import math
from collections.abc import Iterator

from parity.explain.changes import Knob
from parity.explain.held import Changes, Held, Name

ROUNDS = 14
"""Tries of a number that is solved for."""

DIGITS = 3
"""A number of more digits is less likely to stand in a program: it counts as two changes."""


def nearest(held: Held, base: Changes, knob: Knob, place: Name) -> float | None:
    """Return the number with which a phase comes nearest to the program's, by least squares; None where none is found.

    Args:
        held: the step.
        base: changes that are made beside it.
        knob: the number.
        place: the first tensor that departs without it.
    """
    at, then = knob.start, knob.start + knob.step
    known = held.apart((*base, knob.change(at)), place)
    for _ in range(ROUNDS):
        now = held.apart((*base, knob.change(then)), place)
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
    """Yield a number with as few digits as are near enough to be it, then with more; and whether they are few.

    >>> list(short_forms(0.0099999999999999))[0]
    (True, 0.01)
    """
    seen = set()
    for digits in (*range(1, 7), 12, 17):
        value = float(f"{number:.{digits}g}")
        if abs(value - number) <= 1e-6 * abs(number) and value not in seen:
            seen.add(value)
            yield digits <= DIGITS, value
