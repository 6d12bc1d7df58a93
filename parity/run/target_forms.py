"""The forms in which a program is given its targets: kept in one, they are put into the other as they are handed on.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

import numpy as np

from parity.rows import numbers_of


def labelled(y: np.ndarray) -> np.ndarray:
    """Return targets of which those of no class are of the first, for a program that leaves them out by a mask.

    Args:
        y: (N, ..., C), a row of no class holding a number below 0 throughout.
    """
    outside = y.max(axis=-1, initial=-np.inf) < 0
    found = y.copy()
    found[outside] = np.eye(y.shape[-1], dtype=y.dtype)[0]
    return found


def in_form(y: np.ndarray, form: str | None) -> np.ndarray:
    """Return targets in the form that a program takes.

    Args:
        y: (N, ..., C): one-hot rows, one number a row (N, 1), or whatever else has the shape of the outputs.
        form: ``index`` gives the numbers of the classes, int64, (N, ...); ``flat`` gives (N,); any other, and None, y.
            A row of no class, which holds a number below 0 throughout, gives that number.
    """
    if form == "index":
        return numbers_of(y)
    return y[..., 0] if form == "flat" else y
