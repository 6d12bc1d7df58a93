"""Numbers as people wrote them, of what a framework kept in float32.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

from collections.abc import Iterable

from parity.lazy import np

LEAST_SHARE = 0.3
"""Below which nobody has a share that a running mean keeps."""


def decimal_of(value: float) -> float:
    """Return the shortest decimal that float32 keeps as a number; a number that float32 does not keep as it is.

    >>> decimal_of(0.10000000149011612), decimal_of(0.1)
    (0.1, 0.1)
    """
    return float(str(np.float32(value))) if float(np.float32(value)) == value else value


def shares_of(numbers: Iterable[float]) -> list[float]:
    """Return what may be shares that means keep, among numbers and what they are short of 1.

    >>> shares_of([0.1, 0.001, 0.6])
    [0.4, 0.6, 0.9, 0.999]
    """
    every = {float(f"{one:.12g}") for number in numbers for one in (number, 1.0 - number)}
    return sorted(one for one in every if LEAST_SHARE < one < 1.0)
