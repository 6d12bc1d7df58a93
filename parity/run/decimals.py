"""Numbers as people wrote them, of what a framework kept in float32.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

from parity.lazy import np


def decimal_of(value: float) -> float:
    """Return the shortest decimal that float32 keeps as a number; a number that float32 does not keep as it is.

    >>> decimal_of(0.10000000149011612), decimal_of(0.1)
    (0.1, 0.1)
    """
    return float(str(np.float32(value))) if float(np.float32(value)) == value else value
