"""Numbers of two sides that are one number where a program keeps them in float32.

A mean that NumPy measured in float64 and one that a framework's layer keeps are apart by rounding, and so are ``0.485``
and a tensor made of it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from parity.entries import Entry

UNITS = 2.0**-22
"""Relative difference of two numbers of which one is the other in float32, or was made in float32 of the same ones."""

KEPT = "to float32 they are one number: rounding moves, nothing else"


def kept_alike(one: Entry, other: Entry, field: str) -> bool:
    """Return whether a field of two entries has other numbers, of which one side keeps the other's in float32.

    Args:
        one: entry of the first side.
        other: entry of the second side, which has the field as well.
        field: that differs.
    """
    every = [list(_numbers(value)) for side in (one, other) for value in (getattr(side, field), side.size_of(field))]
    if not every[0] or len({len(numbers) for numbers in every}) > 1 or any(None in numbers for numbers in every):
        return False
    return all(
        a == b or (abs(a - b) <= UNITS * max(map(abs, (a, of, b, of_b))) and (_in_float32(a) or _in_float32(b)))
        for a, of, b, of_b in zip(*every, strict=True)
    )


def _in_float32(number: float) -> bool:
    """Return whether float32 has a number as it is: one that somebody wrote it seldom has."""
    return ctypes.c_float(number).value == number


def _numbers(value: Any) -> Iterator[Any]:
    """Yield the numbers of a field, None for what is none."""
    if isinstance(value, tuple | list):
        for one in value:
            yield from _numbers(one)
    else:
        yield value if isinstance(value, float) else None
