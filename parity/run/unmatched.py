"""What is asked of a program written by hand before its tensors are matched to a config.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.run.drivers.base import Driver

EVALUATED = 8
"""Rows by which it is told whether a program evaluates the same way twice."""


def opened(driver: Callable[..., Driver], program: str, names: dict[str, str], precision: str) -> Driver:
    """Return a program of which nothing is known but what it calls the parts of the contract.

    Args:
        driver: of its framework.
        program: its path.
        names: what it calls the parts.
        precision: to build it in.
    """
    empty: dict[str, Any] = {"weights": {}, "outputs": {}, "slots": {}, "mask_axes": [], "ending": None, "names": names}
    return driver(program, empty, precision, 0)


def evaluation(driver: Driver, x: np.ndarray) -> dict[str, Any]:
    """Return how far apart evaluations of the same rows are, and how often they called dropout.

    They are evaluated twice, and in two halves: the norm of each difference over the norm of the outputs.

    Args:
        driver: of the program, with weights of its own.
        x: inputs, (N, ...).
    """
    rows = np.ascontiguousarray(x[:EVALUATED], dtype=driver.host_dtype())
    first, second = (np.array(driver.predict(rows), dtype=np.float64) for _ in range(2))
    draws, scale = driver.clock["call"], float(np.linalg.norm(first)) or 1.0
    together = 0.0
    if len(rows) >= 4:  # Batch norm in training mode refuses a single row.
        parts = [np.array(driver.predict(half), dtype=np.float64) for half in np.array_split(rows, 2)]
        if all(part.shape[1:] == first.shape[1:] for part in parts):
            together = float(np.linalg.norm(np.concatenate(parts) - first)) / scale
    return {"difference": float(np.linalg.norm(second - first)) / scale, "draws": draws, "together": together}
