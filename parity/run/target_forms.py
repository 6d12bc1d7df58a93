"""The forms in which a program is given its targets: kept in one, they are put into the other as they are handed on.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

import numpy as np


def in_form(y: np.ndarray, form: str | None) -> np.ndarray:
    """Return targets in the form that a program takes.

    Args:
        y: (N, ..., C): one-hot rows, one number a row (N, 1), or whatever else has the shape of the outputs.
        form: ``index`` gives the numbers of the classes, int64, (N, ...); ``flat`` gives (N,); any other, and None, y.
    """
    if form == "index":
        return y.argmax(axis=-1)
    return y[..., 0] if form == "flat" else y
